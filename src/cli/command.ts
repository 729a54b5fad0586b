import { Argument, Command } from 'commander';
import { VERSION } from '../common/product';
import {
  CANARY_NAME,
  countOf,
  notEmpty,
  pathOf,
  sniOf,
  withConfig,
  withHelp,
  withJson,
  withKong,
  withSocket,
  type PassOptions,
} from './options';
import { onNotice } from '../http/notices';
import { fail, surviveOutput, tell } from './failure';
import type { Shell } from './completion';
import type { DoctorOptions } from './doctor/patient';
import type { DrillCommandOptions } from './drill';
import type { HistoryOptions } from './history';
import type { ExplainOptions } from './explain';
import type { HoldOptions } from './hold';
import type { InspectOptions } from './inspect';
import type { ReloadOptions } from './reload';
import type { RunOptions } from './run';
import type { StatusOptions } from './status';
import type { SyncOptions } from './sync';

/** Runs the command line of people and scripts. A failure is printed and becomes exit code 1. */
export async function runCommand(args: readonly string[]): Promise<void> {
  surviveOutput();
  onNotice(tell);
  try {
    await program().parseAsync([...args], { from: 'user' });
  } catch (error) {
    fail(error, args.includes('--json'));
  }
}

/** Every command with its options; each command's code is loaded when it is called. */
export function program(): Command {
  const root = new Command('ssl-cert-reloader')
    .description('Puts renewed TLS certificates into a running Kong and proves that they are served.')
    .version(VERSION, '-V, --version')
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .addHelpText('after', '\nssl-cert-reloader COMMAND --help shows its exit codes and examples.')
    .hook('preAction', async (_, command) => {
      if (process.getuid?.() !== 0 || !OBEYING.has(command.name())) return;
      const { leavePrivileges } = await import('./privileges.js');
      leavePrivileges(command.opts<PassOptions>());
    });
  addPlan(root);
  addSync(root);
  addRun(root);
  addStatus(root);
  addHistory(root);
  addHolds(root);
  addReload(root);
  addDoctor(root);
  addDrill(root);
  addInspect(root);
  addExplain(root);
  addCompletion(root);
  return root;
}

/** Commands that follow a configuration, and therefore give up root's rights. */
const OBEYING: ReadonlySet<string> = new Set(['plan', 'sync', 'run', 'doctor', 'drill']);

const PASS_PROBLEM = 'Kong or a source cannot be asked, or the configuration is wrong';

function addPlan(root: Command): void {
  const command = root
    .command('plan')
    .description('show what a pass would change and why, and change nothing');
  withJson(withKong(withConfig(command))).action(async (options: PassOptions) => {
    const { plan } = await import('./plan.js');
    process.exitCode = await plan(options);
  });
  withHelp(
    command,
    [
      ['0', 'Kong has what the sources have'],
      ['1', PASS_PROBLEM],
      ['2', 'something would be swapped or created, or is refused'],
    ],
    ['ssl-cert-reloader plan', 'ssl-cert-reloader plan -c reloader.yml --admin-url http://127.0.0.1:8001'],
  );
}

function addSync(root: Command): void {
  const command = root
    .command('sync')
    .description('make one pass: read every source, swap what was renewed, and end');
  withJson(withKong(withConfig(command)))
    .option('--observe', 'only show what would be swapped')
    .option('--wait', 'wait for the ingress controller (takeover_grace), then take over')
    .action(async (options: SyncOptions) => {
      const { sync } = await import('./sync.js');
      process.exitCode = await sync(options);
    });
  withHelp(
    command,
    [
      ['0', 'everything that the sources hold is served, or nothing asks for it'],
      [
        '1',
        `something was refused, failed or rolled back (Kong serves what it served before); ${PASS_PROBLEM}`,
      ],
      [
        '3',
        'something waits for the ingress controller (run it again later, or with --wait), or is held back',
      ],
    ],
    ['ssl-cert-reloader sync', 'ssl-cert-reloader sync -c reloader.yml --admin-url http://127.0.0.1:8001'],
  );
}

