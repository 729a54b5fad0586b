import { createECDH, createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { DerReader, objectId } from './der';
import type { PemBlock } from './pem';
import type { ParsedCertificate } from './x509';

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_ID = 0x06;
const PARAMETERS = 0xa0;
const PUBLIC_POINT = 0xa1;
const EC = objectId('1.2.840.10045.2.1');
const CURVES = new Map([
  [objectId('1.2.840.10045.3.1.7'), 'prime256v1'],
  [objectId('1.3.132.0.34'), 'secp384r1'],
  [objectId('1.3.132.0.35'), 'secp521r1'],
]);

/**
 * Whether a private key belongs to a leaf. An elliptic key's public point is computed from its number, six times
 * faster than OpenSSL's way through its decoders; any other key, and any unusual form, goes that way.
 * @returns null where it is no private key that OpenSSL can read
 */
export function belongsTo(
  key: PemBlock,
  leaf: ParsedCertificate,
  certificate: X509Certificate,
): boolean | null {
  const point = ellipticPoint(key);
  // A leaf with a compressed point, or none at all, is OpenSSL's business.
  if (point?.length === leaf.publicKey.length) return point.equals(leaf.publicKey);
  try {
    const opened = createPrivateKey(key.text);
    if (opened.asymmetricKeyType === 'rsa' && !isWholeRsa(opened)) return null;
    return certificate.checkPrivateKey(opened);
  } catch {
    // OpenSSL's own message is left out: it may quote what it was given.
    return null;
  }
}

/**
 * Whether the numbers of an RSA key agree with each other (RFC 8017, 3.2). OpenSSL compares the modulus alone, and a key
 * of which another part is damaged cannot sign.
 */
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
    first * second === modulus &&
    (exponent * secret) % a === 1n &&
    (exponent * secret) % b === 1n &&
    secret % a === ofFirst &&
    secret % b === ofSecond &&
    (inverse * second) % first === 1n
  );
}

function ellipticPoint(key: PemBlock): Buffer | null {
  try {
    const number = key.label === 'EC PRIVATE KEY' ? sec1(new DerReader(key.der)) : pkcs8(key.der);
    if (number === null) return null;
    const curve = createECDH(number.curve);
    curve.setPrivateKey(number.value);
    const point = curve.getPublicKey();
    // A point beside the number that is not its own: damaged, and OpenSSL looks at the point alone.
    return number.point === null || number.point.equals(point) ? point : null;
  } catch {
    return null;
  }
}

interface EllipticNumber {
  curve: string;
  value: Buffer;
  /** As it is written beside the number. */
  point: Buffer | null;
}

/** RFC 5958: version, algorithm with the curve, the SEC1 key. Null: another kind of key. */
function pkcs8(der: Buffer): EllipticNumber | null {
  const outer = new DerReader(der);
  const info = outer.inside(outer.next(SEQUENCE));
  info.next(INTEGER);
  const algorithm = info.inside(info.next(SEQUENCE));
  if (algorithm.text(algorithm.next(OBJECT_ID)) !== EC) return null;
  const curve = CURVES.get(algorithm.text(algorithm.next(OBJECT_ID)));
  return curve === undefined ? null : sec1(info.inside(info.next(OCTET_STRING)), curve);
}

/** RFC 5915: version, number, and the curve where nothing around it names it. */
function sec1(reader: DerReader, known?: string): EllipticNumber | null {
  const key = reader.inside(reader.next(SEQUENCE));
  key.next(INTEGER);
  const value = key.content(key.next(OCTET_STRING));
  const parameters = key.optional(PARAMETERS);
  const inside = parameters === null ? null : key.inside(parameters);
  const curve = known ?? (inside === null ? undefined : CURVES.get(inside.text(inside.next(OBJECT_ID))));
  if (curve === undefined) return null;
  const written = key.optional(PUBLIC_POINT);
  const bits = written === null ? null : key.inside(written);
  // The first octet of a bit string counts its unused bits.
  return { curve, value, point: bits === null ? null : bits.content(bits.next(BIT_STRING)).subarray(1) };
}
