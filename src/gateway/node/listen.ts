import { itemsOf } from './kong-env';

/** Address of a listening socket: TCP or a unix socket. */
export interface Endpoint {
  /** `http://127.0.0.1:8001`, `https://127.0.0.1:8444`, or `unix:/path`. */
  url: string;
}

/** Host and port of a TLS listener. */
export interface TlsListener {
  host: string;
  port: number;
  /** A PROXY protocol header is expected before the handshake. */
  proxyProtocol: boolean;
  /** A listener of Kong's stream proxy, which closes a connection for which it has no route. */
  isStream?: true;
}

/** Kong's listeners that terminate TLS on a TCP port. */
export function tlsListeners(directive: string | undefined): TlsListener[] {
  return parseListeners(directive)
    .filter((listener) => listener.ssl && listener.port !== null)
    .map(({ host, port, proxyProtocol }) => ({ host, port: port as number, proxyProtocol }));
}

const MAX_FLAGS = 20;

interface Listener {
  host: string;
  /** Null: a unix socket; `host` is its path. */
  port: number | null;
  ssl: boolean;
  proxyProtocol: boolean;
}

/**
 * Parses Kong's listen directive: `0.0.0.0:8000 reuseport backlog=16384, [::]:8443 http2 ssl, unix:/path`, or
 * `off`.
 */
export function parseListeners(directive = 'off'): Listener[] {
  return itemsOf(directive).flatMap((item): Listener[] => {
    const [address = '', ...flags] = item.split(/\s+/, MAX_FLAGS);
    const traits = { ssl: flags.includes('ssl'), proxyProtocol: flags.includes('proxy_protocol') };
    if (address.startsWith('unix:')) return [{ host: address.slice('unix:'.length), port: null, ...traits }];
    const match = /^(.+):(\d+)$/.exec(address);
    if (match?.[1] === undefined) return [];
    return [{ host: reachable(match[1]), port: Number(match[2]), ...traits }];
  });
}

/** A socket that listens on every address is reached through loopback. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '[::]') return '::1';
  return host.replace(/^\[|\]$/g, '');
}

/** Addresses for clients of an Admin listener. */
function adminEndpoint({ host, port, ssl }: Listener): Endpoint[] {
  // Our clients do not speak TLS on unix sockets.
  if (port === null) return ssl ? [] : [{ url: `unix:${host}` }];
  return [{ url: `http${ssl ? 's' : ''}://${host.includes(':') ? `[${host}]` : host}:${port}` }];
}

/** Unix sockets first: no other program can answer there. Then plain http: no handshake, no certificate to trust. */
export function adminEndpoints(directive: string | undefined): Endpoint[] {
  return parseListeners(directive).flatMap(adminEndpoint).sort(closestFirst);
}

const ORDER = ['unix:', 'http:', 'https:'];

function closestFirst(a: Endpoint, b: Endpoint): number {
  const place = ({ url }: Endpoint) => ORDER.findIndex((scheme) => url.startsWith(scheme));
  return place(a) - place(b);
}
