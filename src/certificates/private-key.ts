import { createECDH, createPrivateKey, type ECDH, type KeyObject, type X509Certificate } from 'node:crypto';
import { DerReader, objectId, TAG } from './der';
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
 * Whether a private key belongs to a leaf. An elliptic key's public point is computed from its number, six times
 * faster than OpenSSL's way through its decoders; any other key, and any unusual form, goes that way.
 * @returns null where it is no private key that OpenSSL can read, or is damaged
 */
export function belongsTo(
  key: PemBlock,
  leaf: ParsedCertificate,
  certificate: X509Certificate,
): boolean | null {
  const point = ellipticPoint(key.label, key.der);
  // A compressed or missing point is left to OpenSSL.
  if (point?.computed?.length === leaf.publicKey.length) {
    return isWholePoint(point) ? point.computed.equals(leaf.publicKey) : null;
  }
  if (!isServerKeyBlock(key)) return null;
  try {
    const opened = createPrivateKey(key.pem);
    return isWhole(opened) ? certificate.checkPrivateKey(opened) : null;
  } catch {
    // OpenSSL's message is left out: it may quote its input.
    return null;
  }
}

const isWholePoint = ({ written, computed }: { written: Buffer; computed: Buffer | null }) =>
  computed?.equals(written) === true;

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

/** The usual encoding of a key on these curves: number and point, whole, with nothing else around them. */
interface EllipticForm {
  curve: string;
  /** Octets before the number. */
  head: Buffer;
  /** Length of the number in octets. */
  size: number;
  /** Octets between the number and the point, which reaches to the end. */
  middle: Buffer;
}

const form = (curve: string, size: number, head: string, middle: string): EllipticForm => {
  return { curve, size, head: Buffer.from(head, 'hex'), middle: Buffer.from(middle, 'hex') };
};

/** By PEM label: PKCS#8 (RFC 5958), and SEC1 (RFC 5915), where the curve follows the number. */
const ELLIPTIC_FORMS: Readonly<Record<string, readonly EllipticForm[]>> = {
  'PRIVATE KEY': [
    form(
      'prime256v1',
      32,
      '308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420',
      'a144034200',
    ),
    form(
      'secp384r1',
      48,
      '3081b6020100301006072a8648ce3d020106052b8104002204819e30819b0201010430',
      'a164036200',
    ),
    form(
      'secp521r1',
      66,
      '3081ee020100301006072a8648ce3d020106052b810400230481d63081d30201010442',
      'a1818903818600',
    ),
  ],
  'EC PRIVATE KEY': [
    form('prime256v1', 32, '30770201010420', 'a00a06082a8648ce3d030107a144034200'),
    form('secp384r1', 48, '3081a40201010430', 'a00706052b81040022a164036200'),
    form('secp521r1', 66, '3081dc0201010442', 'a00706052b81040023a1818903818600'),
  ],
};

/** The point that an elliptic key states, and the one that its number leads to. Null: another kind or form. */
function ellipticPoint(label: string, der: Buffer): { written: Buffer; computed: Buffer | null } | null {
  for (const { curve, head, size, middle } of ELLIPTIC_FORMS[label] ?? []) {
    const number = head.length;
    const point = number + size + middle.length;
    if (der.length !== point + 2 * size + 1 || !der.subarray(0, number).equals(head)) continue;
    if (!der.subarray(number + size, point).equals(middle)) continue;
    return { written: der.subarray(point), computed: pointOf(curve, der.subarray(number, number + size)) };
  }
  return null;
}

/** By curve. Making a pair takes longer than its arithmetic. */
const pairs = new Map<string, ECDH>();

/** Null: the number is not on that curve. */
function pointOf(curve: string, number: Buffer): Buffer | null {
  let pair = pairs.get(curve);
  if (pair === undefined) pairs.set(curve, (pair = createECDH(curve)));
  if (forgetting === null) forgetting = setImmediate(forgetNumbers);
  try {
    pair.setPrivateKey(number);
    return pair.getPublicKey();
  } catch {
    return null;
  }
}

let forgetting: NodeJS.Immediate | null = null;

/** Overwrites the private numbers that were used last. */
function forgetNumbers(): void {
  forgetting = null;
  for (const pair of pairs.values()) pair.setPrivateKey(ONE);
}

const ONE = Buffer.from([1]);
