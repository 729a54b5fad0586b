import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { eventually } from '../support/eventually';

/** A process of ours: it is ended by its id, and does not outlive the tests. */
export interface ServerProcess {
  readonly pid: number;
  readonly logFile: string;
  isRunning(): boolean;
  /** SIGTERM, then SIGKILL after `patienceMs` (0: at once). Resolves when it is gone. */
  stop(patienceMs: number): Promise<void>;
}

const SETPRIV = '/usr/bin/setpriv';

/** @param logFile gets what it writes, after what is there already */
export function startProcess(command: string, args: readonly string[], logFile: string): ServerProcess {
  const log = openSync(logFile, 'a');
  // A test process that is killed runs no handlers: then the kernel ends its children.
  const guarded = existsSync(SETPRIV)
    ? [SETPRIV, '--pdeathsig', 'KILL', command, ...args]
    : [command, ...args];
  const child = spawn(guarded[0]!, guarded.slice(1), { stdio: ['ignore', log, log] });
  closeSync(log);
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} could not be started`);
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  const gone = once(child, 'exit').then(() => void process.off('exit', kill));
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  return {
    pid,
    logFile,
    isRunning,
    stop: async (patienceMs) => {
      if (!isRunning()) return;
      child.kill(patienceMs === 0 ? 'SIGKILL' : 'SIGTERM');
      const timer = setTimeout(kill, patienceMs);
      await gone;
      clearTimeout(timer);
    },
  };
}

/** Generous: a machine may be busy building. */
const START_MS = 180_000;

/** Polls a server that was started just now. @throws Error with the end of its log */
export async function untilReady(
  name: string,
  server: ServerProcess,
  look: () => Promise<boolean>,
): Promise<void> {
  const failed = (why: string) => new Error(`${name} ${why}:\n${tail(server.logFile)}`);
  try {
    await eventually(`${name} is ready`, async () => !server.isRunning() || (await look()), START_MS);
  } catch {
    throw failed('was not ready in time');
  }
  if (!server.isRunning()) throw failed('ended at once');
}

function tail(logFile: string, lines = 15): string {
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}
