import { Argument, type Command } from 'commander';
import type { DoctorOptions } from '../doctor/context';
import type { DrillCommandOptions } from '../drill';
import type { ExplainOptions } from '../explain';
import type { InspectOptions } from '../inspect';
import type { Shell } from '../completion';
import { CANARY_NAME, notEmpty, sniOf, withConfig, withHelp, withJson, withKong } from '../options';

/** Commands that check, rehearse and explain. */
export function addChecks(root: Command): void {
  addDoctor(root);
  addDrill(root);
  addInspect(root);
  addExplain(root);
  addCompletion(root);
}

function addDoctor(root: Command): void {
  const command = root
    .command('doctor')
    .description('check the whole installation, and say how to fix what is wrong');
  withJson(withKong(withConfig(command)))
    .option('--run-query', "run the query commands of Kong's plugin servers, as Kong does at start")
    .action(async (options: DoctorOptions) => {
      const { doctor } = await import('../doctor/index.js');
      process.exitCode = await doctor(options);
    });
  withHelp(
    command,
    [
      ['0', 'no check fails'],
      ['1', 'a check fails'],
    ],
    ['sudo -u kong ssl-cert-reloader doctor -p /usr/local/kong', 'ssl-cert-reloader doctor --json'],
  );
}

function addDrill(root: Command): void {
  const command = root
    .command('drill')
    .description('rehearse a renewal on the running Kong with a name of its own, and clean up')
    .option('--sni <name>', 'the name to rehearse with; one that Kong serves is refused', sniOf, CANARY_NAME)
    .option('--listener <host:port...>', 'TLS listeners to ask instead of those of this Kong');
  withJson(withKong(withConfig(command))).action(async (options: DrillCommandOptions) => {
    const { drill } = await import('../drill/index.js');
    process.exitCode = await drill(options);
  });
  withHelp(
    command,
    [
      ['0', 'both certificates were served by every worker, and nothing is left of them'],
      ['1', 'a step failed, or Kong cannot be asked'],
      ['130', 'interrupted; everything that was created is removed'],
    ],
    ['ssl-cert-reloader drill', 'ssl-cert-reloader drill --json --listener 10.0.0.1:8443 10.0.0.2:8443'],
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
    const { inspect } = await import('../inspect.js');
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
    .argument('<word...>', 'such as key_mismatch, verify.timeout, no source, KongCertificateExpired');
  withJson(command).action(async (words: string[], options: ExplainOptions) => {
    const { explain } = await import('../explain.js');
    // Tables show `no_source` as two words.
    explain(words.join('_'), options);
  });
  withHelp(
    command,
    [
      ['0', 'explained'],
      ['1', 'an unknown word'],
    ],
    ['ssl-cert-reloader explain key_mismatch', 'ssl-cert-reloader explain sources[0].password_file'],
  );
}

function addCompletion(root: Command): void {
  const command = root
    .command('completion')
    .description('print the completion script of a shell')
    .addArgument(new Argument('<shell>', 'which shell').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: Shell) => {
      const { completionScript } = await import('../completion.js');
      process.stdout.write(completionScript(shell, root));
    });
  withHelp(
    command,
    [
      ['0', 'printed'],
      ['1', 'an unknown shell'],
    ],
    [
      'source <(ssl-cert-reloader completion bash)',
      'ssl-cert-reloader completion zsh > "${fpath[1]}/_ssl-cert-reloader"',
      'ssl-cert-reloader completion fish | source',
    ],
  );
}
