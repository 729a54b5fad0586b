import { isIP } from 'node:net';

/** Whether a host, as it stands in a URL or without brackets, is this machine itself. A name such as `127.test` is not. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'));
}