function addInspect(root: Command): void {
  const command = root
    .command('inspect')
    .description('check a certificate and its key as the plugin would')
    .argument('<file...>', 'the files of one bundle: the certificate, its chain and its key, in any order')
    .option(
      '--password-file <file>',
      'file that holds the password of a PKCS#12, a JKS or an encrypted key',
      notEmpty,
    );
  withJson(command).action(async (files: string[], options: InspectOptions) => {
    const { inspect } = await import('./inspect.js');
    process.exitCode = await inspect(files, options);
  });
  withHelp(
    command,
    [
      ['0', 'it would be put into Kong'],
      ['1', 'it is refused, or a file cannot be read'],
    ],
    ['ssl-cert-reloader inspect fullchain.pem privkey.pem', 'ssl-cert-reloader inspect --json haproxy.pem'],
  );
}

function addExplain(root: Command): void {
  const command = root
    .command('explain')
    .description('explain a reason, an option, a state or an alert')
    .argument('<word>', 'such as key_mismatch, verify.timeout, no_source, KongCertificateExpired');
  withJson(command).action(async (word: string, options: ExplainOptions) => {
    const { explain } = await import('./explain.js');
    explain(word, options);
  });
  withHelp(
    command,
    [
      ['0', 'explained'],
      ['1', 'not a word of this program'],
    ],
    ['ssl-cert-reloader explain key_mismatch', 'ssl-cert-reloader explain sources[0].password_file'],
  );
}

function addDrill(root: Command): void {
  const command = root
    .command('drill')
    .description('rehearse a renewal on the running Kong with a name of its own, and clean up')
    .option('--sni <name>', 'the name to rehearse with; one that Kong serves is refused', sniOf, CANARY_NAME)
    .option('--listener <host:port...>', 'TLS listeners to ask instead of those of this Kong');
  withJson(withKong(withConfig(command))).action(async (options: DrillCommandOptions) => {
    const { drill } = await import('./drill/index.js');
    process.exitCode = await drill(options);
  });
  withHelp(
    command,
    [
      ['0', 'both certificates were served by every worker, and nothing is left of them'],
      ['1', 'something was not as it should be, or Kong cannot be asked'],
      ['130', 'interrupted; what was made is gone'],
    ],
    ['ssl-cert-reloader drill', 'ssl-cert-reloader drill --json --listener 10.0.0.1:8443 10.0.0.2:8443'],
  );
}

function addStatus(root: Command): void {
  const command = root
    .command('status')
    .description('show every certificate as the running plugin sees it, the most urgent first')
    .option('-w, --watch', 'show it again and again')
    .option('--poll', 'have it read every source first');
  withJson(withSocket(command)).action(async (options: StatusOptions) => {
    const { status } = await import('./status/index.js');
    process.exitCode = await status(options);
  });
  withHelp(
    command,
    [
      ['0', 'all is well'],
      ['1', 'the plugin cannot be asked'],
      ['2', 'something differs, is refused, is about to expire, or a source or Kong is away'],
    ],
    [
      'ssl-cert-reloader status',
      'ssl-cert-reloader status --watch',
      'ssl-cert-reloader status --url http://127.0.0.1:8110 --json',
    ],
  );
}

function addHolds(root: Command): void {
  const verbs = [
    ['pin', 'leave a name as it is: nothing is swapped for it', 'it is pinned'],
    ['unpin', 'take a pin away', 'it is renewed again'],
    ['approve', 'have a renewal written that waits (mode: approve)', 'it is written now'],
    [
      'rollback',
      'restore the certificate that was served before the last swap, and pin it',
      'it is in Kong again, and proven where listeners answer',
    ],
  ] as const;
  for (const [verb, description, done] of verbs) {
    const command = root
      .command(verb)
      .description(description)
      .argument('<name>', 'a name that it is served for, or its id in Kong');
    if (verb === 'pin' || verb === 'rollback')
      command.option('--until <time>', 'not longer than: 12h, 30d, or a time such as 2026-01-31', notEmpty);
    withJson(withSocket(command)).action(async (name: string, options: HoldOptions) => {
      const { hold } = await import('./hold.js');
      await hold(verb, name, options);
    });
    const example = `ssl-cert-reloader ${verb} www.example.com${verb === 'pin' ? ' --until 7d' : ''}`;
    withHelp(
      command,
      [
        ['0', done],
        ['1', 'nothing was done, or it cannot be kept'],
      ],
      [example, `ssl-cert-reloader ${verb} 191e691a-b550-5ec7-9433-05d05571d841 --json`],
    );
  }
}

