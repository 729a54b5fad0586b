import { Command } from 'commander';
import { VERSION } from '../common/product';
import { addChecks } from './commands/checks';
import { addPasses } from './commands/passes';
import { addProcess } from './commands/process';
import type { PassOptions } from './options';
import { onNotice } from '../http/notices';
import { fail, surviveOutput, tell } from './failure';

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
      if (process.getuid?.() !== 0 || !takesConfig(command)) return;
      const { leavePrivileges } = await import('./privileges.js');
      leavePrivileges(command.opts<PassOptions>());
    });
  addPasses(root);
  addProcess(root);
  addChecks(root);
  return root;
}

/** Whether a command follows a configuration, and therefore gives up root's rights. */
const takesConfig = ({ options }: Command) => options.some(({ long }) => long === '--config');
