import { createECDH, createPrivateKey, type X509Certificate } from 'node:crypto';
import { DerReader, objectId } from './der';
import type { PemBlock } from './pem';
import type { ParsedCertificate } from './x509';

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const OCTET_STRING = 0x04;
const OBJECT_ID = 0x06;
const PARAMETERS = 0xa0;
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
    return certificate.checkPrivateKey(createPrivateKey(key.text));
  } catch {
    // OpenSSL's own message is left out: it may quote what it was given.
    return null;
  }
}

function ellipticPoint(key: PemBlock): Buffer | null {
  try {
    const number = key.label === 'EC PRIVATE KEY' ? sec1(new DerReader(key.der)) : pkcs8(key.der);
    if (number === null) return null;
    const curve = createECDH(number.curve);
    curve.setPrivateKey(number.value);
    return curve.getPublicKey();
  } catch {
    return null;
  }
}

interface EllipticNumber {
  curve: string;
  value: Buffer;
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
  const parameters = known === undefined ? key.optional(PARAMETERS) : null;
  if (parameters === null) return known === undefined ? null : { curve: known, value };
  const inside = key.inside(parameters);
  const curve = CURVES.get(inside.text(inside.next(OBJECT_ID)));
  return curve === undefined ? null : { curve, value };
}
