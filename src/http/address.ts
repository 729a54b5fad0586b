import { networkInterfaces } from 'node:os';
import { isIP } from 'node:net';
import { isLoopback } from '../common/loopback';
import { decodedPart } from '../common/url-part';

export interface AddressRules {
  /** The operator's word that plain http to other hosts is meant. */
  allowHttp?: boolean | undefined;
  /** How the operator says it; null: there is no way. */
  allowHttpBy: string | null;
  /** Whether `unix:/path` will do. */
  unix?: boolean;
}

/** Where something answers, and what may be shown of it. */
export interface Address {
  /** Without credentials; of a unix socket `http://localhost`. */
  url: URL;
  socketPath: string | undefined;
  /** Plain http that leaves the machine only where `allowHttp` was given. */
  isPlain: boolean;
  isHttpAllowed: boolean;
  /** Of the URL; null: there is none in it. */
  login: Login | null;
  /** For messages: without user, password and query, which may be credentials. */
  shown: string;
}

export interface Login {
  username: string;
  password: string;
}

/**
 * The one reading of every address that the operator gives: whatever is sent there, tokens and keys among it, does not
 * cross a network in clear unless the operator says so.
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
      `plain http goes only to loopback addresses, since keys and tokens would cross the network in clear; use https${otherwise}`,
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

/** Whether there is a user or a password in a URL. */
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

/** How a URL is shown: user, password and query may be credentials. */
export function showUrl({ origin, pathname, search }: URL): string {
  return `${origin}${pathname}${search === '' ? '' : '?…'}`;
}

export const basicAuthorization = ({ username, password }: Login): string =>
  `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
