import { HttpFailure } from './failure';
import type { Target } from './exchange';

export const targetOf = ({ protocol, hostname, port, pathname, search }: URL): Target => ({
  protocol,
  hostname,
  port,
  path: pathname + search,
});

/** The same scheme, host and port. */
export const isSamePlace = (a: Target, b: Target): boolean =>
  a.protocol === b.protocol && a.hostname === b.hostname && a.port === b.port;

/**
 * Destination of a redirect: https, or the same server.
 * @throws HttpFailure that does not show the destination: a server may put anything into it, even what it was sent
 */
export function redirectedTo(location = '', status: number, from: Target, home: Target): Target {
  const { protocol, hostname, port, path } = from;
  const base = `${protocol}//${hostname}${port === '' ? '' : `:${port}`}${path}`;
  if (location === '' || !URL.canParse(location, base))
    throw redirectFailure(`it answers ${status} without saying where to go`, status);
  const target = targetOf(new URL(location, base));
  if (target.protocol !== 'https:' && !isSamePlace(target, home))
    throw redirectFailure('it redirects to an address that is not https, which is not followed', status);
  return target;
}

export const redirectFailure = (why: string, status: number): HttpFailure =>
  new HttpFailure(why, { code: 'status', kind: 'forbidden', status });
