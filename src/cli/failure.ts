import { CommanderError } from 'commander';
import { safeText, toJson } from '../report';

/** Prints a line about a trouble to standard error. */
export function tell(text: string): void {
  process.stderr.write(`ssl-cert-reloader: ${safeText(text)}\n`);
}

/** Ends a command that could not do its work: a sentence on standard error, exit code 1. */
export function fail(error: unknown, isJson: boolean): void {
  const { message } = error as Error;
  if (error instanceof CommanderError) {
    // Help or version was printed.
    if (error.exitCode === 0) return;
    process.exitCode = error.exitCode;
    if (error.code === 'commander.help') return;
    tell(`${message}\n(--help lists commands and options)`);
  } else {
    process.exitCode = 1;
    tell(`error: ${message}`);
  }
  if (!isJson) return;
  // With `--json` a failure is JSON as well.
  process.stdout.write(`${toJson({ error: message.replace(/^error: /, '') }, 2)}\n`);
}

/**
 * Keeps a command at its work when its output cannot be written. A reader that has seen enough (`| head`) is no
 * failure; a full disk is one.
 */
export function surviveOutput(): void {
  let isTold = false;
  process.stdout.on('error', ({ code = 'unknown error' }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE' || isTold) return;
    isTold = true;
    tell(`error: standard output cannot be written (${code})`);
    process.on('exit', () => (process.exitCode = 1));
  });
  process.stderr.on('error', () => undefined);
}
