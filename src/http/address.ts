import { networkInterfaces } from 'node:os';
import { isIP } from 'node:net';
import { isLoopback } from '../common/loopback';

interface AddressRules {
  /** The operator allows plain http to other hosts. */
  allowHttp?: boolean | undefined;
  /** How the operator allows it, for messages; null: not at all. */
  allowHttpBy: string | null;
  /** Whether `unix:/path` is accepted. */
  unix?: boolean;
}

/** A parsed address, and the form in which it may be shown. */
export interface Address {
  /** Without credentials; for a unix socket `http://localhost`. */
  url: URL;
  socketPath: string | undefined;
  /** Plain http, which leaves the machine only with `allowHttp`. */
  isPlain: boolean;
  isHttpAllowed: boolean;
  /** User and password of the URL; null: none. */
  login: Login | null;
  /** For messages: without user, password and query, which may be credentials. */
  shown: string;
}

export interface Login {
  username: string;
  password: string;
}

/**
 * Parses any address that the operator gives. Tokens and keys are sent there, so plain http across a network is
 * refused unless the operator allows it.
 * @throws Error with a sentence that does not quote the address: it may hold a password
 */
export function parseAddress(
  text: string,
  { allowHttp = false, allowHttpBy, unix = false }: AddressRules,
): Address {
  if (unix && text.startsWith('unix:/')) {
    const socketPath = text.slice('unix:'.length);
    const url = new URL('http://localhost');
    return { url, socketPath, isPlain: true, isHttpAllowed: allowHttp, login: null, shown: text };
  }
  if (!URL.canParse(text)) throw new Error(`it is not a valid URL; ${expected(unix)}`);
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new Error(expected(unix));
  const isPlain = url.protocol === 'http:';
  if (isPlain && !allowHttp && !isThisMachine(url.hostname)) {
    const otherwise = allowHttpBy === null ? '' : `, or set ${allowHttpBy} where that network is trusted`;
    throw new Error(
      `plain http goes only to loopback addresses, since keys and tokens would cross the network unencrypted; use https${otherwise}`,
    );
  }
  const { username, password } = url;
  const login =
    username === '' && password === ''
      ? null
      : { username: decodedPart(username), password: decodedPart(password) };
  url.username = '';
  url.password = '';
  url.hash = '';
  const shown = showUrl(url);
  return { url, socketPath: undefined, isPlain, isHttpAllowed: allowHttp, login, shown };
}

const expected = (unix: boolean) =>
  `expected https://host/path${unix ? ', http://127.0.0.1:port or unix:/path' : ''}`;

/** Whether a URL contains a user or a password. */
export function holdsLogin(text: string): boolean {
  return URL.canParse(text) && new URL(text).username + new URL(text).password !== '';
}

/** Whether a host of a URL is this machine: loopback, or an address of one of its own interfaces. */
export function isThisMachine(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  if (isLoopback(bare)) return true;
  if (isIP(bare) === 0) return false;
  return Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === bare));
}

/** A URL for messages: user, password and query may be credentials. */
export function showUrl({ origin, pathname, search }: URL): string {
  return `${origin}${pathname}${search === '' ? '' : '?…'}`;
}

export const basicAuthorization = ({ username, password }: Login): string =>
  `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;

/** Decodes a user name or password of a URL; returns it unchanged where its percent signs are no encoding. */
function decodedPart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
