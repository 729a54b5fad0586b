import type { Command } from 'commander';
import type { HistoryOptions } from '../history';
import type { HoldOptions } from '../hold';
import type { ReloadOptions } from '../reload';
import type { StatusOptions } from '../status';
import { countOf, notEmpty, pathOf, withAddress, withHelp, withJson, withSocket } from '../options';

/** Commands that ask the running process. */
export function addProcess(root: Command): void {
  addStatus(root);
  addHistory(root);
  addHolds(root);
  addReload(root);
}

function addStatus(root: Command): void {
  const command = root
    .command('status')
    .description('show every certificate as the running plugin sees it, the most urgent first')
    .option('-w, --watch', 'refresh every 2 s')
    .option('--poll', 'have the plugin read every source first');
  withJson(withAddress(command)).action(async (options: StatusOptions) => {
    const { status } = await import('../status/index.js');
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

function addHistory(root: Command): void {
  const command = root
    .command('history')
    .description('show what happened to a certificate, or to all of them, the latest last')
    .argument('[name]', 'a name of the certificate, its id in Kong, or the place that it comes from')
    .option('--since <time>', 'entries since then: 12h, 30d, or a time such as 2026-01-31', notEmpty)
    .option('--limit <count>', 'show only the latest entries, this many', countOf, 200)
    .option('--file <path>', 'read this file instead of asking the running process', pathOf);
  withJson(withAddress(command)).action(async (name: string | undefined, options: HistoryOptions) => {
    const { history } = await import('../history.js');
    process.exitCode = await history(name, options);
  });
  withHelp(
    command,
    [
      ['0', 'the history has entries'],
      ['1', 'there is no history, or it cannot be read'],
      ['2', 'the history has no entry for that name'],
    ],
    ['ssl-cert-reloader history www.example.com --since 30d', 'ssl-cert-reloader history --limit 20 --json'],
  );
}

function addHolds(root: Command): void {
  const verbs = [
    ['pin', 'leave a name as it is: nothing is swapped for it', 'it is pinned'],
    ['unpin', 'remove a pin; what waited is written now', 'it is no longer pinned'],
    ['approve', 'approve a renewal that waits, and write it (mode: approve)', 'it is written now'],
    [
      'rollback',
      'restore the certificate that was served before the last swap, and pin it',
      'it is in Kong again, and proven if listeners answer',
    ],
  ] as const;
  for (const [verb, description, done] of verbs) {
    const command = root
      .command(verb)
      .description(description)
      .argument('<name>', 'a name of the certificate, or its id in Kong');
    if (verb === 'pin' || verb === 'rollback')
      command.option('--until <time>', 'end of the pin: 12h, 30d, or a time such as 2026-01-31', notEmpty);
    withJson(withSocket(command)).action(async (name: string, options: HoldOptions) => {
      const { hold } = await import('../hold.js');
      await hold(verb, name, options);
    });
    const example = `ssl-cert-reloader ${verb} www.example.com${verb === 'pin' ? ' --until 7d' : ''}`;
    withHelp(
      command,
      [
        ['0', done],
        ['1', 'nothing was done, or the pin or approval cannot be stored'],
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
    const { reload } = await import('../reload.js');
    await reload(options);
  });
  withHelp(
    command,
    [
      ['0', 'it is in use, and every source is read'],
      ['1', 'it is wrong and the previous one stays, or the process cannot be asked'],
    ],
    ['ssl-cert-reloader reload', 'ssl-cert-reloader reload -p /run/ssl-cert-reloader --json'],
  );
}
