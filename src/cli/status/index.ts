import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PLUGIN_NAME } from '../../config';
import type { StatusReport } from '../../model';
import { standardOutput, type Output } from '../output';
import { fetchStatus, poll, type StatusAddress } from './client';
import { printStatus } from './text';
import { isAllWell } from './urgency';

export interface StatusOptions {
  prefix: string;
  socket?: string;
  url?: string;
  watch?: boolean;
  poll?: boolean;
  json?: boolean;
}

const WATCH_MS = 2_000;

/** @returns the exit code: 0 all well, 1 not reachable, 2 something needs somebody */
export async function status(options: StatusOptions): Promise<number> {
  const address: StatusAddress = {
    socket: options.socket ?? join(options.prefix, `${PLUGIN_NAME}-status.socket`),
    ...(options.url === undefined ? {} : { url: urlOf(options.url) }),
  };
  const out = standardOutput();
  if (options.poll === true) await poll(address);
  if (options.watch === true) return watch(address, options.json === true, out);
  const report = await fetchStatus(address);
  if (options.json === true) out.json(report);
  else printStatus(report, out);
  return isAllWell(report) ? 0 : 2;
}

/** `host:port` will do. @throws Error */
function urlOf(text: string): string {
  const url = /^https?:\/\//.test(text) ? text : `http://${text}`;
  if (!URL.canParse(url)) throw new Error(`--url: ${text} is no address; give http://HOST:PORT or HOST:PORT`);
  return url;
}

/** Shows it again and again until it is interrupted; into a pipe only what is new. */
async function watch(address: StatusAddress, isJson: boolean, out: Output): Promise<number> {
  const abort = new AbortController();
  void Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]).then(() => abort.abort());
  let last = '';
  let code = 1;
  while (!abort.signal.aborted) {
    try {
      const report = await fetchStatus(address);
      code = isAllWell(report) ? 0 : 2;
      const seen = gist(report);
      const isNew = seen !== last;
      last = seen;
      if (isJson && isNew) out.line(report);
      if (!isJson && out.isTerminal) out.clear();
      if (!isJson && (out.isTerminal || isNew)) printStatus(report, out);
    } catch (error) {
      code = 1;
      const { message } = error as Error;
      if (message !== last) process.stderr.write(`ssl-cert-reloader: ${message}\n`);
      last = message;
    }
    await sleep(WATCH_MS, undefined, { signal: abort.signal }).catch(() => undefined);
  }
  return code;
}

/** Changes when there is something new to see, and not with time alone. */
const gist = ({ kong, waiting, reloaders }: StatusReport) =>
  JSON.stringify([kong, waiting, reloaders.map(({ certificates, sources }) => [certificates, sources])]);
