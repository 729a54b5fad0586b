import type { CertificateInfo } from '../model';
import { DerReader, objectId, TAG } from './der';

/** First and last octet (exclusive). */
export type Span = readonly [from: number, to: number];

const PSS_DIGEST = 0xa0;

const RSA = objectId('1.2.840.113549.1.1.1');
const RSA_PSS = objectId('1.2.840.113549.1.1.10');
const EC = objectId('1.2.840.10045.2.1');
/** Key sizes that the algorithm alone determines. */
const EDWARDS_BITS = new Map([
  [objectId('1.3.101.112'), { keyType: 'ed25519', keyBits: 256 }],
  [objectId('1.3.101.113'), { keyType: 'other', keyBits: 456 }],
] as const);
const CURVE_BITS = new Map([
  [objectId('1.2.840.10045.3.1.7'), 256],
  [objectId('1.3.132.0.34'), 384],
  [objectId('1.3.132.0.35'), 521],
  [objectId('1.3.132.0.33'), 224],
  [objectId('1.2.840.10045.3.1.1'), 192],
]);
const WEAK_SIGNATURES = new Map([
  [objectId('1.2.840.113549.1.1.4'), 'md5'],
  [objectId('1.2.840.113549.1.1.5'), 'sha1'],
  [objectId('1.2.840.10045.4.1'), 'sha1'],
  [objectId('1.3.14.3.2.29'), 'sha1'],
] as const);
const SHA1 = objectId('1.3.14.3.2.26');

/** The digest of a signature's AlgorithmIdentifier, where it is a weak one. */
export function weakness(algorithm: DerReader): CertificateInfo['signature'] {
  algorithm.read(TAG.objectId);
  const id = algorithm.lastText();
  if (id !== RSA_PSS) return WEAK_SIGNATURES.get(id) ?? 'other';
  // RFC 4055, 3.1: where the digest, or all parameters, are left out, it is SHA-1.
  const parameters = algorithm.isNext(TAG.sequence) ? algorithm.enter() : null;
  if (parameters?.isNext(PSS_DIGEST) !== true) return 'sha1';
  const digest = parameters.enter(PSS_DIGEST).enter();
  digest.read(TAG.objectId);
  return digest.lastText() === SHA1 ? 'sha1' : 'other';
}

export interface PublicKeyFacts extends Pick<CertificateInfo, 'keyType' | 'keyBits'> {
  exponent: number;
  bits: Span;
}

/** Type, size and exponent of the key in a SubjectPublicKeyInfo. @throws RangeError where it is not one */
export function publicKey(spki: DerReader): PublicKeyFacts {
  const algorithm = spki.enter();
  algorithm.read(TAG.objectId);
  const id = algorithm.lastText();
  spki.read(TAG.bitString);
  // The first octet of a bit string counts its unused bits.
  const bits: Span = [Math.min(spki.start + 1, spki.stop), spki.stop];
  if (id === EC) {
    const isNamed = algorithm.isNext(TAG.objectId);
    if (isNamed) algorithm.read();
    const keyBits = isNamed ? CURVE_BITS.get(algorithm.lastText()) : undefined;
    return { keyType: 'ec', keyBits: keyBits ?? 0, exponent: 0, bits };
  }
  if (id !== RSA && id !== RSA_PSS) {
    const { keyType, keyBits } = EDWARDS_BITS.get(id) ?? { keyType: 'other' as const, keyBits: 0 };
    return { keyType, keyBits, exponent: 0, bits };
  }
  const parts = new DerReader(spki.bytes, ...bits).enter();
  const modulus = parts.content(parts.next(TAG.integer));
  const digits = modulus[0] === 0 ? modulus.subarray(1) : modulus;
  const keyBits = digits.length * 8 - Math.clz32(digits[0] ?? 0) + 24;
  const exponent = parts.content(parts.next(TAG.integer));
  const isShort = exponent.length > 0 && exponent.length <= 4 && (exponent[0] as number) < 0x80;
  return {
    keyType: 'rsa',
    keyBits,
    exponent: isShort ? exponent.readUIntBE(0, exponent.length) : 0,
    bits,
  };
}
