import type { Command } from 'commander';
import type { RunOptions } from '../run';
import type { SyncOptions } from '../sync';
import { pathOf, withConfig, withHelp, withJson, withKong, type PassOptions } from '../options';

/** Commands that make passes, as a configuration says. */
export function addPasses(root: Command): void {
  addPlan(root);
  addSync(root);
  addRun(root);
}

const PASS_PROBLEM = 'Kong or a source cannot be asked, or the configuration is wrong';

function addPlan(root: Command): void {
  const command = root
    .command('plan')
    .description('show what a pass would change and why, and change nothing');
  withJson(withKong(withConfig(command))).action(async (options: PassOptions) => {
    const { plan } = await import('../plan.js');
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
      const { sync } = await import('../sync.js');
      process.exitCode = await sync(options);
    });
  withHelp(
    command,
    [
      ['0', 'everything that the sources have is served, or matches no certificate in Kong'],
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
      const { run } = await import('../run.js');
      await run(options);
    });
  withHelp(
    command,
    [
      ['0', 'stopped by SIGTERM or SIGINT; a pass that was under way is finished'],
      ['1', 'the file is wrong at the start, or the socket cannot be created'],
    ],
    [
      'ssl-cert-reloader run -c reloader.yml --admin-url http://127.0.0.1:8001',
      'ssl-cert-reloader run --serve-plugin -p /kong_prefix',
      'kill -HUP PID        # read the file and every source again',
    ],
  );
}
