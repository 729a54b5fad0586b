import { createHash } from 'node:crypto';
import { isLoopback } from '../../common/loopback';

/**
 * An address out of the configuration.
 * @throws Error that does not quote it: it may hold a password
 */
export function parseAddress(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Error('it is not a URL; expected https://host/path');
  }
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))) return url;
  throw new Error(
    url.protocol === 'http:'
      ? 'plain http goes only to loopback addresses, since keys and tokens would cross the network in clear; use https'
      : 'expected https://host/path',
  );
}

/** How an address is shown: user, password and query may be credentials. */
export function showAddress({ origin, pathname, search }: URL): string {
  return `${origin}${pathname}${search === '' ? '' : '?…'}`;
}

/** The same after a restart; two addresses that differ in their query alone are two. */
export function identify(url: URL): string {
  if (url.search === '') return showAddress(url);
  return `${showAddress(url)}(${createHash('sha256').update(url.search).digest('hex').slice(0, 8)})`;
}
