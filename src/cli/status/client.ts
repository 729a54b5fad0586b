import * as http from 'node:http';
import * as https from 'node:https';
import type { StatusReport } from '../../public';

/** Where a running process shows its status: its unix socket, or `status.listen`. */
export interface StatusAddress {
  socket: string;
  url?: string;
}

const TIMEOUT_MS = 15_000;
/** A pass that is waited for may take long. */
const POLL_TIMEOUT_MS = 10 * 60_000;

/** @throws Error with a sentence that says what to do */
export async function fetchStatus(address: StatusAddress, signal?: AbortSignal): Promise<StatusReport> {
  const text = await ask('GET', address, '/status', TIMEOUT_MS, signal);
  const report = parse(text);
  if (report === null)
    throw new Error(`${nameOf(address)} answered something that is no status; what listens there?`);
  return report;
}

/** Has every reloader of the process make a pass, and waits for it. @throws Error */
export async function poll(address: StatusAddress): Promise<void> {
  await ask('POST', address, '/poll?wait=1', POLL_TIMEOUT_MS);
}

function parse(text: string): StatusReport | null {
  try {
    const report = JSON.parse(text) as StatusReport;
    return Array.isArray(report.reloaders) ? report : null;
  } catch {
    return null;
  }
}

function ask(
  method: string,
  address: StatusAddress,
  path: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<string> {
  const { socket, url } = address;
  const base = url === undefined ? null : new URL(url);
  const options =
    base === null
      ? { socketPath: socket, path, method }
      : {
          hostname: base.hostname.replace(/^\[|\]$/g, ''),
          port: base.port,
          path: prefixed(base, path),
          method,
        };
  return new Promise((resolve, reject) => {
    const request = (base?.protocol === 'https:' ? https : http).request(
      { ...options, ...(signal === undefined ? {} : { signal }) },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const { statusCode = 0 } = response;
          if (statusCode < 300) resolve(Buffer.concat(chunks).toString('utf8'));
          else reject(new Error(refusal(address, method, path, statusCode)));
        });
      },
    );
    request.setTimeout(timeoutMs, () => request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    request.on('error', (error: NodeJS.ErrnoException) => reject(unreachable(address, error)));
    request.end();
  });
}

const prefixed = (base: URL, path: string) => base.pathname.replace(/\/(status\/?)?$/, '') + path;

const nameOf = ({ socket, url }: StatusAddress) => (url === undefined ? socket : new URL(url).origin);

function refusal(address: StatusAddress, method: string, path: string, status: number): string {
  if (status === 403 && method === 'POST')
    return `${nameOf(address)} takes no poll: ask for it on the unix socket, without --url`;
  return `${nameOf(address)} answered ${method} ${path} with ${status}`;
}

function unreachable(address: StatusAddress, error: NodeJS.ErrnoException): Error {
  const { code = '' } = error;
  const advice: Record<string, string> = {
    ENOENT: 'there is no such socket: is the plugin (or `run`) up, and is this its prefix (-p)?',
    ECONNREFUSED: 'nobody listens there (any more)',
    EACCES: "permission denied: run it as Kong's user",
    ENOTFOUND: 'the host name is unknown',
  };
  return new Error(`${nameOf(address)} cannot be asked: ${advice[code] ?? error.message}`, { cause: error });
}
