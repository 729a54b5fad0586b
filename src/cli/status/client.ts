import { HttpClient, HttpFailure, parseAddress } from '../../http';
import { findStatusSocket } from '../../app/status-host';
import type { HistoryReport, StatusReport } from '../../public';
import type { OperatorCommand } from '../../status';
import type { SocketOptions } from '../options';

/** Address of the status of a running process: its unix socket, or `status.listen`. */
export interface StatusAddress {
  socket: string;
  url?: string;
  /** Allows plain http to other hosts. */
  allowHttp?: boolean;
}

export const addressOf = ({ prefix, socket, url, allowHttp }: SocketOptions): StatusAddress => ({
  socket: socket ?? findStatusSocket(prefix),
  ...(url === undefined ? {} : { url }),
  allowHttp: allowHttp === true,
});

const TIMEOUT_MS = 15_000;
/** Waiting for a pass may take long. */
const POLL_TIMEOUT_MS = 10 * 60_000;
/** The status of 10,000 certificates takes 10 MB. */
const MAX_BYTES = 256 * 1024 * 1024;

const WORDS = {
  ENOENT: 'the socket does not exist; is the plugin (or `run`) up, and is this its prefix (-p)?',
  ECONNREFUSED: 'nothing listens there (any more)',
  EACCES: "permission denied; run this as Kong's user",
};

/** @throws Error with a sentence that says what to do */
export async function fetchStatus(
  address: StatusAddress,
  signal?: AbortSignal,
  timeoutMs = TIMEOUT_MS,
): Promise<StatusReport> {
  const text = await ask('GET', address, '/status', timeoutMs, signal);
  const report = parse(text);
  if (report === null)
    throw new Error(`${nameOf(address)} did not answer with a status; is another program listening there?`);
  return report;
}

/**
 * Makes every reloader of the process pass, and waits for the passes.
 * @throws Error
 */
export async function poll(address: StatusAddress, timeoutMs = POLL_TIMEOUT_MS): Promise<void> {
  await ask('POST', address, '/poll?wait=1', timeoutMs);
}

/**
 * Makes the process read its configuration again.
 * @returns why it is not in use; null: it is
 * @throws Error
 */
export async function reload(address: StatusAddress): Promise<string | null> {
  const text = await ask('POST', address, '/reload', POLL_TIMEOUT_MS);
  return (JSON.parse(text) as { error: string | null }).error;
}

/**
 * Sends the process a command about a name.
 * @returns what was done
 * @throws Error where nothing was done
 */
export async function command(
  address: StatusAddress,
  verb: OperatorCommand['verb'],
  query: Readonly<Record<string, string>>,
): Promise<string> {
  const path = `/${verb}?${new URLSearchParams(query).toString()}`;
  const answer = JSON.parse(
    await ask('POST', address, path, verb === 'rollback' ? POLL_TIMEOUT_MS : TIMEOUT_MS),
  ) as {
    done?: string;
    error?: string;
  };
  if (answer.done === undefined) throw new Error(answer.error ?? 'no answer');
  return answer.done;
}

/**
 * @param query parameters of `/history`
 * @throws Error
 */
export async function fetchHistory(
  address: StatusAddress,
  query: Readonly<Record<string, string>>,
): Promise<HistoryReport> {
  const path = `/history?${new URLSearchParams(query).toString()}`;
  return JSON.parse(await ask('GET', address, path, TIMEOUT_MS)) as HistoryReport;
}

function parse(text: string): StatusReport | null {
  try {
    const report = JSON.parse(text) as StatusReport;
    return Array.isArray(report.reloaders) ? report : null;
  } catch {
    return null;
  }
}

async function ask(
  method: string,
  address: StatusAddress,
  path: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<string> {
  const name = nameOf(address);
  const client = clientOf(address, timeoutMs);
  try {
    const { status, body } = await client.request({ method, path, signal });
    // 422 answers a reload that failed.
    if (status < 300 || status === 422) return body.toString('utf8');
    if (status === 403 && method === 'POST')
      throw new Error(`${name} does not accept this request; use the unix socket, without --url`);
    throw new Error(`${name} answered ${method} ${path} with ${status}`);
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error;
    throw new Error(`${name} cannot be asked: ${error.why}`, { cause: error });
  } finally {
    client.close();
  }
}

function clientOf({ socket, url, allowHttp }: StatusAddress, timeoutMs: number): HttpClient {
  const address = parseAddress(url ?? `unix:${socket}`, {
    allowHttp,
    allowHttpBy: '--allow-http',
    unix: true,
  });
  // The address of the page is accepted, too.
  address.url.pathname = address.url.pathname.replace(/\/(status\/?)?$/, '');
  return new HttpClient({ address, subject: address.shown, timeoutMs, maxBytes: MAX_BYTES, words: WORDS });
}

const nameOf = ({ socket, url }: StatusAddress) => (url === undefined ? socket : new URL(url).origin);
