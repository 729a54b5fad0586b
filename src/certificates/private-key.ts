import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { DerReader, objectId, TAG } from './der';
import { ellipticPoint, isPointOf, isWholePoint } from './elliptic-key';
import type { PemBlock } from './pem';
import type { ParsedCertificate } from './x509';

/** An RSA key of 8,192 bits takes 5 KiB (with three primes 6 KiB); arithmetic with a longer one takes seconds. */
const MAX_OCTETS = 8 * 1024;

/** RSA, RSA-PSS, EC, Ed25519, Ed448. For a DSA or DH key OpenSSL computes the public half, which may take hours. */
const ALGORITHMS = new Set(
  ['1.2.840.113549.1.1.1', '1.2.840.113549.1.1.10', '1.2.840.10045.2.1', '1.3.101.112', '1.3.101.113'].map(
    objectId,
  ),
);

/** Whether a PKCS#8 key may be given to OpenSSL: an algorithm and a size that servers use. */
export function isServerKey(der: Buffer): boolean {
  if (der.length > MAX_OCTETS) return false;
  try {
    const info = new DerReader(der).enter();
    info.next(TAG.integer);
    const algorithm = info.enter();
    return ALGORITHMS.has(algorithm.text(algorithm.next(TAG.objectId)));
  } catch {
    return false;
  }
}

/** The same for a PEM block that is not encrypted. */
export function isServerKeyBlock({ label, der }: PemBlock): boolean {
  if (label === 'PRIVATE KEY') return isServerKey(der);
  return (label === 'RSA PRIVATE KEY' || label === 'EC PRIVATE KEY') && der.length <= MAX_OCTETS;
}

/**
 * Compares a private key with a leaf. Any key but an elliptic one, and any unusual form, is left to OpenSSL.
 * @returns null where it is no private key that OpenSSL can read, or is damaged
 */
export function belongsTo(
  key: PemBlock,
  leaf: ParsedCertificate,
  certificate: X509Certificate,
): boolean | null {
  const isKnown = isPointOf(key, leaf);
  if (isKnown !== undefined) return isKnown;
  if (!isServerKeyBlock(key)) return null;
  try {
    const opened = createPrivateKey(key.pem);
    return isWhole(opened) ? certificate.checkPrivateKey(opened) : null;
  } catch {
    // OpenSSL's message is left out: it may quote its input.
    return null;
  }
}

/**
 * OpenSSL compares only an elliptic key's point and an RSA key's modulus; a key that is damaged elsewhere cannot
 * sign.
 */
function isWhole(key: KeyObject): boolean {
  if (key.asymmetricKeyType === 'rsa') return isWholeRsa(key);
  if (key.asymmetricKeyType !== 'ec') return true;
  const point = ellipticPoint('PRIVATE KEY', key.export({ type: 'pkcs8', format: 'der' }));
  return point === null || isWholePoint(point);
}

/** Whether the numbers of an RSA key are consistent (RFC 8017, 3.2). */
function isWholeRsa(key: KeyObject): boolean {
  const { n, e, d, p, q, dp, dq, qi } = key.export({ format: 'jwk' });
  const [modulus, exponent, secret, first, second, ofFirst, ofSecond, inverse] = [
    n,
    e,
    d,
    p,
    q,
    dp,
    dq,
    qi,
  ].map((part) => BigInt(`0x0${Buffer.from(part ?? '', 'base64url').toString('hex')}`)) as [
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  const [a, b] = [first - 1n, second - 1n];
  return (
    first > 1n &&
    second > 1n &&
    // Two primes of several, in some keys.
    modulus % (first * second) === 0n &&
    (exponent * secret) % a === 1n &&
    (exponent * secret) % b === 1n &&
    secret % a === ofFirst &&
    secret % b === ofSecond &&
    (inverse * second) % first === 1n
  );
}
