import * as crypto from 'node:crypto';

/** Namespace of the ids that this plugin generates (a random UUID, fixed for ever). */
const NAMESPACE = Buffer.from('6f1d2b0c5a3e4c0e9b7d0f6a8e2c4d71', 'hex');

/**
 * A name-based UUID (RFC 9562, version 5): every gateway, and the next process after a restart, gives the same
 * certificate the same id.
 */
export function deterministicId(kind: 'certificate' | 'sni' | 'ca_certificate', name: string): string {
  const bytes = crypto
    .hash('sha1', Buffer.concat([NAMESPACE, Buffer.from(`${kind}\0${name}`)]), 'buffer')
    .subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
