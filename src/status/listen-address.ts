import { isIP } from 'node:net';
import { isLoopback } from '../common/loopback';

interface ListenAddress {
  host: string;
  port: number;
  isLoopback: boolean;
}

/** Understands `127.0.0.1:8110`, `[::1]:8110`, `localhost:8110`. @throws Error with a sentence that says what is wrong */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535 || (match?.[1] !== undefined && isIP(host) !== 6)) {
    throw new Error(
      `status.listen: ${text} is not an address with a port, such as 127.0.0.1:8110 or [::1]:8110`,
    );
  }
  return { host, port, isLoopback: isLoopback(host) };
}

/**
 * Whether a request with this Host may be answered on a loopback listener: a foreign page whose own name leads here
 * (DNS rebinding) sends that name, people and probes send an address or `localhost`.
 */
export function isLocalName(hostHeader: string): boolean {
  const host = hostHeader.replace(/:[0-9]*$/, '').replace(/^\[|\]$/g, '');
  return host === '' || host.toLowerCase() === 'localhost' || isIP(host) !== 0;
}
