import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** A socket to talk to: TCP or a unix socket. */
export interface Endpoint {
  /** `http://127.0.0.1:8001`, `https://127.0.0.1:8444`, or `unix:/path`. */
  url: string;
}

/** Host and port of a TLS listener. */
export interface TlsListener {
  host: string;
  port: number;
  /** It expects a PROXY protocol header before the handshake. */
  proxyProtocol: boolean;
}

/** What a running Kong says about itself in `<prefix>/.kong_env`. */
export interface KongEnvironment {
  /** Plain http first: no handshake, no certificate to trust. */
  admin: Endpoint[];
  tls: TlsListener[];
  /** `traditional`, `control_plane` or `data_plane`. */
  role: string;
}

/** The only names that are kept: the file also holds secrets such as `pg_password`. */
const KNOWN_NAMES = new Set(['admin_listen', 'proxy_listen', 'role']);

const DEFAULT_PREFIX = '/usr/local/kong';

/**
 * The prefix of the Kong that started this process: nginx's master carries it in its command line (`nginx -p
 * PREFIX`). Kong passes no environment, and no argument either where it finds the plugin server by name.
 */
export function findPrefix(pid = process.ppid): string {
  // In a container the master is process 1.
  for (let depth = 0, at = pid; depth < 4 && at > 0; depth++) {
    const prefix = prefixOf(at);
    if (prefix !== null) return prefix;
    at = parentOf(at);
  }
  return DEFAULT_PREFIX;
}

/** The prefix of an nginx, from its command line; null: it is none, or it cannot be seen. */
export function prefixOf(pid: number): string | null {
  try {
    // nginx rewrites its title with spaces: "nginx: master process /…/nginx -p /usr/local/kong -c nginx.conf"
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split(/[\0 ]+/);
    const at = words.indexOf('-p');
    const prefix = words[at + 1];
    if (at === -1 || prefix === undefined || !words.some((word) => word.includes('nginx'))) return null;
    return prefix.startsWith('/') ? prefix : join(readlinkSync(`/proc/${pid}/cwd`), prefix);
  } catch {
    return null;
  }
}

function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces; the parent is the second field after it.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}

/**
 * Reads `<prefix>/.kong_env`.
 * @throws Error (ENOENT, EACCES) with a sentence that helps
 */
export function readKongEnvironment(prefix: string): KongEnvironment {
  const values = readKongValues(prefix, (name) => KNOWN_NAMES.has(name));
  return {
    admin: parseListeners(values.get('admin_listen')).map(adminEndpoint).sort(plainFirst),
    tls: tlsListeners(values.get('proxy_listen')),
    role: values.get('role') ?? 'traditional',
  };
}

/** Those of Kong's listeners that terminate TLS on a port. */
export function tlsListeners(directive: string | undefined): TlsListener[] {
  return parseListeners(directive)
    .filter((listener) => listener.ssl && listener.port !== null)
    .map(({ host, port, proxyProtocol }) => ({ host, port: port as number, proxyProtocol }));
}

/**
 * Values of `<prefix>/.kong_env` by their names. What is not wanted is not kept: the file also holds secrets.
 * @throws Error (ENOENT, EACCES) with a sentence that helps
 */
export function readKongValues(prefix: string, isWanted: (name: string) => boolean): Map<string, string> {
  const path = join(prefix, '.kong_env');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(
      code === 'ENOENT'
        ? `${path} does not exist: is Kong's prefix ${prefix}? Give it with -p, or the Admin API with --admin-url`
        : `${path} cannot be read (${code ?? 'unknown error'}): run as Kong's user, or give the Admin API with --admin-url`,
      { cause: error },
    );
  }
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^([a-z0-9_]+) = (.*)$/.exec(line);
    if (match?.[1] !== undefined && isWanted(match[1])) values.set(match[1], match[2] ?? '');
  }
  return values;
}

export interface Listener {
  host: string;
  /** Null: a unix socket, whose path is `host`. */
  port: number | null;
  ssl: boolean;
  proxyProtocol: boolean;
}

/** Kong's listen directive: `0.0.0.0:8000 reuseport backlog=16384, [::]:8443 http2 ssl, unix:/path`, or `off`. */
export function parseListeners(directive = 'off'): Listener[] {
  return directive.split(',').flatMap((item): Listener[] => {
    const [address = '', ...flags] = item.trim().split(/\s+/);
    const traits = { ssl: flags.includes('ssl'), proxyProtocol: flags.includes('proxy_protocol') };
    if (address.startsWith('unix:')) return [{ host: address.slice('unix:'.length), port: null, ...traits }];
    const match = /^(.+):(\d+)$/.exec(address);
    if (match?.[1] === undefined) return [];
    return [{ host: reachable(match[1]), port: Number(match[2]), ...traits }];
  });
}

/** A socket that listens on every address is reached over loopback. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '[::]') return '::1';
  return host.replace(/^\[|\]$/g, '');
}

function adminEndpoint({ host, port, ssl }: Listener): Endpoint {
  if (port === null) return { url: `unix:${host}` };
  return { url: `http${ssl ? 's' : ''}://${host.includes(':') ? `[${host}]` : host}:${port}` };
}

function plainFirst(a: Endpoint, b: Endpoint): number {
  return Number(a.url.startsWith('https')) - Number(b.url.startsWith('https'));
}
