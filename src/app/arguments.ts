import { basename, resolve } from 'node:path';

/** The command line of a plugin server. */
export interface ServerArguments {
  dump: boolean;
  /** File to write a program to that prints the dump; undefined: the dump is printed. */
  output: string | undefined;
  prefix: string | null;
  adminUrl: string | null;
  allowHttp: boolean;
}

const DUMP_FLAGS = [
  '-dump',
  '--dump',
  '-dump-all-plugins',
  '--dump-all-plugins',
  '-dump-plugin-info',
  '--dump-plugin-info',
];

const OUTPUT_FLAGS = ['-o', '--output'];
const PREFIX_FLAGS = ['-p', '-kong-prefix', '--kong-prefix', '--prefix'];
const ADMIN_FLAGS = ['--admin-url'];
const HTTP_FLAGS = ['--allow-http'];

/** Kong before 3.9 looks for the query command under this name. */
export const isQueryCommand = (program: string): boolean => basename(program).startsWith('query_');

/** Reads the flags of Kong's plugin servers; all of them come in one-dash and two-dash forms. */
export function readServerArguments(args: readonly string[]): ServerArguments {
  const value = (...names: string[]): string | null => {
    for (const [index, arg] of args.entries()) {
      if (names.includes(arg)) return args[index + 1] ?? null;
      const match = names.find((name) => arg.startsWith(`${name}=`));
      if (match !== undefined) return arg.slice(match.length + 1);
    }
    return null;
  };
  const prefix = value(...PREFIX_FLAGS);
  return {
    dump: args.some((arg) => DUMP_FLAGS.includes(arg)),
    output: value(...OUTPUT_FLAGS) ?? undefined,
    prefix: prefix === null ? null : resolve(prefix),
    adminUrl: value(...ADMIN_FLAGS),
    allowHttp: args.some((arg) => HTTP_FLAGS.includes(arg)),
  };
}

/** The first argument that a plugin server does not take; null: there is none. */
export function strayArgument(args: readonly string[]): string | null {
  const valued = [...PREFIX_FLAGS, ...ADMIN_FLAGS, ...OUTPUT_FLAGS];
  const isStray = (arg: string, index: number) =>
    !DUMP_FLAGS.includes(arg) &&
    !HTTP_FLAGS.includes(arg) &&
    !valued.some((name) => arg === name || arg.startsWith(`${name}=`)) &&
    !valued.includes(args[index - 1] ?? '');
  return args.find(isStray) ?? null;
}

/** The arguments of kong-pdk's own server, where it loaded this module in order to serve; else null. */
export function readHostArguments(argv: readonly string[]): ServerArguments | null {
  const [, program = '', ...args] = argv;
  if (basename(program) !== 'kong-js-pluginserver') return null;
  const found = readServerArguments(args);
  return found.dump ? null : found;
}
