import { Command } from 'commander';
import { VERSION } from '../config';
import { sync, type SyncOptions } from './sync';

/** The command line, for people and scripts. @throws Error with a sentence for the user */
export async function runCommand(args: readonly string[]): Promise<void> {
  const program = new Command('ssl-cert-reloader')
    .description('Puts renewed TLS certificates into a running Kong and proves that they are served.')
    .version(VERSION, '-V, --version')
    .showHelpAfterError('(--help shows what there is)');
  program
    .command('sync')
    .description('look at every source once, swap what was renewed, and end')
    .option(
      '-c, --config <file>',
      'YAML file with the names of the plugin config; default: the entries in Kong',
    )
    .option('-p, --prefix <dir>', "Kong's prefix", '/usr/local/kong')
    .option('--admin-url <url>', 'the Admin API, where the prefix is not at hand')
    .option('--observe', 'only show what would be swapped')
    .option('--json', 'the report as JSON')
    .addHelpText(
      'after',
      `
Exit codes:
  0  everything that the sources hold is served, or nothing asks for it
  1  something was refused, failed or rolled back; Kong serves what it served before

Examples:
  ssl-cert-reloader sync
  ssl-cert-reloader sync -c reloader.yml --admin-url http://127.0.0.1:8001
`,
    )
    .action(async (options: SyncOptions) => {
      process.exitCode = await sync(options);
    });
  await program.parseAsync([...args], { from: 'user' });
}
