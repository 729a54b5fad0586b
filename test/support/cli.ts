import { spawn, type ChildProcess } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { onTestFinished } from 'vitest';

/** The executable as it is shipped; the build makes it. */
export const EXECUTABLE = resolve('dist/ssl-cert-reloader.cjs');

/** Nothing but where node is: as empty as Kong's. */
export const ENVIRONMENT = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` };

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A command under way. */
export class Command {
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ran>;

  constructor(
    readonly child: ChildProcess,
    onText: () => void = () => undefined,
  ) {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      onText();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = new Promise((done) => {
      child.on('close', (code) => done({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }
}

/** Starts the command; it goes with the test. */
export function start(args: readonly string[], env: Record<string, string> = ENVIRONMENT): Command {
  const child = spawn(EXECUTABLE, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return new Command(child);
}

/** Runs it to its end. */
export const cli = (...args: string[]): Promise<Ran> => start(args).ended;