function addReload(root: Command): void {
  const command = root
    .command('reload')
    .description('have the running process read its configuration again, and report the result');
  withJson(withSocket(command)).action(async (options: ReloadOptions) => {
    const { reload } = await import('./reload.js');
    await reload(options);
  });
  withHelp(
    command,
    [
      ['0', 'it is in use, and every source is looked at'],
      ['1', 'it is wrong and the one before goes on, or the process cannot be asked'],
    ],
    ['ssl-cert-reloader reload', 'ssl-cert-reloader reload -p /run/ssl-cert-reloader --json'],
  );
}

function addHistory(root: Command): void {
  const command = root
    .command('history')
    .description('show what happened to a certificate, or to all of them, the latest last')
    .argument('[name]', 'a name that it is served for, its id in Kong, or where it comes from')
    .option('--since <time>', 'only what is not older: 12h, 30d, or a time such as 2026-01-31', notEmpty)
    .option('--limit <count>', 'number of entries, the latest ones', countOf, 200)
    .option('--file <path>', 'read this file instead of asking the running process', pathOf);
  withJson(withSocket(command)).action(async (name: string | undefined, options: HistoryOptions) => {
    const { history } = await import('./history.js');
    process.exitCode = await history(name, options);
  });
  withHelp(
    command,
    [
      ['0', 'something happened'],
      ['1', 'there is no history, or it cannot be read'],
      ['2', 'nothing is known of that name'],
    ],
    ['ssl-cert-reloader history www.example.com --since 30d', 'ssl-cert-reloader history --limit 20 --json'],
  );
}

function addDoctor(root: Command): void {
  const command = root
    .command('doctor')
    .description('check the whole installation, and say how to mend what is wrong');
  withJson(withKong(withConfig(command)))
    .option('--run-query', "run the query commands of Kong's plugin servers, as Kong does at start")
    .action(async (options: DoctorOptions) => {
      const { doctor } = await import('./doctor/index.js');
      process.exitCode = await doctor(options);
    });
  withHelp(
    command,
    [
      ['0', 'nothing fails'],
      ['1', 'something fails'],
    ],
    ['sudo -u kong ssl-cert-reloader doctor -p /usr/local/kong', 'ssl-cert-reloader doctor --json'],
  );
}

function addRun(root: Command): void {
  const command = root
    .command('run')
    .description(
      'keep the certificates in Kong up to date until stopped: as a daemon, or as a sidecar of Kong',
    );
  withKong(withConfig(command))
    .option('--serve-plugin', "answer Kong's calls on <prefix>/ssl-cert-reloader.socket, as a plugin server")
    .option('--socket <path>', 'answer them on another socket', pathOf)
    .action(async (options: RunOptions) => {
      const { run } = await import('./run.js');
      await run(options);
    });
  withHelp(
    command,
    [
      ['0', 'stopped by SIGTERM or SIGINT; a pass that was under way is finished'],
      ['1', 'the file is wrong at the start, or the socket cannot be had'],
    ],
    [
      'ssl-cert-reloader run -c reloader.yml --admin-url http://127.0.0.1:8001',
      'ssl-cert-reloader run --serve-plugin -p /kong_prefix',
      'kill -HUP PID        # read the file again, and every source',
    ],
  );
}

function addCompletion(root: Command): void {
  const command = root
    .command('completion')
    .description('print the completion script of a shell')
    .addArgument(new Argument('<shell>', 'which shell').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: Shell) => {
      const { completionScript } = await import('./completion.js');
      process.stdout.write(completionScript(shell, root));
    });
  withHelp(
    command,
    [
      ['0', 'printed'],
      ['1', 'a shell that is not known'],
    ],
    [
      'source <(ssl-cert-reloader completion bash)',
      'ssl-cert-reloader completion zsh > "${fpath[1]}/_ssl-cert-reloader"',
      'ssl-cert-reloader completion fish | source',
    ],
  );
}
