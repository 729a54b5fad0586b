import '../app/no-inspector';
import { isQueryCommand, readServerArguments, strayArgument, type ServerArguments } from '../app/arguments';
import { plugin } from '../app/plugin';
import { failStart, serve } from '../app/serve';
import { safeText } from '../common/safe-text';
import { dump } from '../plugin-server';

/**
 * Entry point of the one executable, which is three programs: Kong's query command (`-dump`, or by its name),
 * Kong's start command (no verb), and the command line (a verb first, or no verb at a terminal).
 */
async function main(args: readonly string[]): Promise<void> {
  const server = readServerArguments(args);
  if (server.dump || isQueryCommand(process.argv[1] ?? '')) {
    const text = `${JSON.stringify(await dump(plugin))}\n`;
    if (server.output === undefined) process.stdout.write(text);
    else (await import('../plugin-server/print-program.js')).writePrintProgram(server.output, text);
    return;
  }
  const [first] = args;
  const isCommand = first === undefined ? isTerminal() : !first.startsWith('-') || isHelp(first);
  if (!isCommand) {
    await startServer(args, server);
    return;
  }
  // Code for people is not loaded beside a gateway.
  const { runCommand } = await import('./command.js');
  await runCommand(args);
}

async function startServer(args: readonly string[], server: ServerArguments): Promise<void> {
  try {
    const stray = strayArgument(args);
    if (stray !== null) {
      throw new Error(
        `unexpected argument ${stray}: the command comes first; ssl-cert-reloader --help lists the commands`,
      );
    }
    await serve(server);
  } catch (error) {
    await failStart(error as Error);
    throw error;
  }
}

/** A person's terminal; Kong gives its plugin servers pipes. */
const isTerminal = () => [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);

const isHelp = (flag: string) => ['-h', '--help', '-V', '--version'].includes(flag);

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`ssl-cert-reloader: error: ${safeText((error as Error).message)}\n`);
  process.exitCode = 1;
});
