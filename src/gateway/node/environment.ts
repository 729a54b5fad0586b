import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { readConfiguredFile, type FileError } from '../../common/configured-file';

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
  /** Unix sockets first: nobody else can answer there. Then plain http: no handshake, no certificate to trust. */
  admin: Endpoint[];
  tls: TlsListener[];
  /** `traditional`, `control_plane` or `data_plane`. */
  role: string;
}

/** It may hold a declarative configuration as a text. */
const MAX_BYTES = 32 * 1024 * 1024;
/** The only names that are kept: the file also holds secrets such as `pg_password`. */
const KNOWN_NAMES = new Set(['admin_listen', 'proxy_listen', 'role']);

/**
 * Reads `<prefix>/.kong_env`.
 * @throws Error (ENOENT, EACCES) with a sentence that helps
 */
export function readKongEnvironment(prefix: string): KongEnvironment {
  const values = readKongValues(prefix, (name) => KNOWN_NAMES.has(name));
  return {
    admin: parseListeners(values.get('admin_listen')).flatMap(adminEndpoint).sort(closestFirst),
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
 * @throws Error with a sentence that helps
 */
export function readKongValues(prefix: string, isWanted: (name: string) => boolean): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of readLines(prefix)) {
    const match = /^([a-z0-9_]+) = (.*)$/.exec(line);
    if (match?.[1] !== undefined && isWanted(match[1])) values.set(match[1], match[2] ?? '');
  }
  return values;
}

/** A value that stands there as a comment. @throws Error with a sentence that helps */
export function readKongComment(prefix: string, name: string): string | undefined {
  const start = `# ${name} = `;
  return readLines(prefix)
    .find((line) => line.startsWith(start))
    ?.slice(start.length);
}

function readLines(prefix: string): readonly string[] {
  try {
    return readKongEnv(prefix).split('\n');
  } catch (error) {
    if (held?.prefix !== prefix) throw error;
    return held.lines;
  }
}

/** Lines of a file that root has written and that Kong's user cannot read. */
let held: { prefix: string; lines: readonly string[] } | null = null;

const HELD =
  /^(# )?(admin_|database |declarative_config |log_level|nginx_|node_|plugin|proxy_listen|role |ssl_cert|status_listen|stream_listen)/;

/** Before root becomes Kong's user: what only root can read there is kept, its secrets aside. */
export function holdKongValues(prefix: string): void {
  const stat = lstatSync(join(prefix, '.kong_env'), { throwIfNoEntry: false });
  // Anything else is Kong's own, or of somebody who would have root read it.
  if (stat?.isFile() !== true || stat.uid !== 0 || (stat.mode & 0o022) !== 0) return;
  try {
    held = {
      prefix,
      lines: readKongEnv(prefix)
        .split('\n')
        .filter((line) => HELD.test(line)),
    };
  } catch {
    held = null;
  }
}

/** The text of `<prefix>/.kong_env`, secrets included. @throws Error with a sentence that helps */
export function readKongEnv(prefix: string): string {
  const path = join(prefix, '.kong_env');
  try {
    return readConfiguredFile(path, MAX_BYTES);
  } catch (error) {
    const { code } = error as FileError;
    throw new Error(
      code === 'ENOENT'
        ? `${path} does not exist: is Kong's prefix ${prefix}? Give it with -p, or the Admin API with --admin-url`
        : `${path} cannot be read (${code}): run as Kong's user, or give the Admin API with --admin-url`,
      { cause: error },
    );
  }
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

function adminEndpoint({ host, port, ssl }: Listener): Endpoint[] {
  // No client of ours speaks TLS on a unix socket.
  if (port === null) return ssl ? [] : [{ url: `unix:${host}` }];
  return [{ url: `http${ssl ? 's' : ''}://${host.includes(':') ? `[${host}]` : host}:${port}` }];
}

const ORDER = ['unix:', 'http:', 'https:'];

function closestFirst(a: Endpoint, b: Endpoint): number {
  const place = ({ url }: Endpoint) => ORDER.findIndex((scheme) => url.startsWith(scheme));
  return place(a) - place(b);
}
