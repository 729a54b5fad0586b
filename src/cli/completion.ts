import type { Argument, Command, Option } from 'commander';

export type Shell = 'bash' | 'zsh' | 'fish';

/** Kinds of values that are completed. */
type Value = 'none' | 'any' | 'file' | 'folder';

/** The shell script that completes this program, generated from its commands. */
export function completionScript(shell: Shell, program: Command): string {
  const commands = [...program.createHelp().visibleCommands(program)];
  return { bash, zsh, fish }[shell](program, commands);
}

const optionsOf = (command: Command): readonly Option[] => command.createHelp().visibleOptions(command);

const flagsOf = ({ short, long }: Option): string[] => [short, long].filter((flag) => flag !== undefined);

function valueOf({ flags, required, optional }: Option): Value {
  if (!required && !optional) return 'none';
  return /<(file|path)/.test(flags) ? 'file' : /<dir/.test(flags) ? 'folder' : 'any';
}

const takesFiles = (argument: Argument): boolean => argument.name() === 'file';

const choicesOf = (command: Command): string[] =>
  command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices);

function bash(program: Command, commands: readonly Command[]): string {
  const name = program.name();
  const names = commands.map((command) => command.name());
  const withValue = (wanted: Value) => [
    ...new Set(
      [program, ...commands]
        .flatMap(optionsOf)
        .filter((option) => valueOf(option) === wanted)
        .flatMap(flagsOf),
    ),
  ];
  const cases = commands.map((command) => {
    const flags = optionsOf(command).flatMap(flagsOf).join(' ');
    return `    ${command.name()}) flags='${flags}'; words='${choicesOf(command).join(' ')}' ;;`;
  });
  // Where nothing is offered, `-o default` completes file names.
  return `# bash completion of ${name}: source <(${name} completion bash)
_${identifier(name)}() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" command='' word flags words
  COMPREPLY=()
  case "$prev" in
    ${withValue('file').join('|')}) return ;;
    ${withValue('folder').join('|')}) compopt -o dirnames; return ;;
    ${withValue('any').join('|')}) compopt +o default; return ;;
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in ${names.join('|')}) command="$word"; break ;; esac
  done
  case "$command" in
    '') flags='${optionsOf(program).flatMap(flagsOf).join(' ')}'; words='${names.join(' ')}' ;;
${cases.join('\n')}
  esac
  if [[ "$cur" == -* ]]; then words="$flags"; fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _${identifier(name)} ${name}
`;
}

const identifier = (name: string) => name.replaceAll('-', '_');

function zsh(program: Command, commands: readonly Command[]): string {
  const name = program.name();
  const described = commands.map((command) => `    ${quote(`${command.name()}:${command.description()}`)}`);
  const cases = commands.map((command) => {
    const specs = [...optionsOf(command).map(zshOption), ...command.registeredArguments.map(zshArgument)];
    return `        ${command.name()}) _arguments ${specs.join(' ')} ;;`;
  });
  return `#compdef ${name}
# zsh completion of ${name}: ${name} completion zsh > "\${fpath[1]}/_${name}"
_${identifier(name)}() {
  local -a commands
  local curcontext="$curcontext" state line
  commands=(
${described.join('\n')}
  )
  _arguments -C ${optionsOf(program).map(zshOption).join(' ')} '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe command commands ;;
    argument)
      case $words[1] in
${cases.join('\n')}
      esac ;;
  esac
}
if [ "$funcstack[1]" = "_${name}" ]; then _${identifier(name)} "$@"; else compdef _${identifier(name)} ${name}; fi
`;
}

const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

const ZSH_VALUES: Record<Value, string> = {
  none: '',
  any: ':value:',
  file: ':file:_files',
  folder: ':folder:_files -/',
};

function zshOption(option: Option): string {
  const flags = flagsOf(option);
  const text = option.description.replaceAll(/[[\]:]/g, ' ');
  const action = ZSH_VALUES[valueOf(option)];
  const spec = quote(`[${text}]${action}`);
  return flags.length === 2
    ? `'(${flags.join(' ')})'{${flags.join(',')}}${spec}`
    : `${flags[0] ?? ''}${spec}`;
}

function zshArgument(argument: Argument): string {
  const { argChoices } = argument;
  const action = takesFiles(argument) ? '_files' : `(${(argChoices ?? []).join(' ')})`;
  return quote(`${argument.variadic ? '*' : '1'}:${argument.name()}:${action}`);
}

function fish(program: Command, commands: readonly Command[]): string {
  const name = program.name();
  const base = `complete -c ${name}`;
  const lines = [
    `# fish completion of ${name}: ${name} completion fish | source`,
    `${base} -f`,
    ...optionsOf(program).map((option) => `${base} -n __fish_use_subcommand ${fishOption(option)}`),
    ...commands.flatMap((command) => {
      const seen = `-n '__fish_seen_subcommand_from ${command.name()}'`;
      const choices = choicesOf(command);
      return [
        `${base} -n __fish_use_subcommand -a ${command.name()} -d ${quote(command.description())}`,
        ...optionsOf(command).map((option) => `${base} ${seen} ${fishOption(option)}`),
        ...(choices.length > 0 ? [`${base} ${seen} -a ${quote(choices.join(' '))}`] : []),
        ...(command.registeredArguments.some(takesFiles) ? [`${base} ${seen} -F`] : []),
      ];
    }),
  ];
  return `${lines.join('\n')}\n`;
}

const FISH_VALUES: Record<Value, string> = {
  none: '',
  any: ' -x',
  file: ' -r -F',
  folder: ' -x -a "(__fish_complete_directories)"',
};

function fishOption(option: Option): string {
  const { short, long, description } = option;
  const names = [
    ...(short === undefined ? [] : [`-s ${short.slice(1)}`]),
    ...(long === undefined ? [] : [`-l ${long.slice(2)}`]),
  ];
  return `${names.join(' ')}${FISH_VALUES[valueOf(option)]} -d ${quote(description)}`;
}
