import { randomBytes } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';

/** One or two pairs (RSA and ECDSA). */
export interface Pairs {
  cert: string | string[];
  key: string | string[];
}

/**
 * Makes a secure context. All of them share the keys of their session tickets, as nginx's workers do: a session can
 * be resumed after a swap, without any certificate being sent.
 */
export function makeContext({ cert, key }: Pairs): SecureContext {
  return createSecureContext({ cert, key, ticketKeys: TICKET_KEYS, sessionIdContext: 'gateway' });
}

const TICKET_KEYS = randomBytes(48);
