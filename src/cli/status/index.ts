import { setTimeout as sleep } from 'node:timers/promises';
import { troublesOf, type StatusReport } from '../../public';
import { tell } from '../failure';
import { standardOutput, type Output } from '../output';
import type { SocketOptions } from '../options';
import { addressOf, fetchStatus, poll, type StatusAddress } from './client';
import { printStatus } from './text';

export interface StatusOptions extends SocketOptions {
  watch?: boolean;
  poll?: boolean;
  json?: boolean;
}

const WATCH_MS = 2_000;

/** @returns the exit code: 0 all well, 1 not reachable, 2 something needs attention */
export async function status(options: StatusOptions): Promise<number> {
  const address = addressOf(options);
  const out = standardOutput();
  if (options.poll === true) await poll(address);
  if (options.watch === true) return watch(address, options.json === true, out);
  const report = await fetchStatus(address);
  if (options.json === true) out.json(report);
  else printStatus(report, out);
  return isAllWell(report) ? 0 : 2;
}

/** Shows it again and again until it is interrupted; into a pipe only changes. */
async function watch(address: StatusAddress, isJson: boolean, out: Output): Promise<number> {
  const abort = new AbortController();
  const end = () => abort.abort();
  process.on('SIGINT', end).on('SIGTERM', end);
  // The reader of the pipe is gone.
  process.stdout.on('error', end);
  // A function: the compiler would take the flag as unchanged across an await.
  const isOver = () => abort.signal.aborted;
  const screen = out.isTerminal && !isJson ? out.screen() : null;
  let last = '';
  let code = 1;
  /** The last status stays on the terminal after the end. */
  let shown: StatusReport | null = null;
  while (!isOver()) {
    try {
      const report = await fetchStatus(address, abort.signal);
      shown = report;
      code = isAllWell(report) ? 0 : 2;
      const seen = gist(report);
      const isNew = seen !== last;
      last = seen;
      if (screen !== null) screen.show((on) => printStatus(report, on));
      else if (isJson && isNew) out.line(report);
      else if (isNew) printStatus(report, out);
    } catch (error) {
      if (isOver()) break;
      code = 1;
      const { message } = error as Error;
      const before = shown;
      if (screen !== null)
        screen.show((on) => {
          on.print(on.paint('red', message));
          if (before === null) return;
          on.print(on.paint('yellow', `as of ${before.generated_at}:`));
          printStatus(before, on);
        });
      else if (message !== last) {
        tell(message);
        if (isJson) out.line({ error: message });
      }
      last = message;
    }
    await sleep(WATCH_MS, undefined, { signal: abort.signal }).catch(() => undefined);
  }
  screen?.leave();
  if (screen !== null && shown !== null) printStatus(shown, out);
  return code;
}

const isAllWell = (report: StatusReport) => troublesOf(report).length === 0;

/** Changes when there is something new to see, and not through time alone. */
const gist = ({ kong, waiting, reloaders }: StatusReport) =>
  JSON.stringify([kong, waiting, reloaders.map(({ certificates, sources }) => [certificates, sources])]);
