import { isIP } from 'node:net';

/**
 * Whether a host, as written in a URL or without brackets, is the loopback of this machine. A name such as
 * `127.test` is not.
 */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'));
}
