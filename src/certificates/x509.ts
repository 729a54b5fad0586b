import * as crypto from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { CertificateInfo } from '../model';
import { DerReader, objectId, TAG, type DerValue } from './der';
import { readExtensions, type Extensions } from './extensions';

/** A certificate as far as the chain and the gate need it; parsed without OpenSSL, which costs 0.2 ms. */
export interface ParsedCertificate {
  der: Buffer;
  info: CertificateInfo;
  /** DER of the issuer's and subject's names, as comparable strings. */
  issuer: string;
  subject: string;
  /** The public key's bits: a point, or the DER of an RSA key. */
  publicKey: Buffer;
  /** DER of the whole public key (SubjectPublicKeyInfo). */
  spki: Buffer;
  extensions: Extensions;
}

/** OpenSSL's clients refuse a chain of more than 100 KiB. */
export const MAX_CERTIFICATE_OCTETS = 102_400;

const VERSION = 0xa0;
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
const COMMON_NAME = objectId('2.5.4.3');

/**
 * Parses an X.509 certificate (RFC 5280).
 * @param sha256 its digest in base64url, where it is known already
 * @throws RangeError where it is not one
 */
export function parseCertificate(der: Buffer, sha256?: string): ParsedCertificate {
  if (der.length > MAX_CERTIFICATE_OCTETS) throw new RangeError('DER: larger than clients let a chain be');
  const outer = new DerReader(der);
  const signed = outer.inside(outer.next(TAG.sequence));
  if (!outer.done) throw new RangeError('DER: something follows the certificate');
  const tbs = signed.inside(signed.next(TAG.sequence));
  tbs.optional(VERSION);
  const serial = hex(tbs.content(tbs.next(TAG.integer)));
  const algorithm = tbs.inside(tbs.next(TAG.sequence));
  const signature = weakness(algorithm);
  const issuer = tbs.next(TAG.sequence);
  const validity = tbs.inside(tbs.next(TAG.sequence));
  const notBefore = time(validity, validity.next());
  const notAfter = time(validity, validity.next());
  const subject = tbs.next(TAG.sequence);
  const keyStart = tbs.position;
  const keyValue = tbs.next(TAG.sequence);
  const spki = der.subarray(keyStart, keyValue.end);
  const { bits, ...key } = publicKey(tbs.inside(keyValue));
  const extensions = readExtensions(tbs);
  const issuerName = shared(tbs.text(issuer));
  const subjectName = tbs.text(subject);
  const commonName = extensions.hasAlternativeName ? undefined : commonNameOf(tbs.inside(subject));
  return {
    der,
    issuer: issuerName,
    subject: subjectName,
    publicKey: bits,
    spki,
    extensions,
    info: new Facts(
      sha256 ?? crypto.hash('sha256', der, 'base64url'),
      { serial, notBefore, notAfter, signature, ...key },
      extensions,
      { issuer: issuerName, subject: subjectName, commonName },
    ),
  };
}

/** Texts of issuer names, shared by the many certificates of one issuer. */
const texts = new LRUCache<string, string>({ max: 64 });

function shared(text: string): string {
  const known = texts.get(text);
  if (known !== undefined) return known;
  texts.set(text, text);
  return text;
}

interface ReadFacts
  extends PublicKeyFacts, Pick<CertificateInfo, 'serial' | 'notBefore' | 'notAfter' | 'signature'> {}

const NO_IPS: readonly string[] = [];

/** Computes the fingerprint's long form on demand: most are never shown. */
class Facts implements CertificateInfo {
  readonly serial: string;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly names: readonly string[];
  readonly ips: readonly string[];
  readonly nameCount: number;
  readonly commonName: string | undefined;
  readonly keyType: CertificateInfo['keyType'];
  readonly keyBits: number;
  readonly exponent: number;
  readonly signature: CertificateInfo['signature'];
  readonly issuer: string;
  readonly authorityKeyId: string | undefined;
  readonly isSelfIssued: boolean;
  readonly isCa: boolean;
  readonly isForClients: boolean;
  readonly isForServers: boolean;
  readonly subject: string | undefined;

  constructor(
    private readonly sha256: string,
    { serial, notBefore, notAfter, signature, keyType, keyBits, exponent }: ReadFacts,
    extensions: Extensions,
    named: { issuer: string; subject: string; commonName: string | undefined },
  ) {
    this.serial = serial;
    this.notBefore = notBefore;
    this.notAfter = notAfter;
    this.names = extensions.names;
    this.ips = extensions.ips.length === 0 ? NO_IPS : extensions.ips;
    this.nameCount = extensions.nameCount;
    this.commonName = named.commonName;
    this.keyType = keyType;
    this.keyBits = keyBits;
    this.exponent = exponent;
    this.signature = signature;
    this.issuer = named.issuer;
    this.authorityKeyId =
      extensions.authorityKeyId === undefined ? undefined : shared(extensions.authorityKeyId);
    this.isSelfIssued = named.issuer === named.subject;
    this.isCa = extensions.isCa;
    this.isForClients = extensions.isForClients;
    this.isForServers = extensions.isForServers && extensions.isForHandshakes;
    this.subject = this.names.length > 0 ? undefined : named.subject;
  }

  get fingerprint(): string {
    return fingerprintOf(this.sha256);
  }
}

/** SHA-256 in upper-case hex with colons. */
export function fingerprint(der: Uint8Array): string {
  return inColons(crypto.hash('sha256', der, 'buffer'));
}

/** The long form of a fingerprint, from the digest in base64url. */
export function fingerprintOf(sha256: string): string {
  return inColons(Buffer.from(sha256, 'base64url'));
}

/** Reused: a buffer for each of 10,000 fingerprints costs more than filling it. */
const scratch = Buffer.alloc(64 * 3, ':');

function inColons(hash: Buffer): string {
  for (let index = 0; index < hash.length; index++) {
    const byte = hash[index] as number;
    scratch[index * 3] = HEX_DIGITS[byte >> 4] as number;
    scratch[index * 3 + 1] = HEX_DIGITS[byte & 15] as number;
  }
  return scratch.toString('latin1', 0, hash.length * 3 - 1);
}

const HEX_DIGITS = Buffer.from('0123456789ABCDEF');

function hex(bytes: Buffer): string {
  const text = bytes.toString('hex').toUpperCase();
  return text.length > 2 && text.startsWith('00') ? text.slice(2) : text;
}

/** Read from the octets: two dates of each of 10,000 leaves are not worth as many texts. */
function time({ bytes }: DerReader, { tag, start, end }: DerValue): number {
  const digit = (at: number) => {
    const value = at < end ? (bytes[at] as number) - 0x30 : -1;
    return value >= 0 && value <= 9 ? value : Number.NaN;
  };
  const two = (at: number) => digit(at) * 10 + digit(at + 1);
  const isLong = tag === TAG.generalizedTime;
  const at = start + (isLong ? 4 : 2);
  const year = isLong ? two(start) * 100 + two(start + 2) : twoDigitYear(two(start));
  const ms = Date.UTC(year, two(at) - 1, two(at + 2), two(at + 4), two(at + 6), two(at + 8));
  if (Number.isNaN(ms)) throw new RangeError('DER: not a time');
  return ms;
}

/** RFC 5280, 4.1.2.5.1: 50 to 99 mean the last century. */
const twoDigitYear = (year: number) => (year >= 50 ? 1900 + year : 2000 + year);

/** The digest of a signature's AlgorithmIdentifier, where it is a weak one. */
function weakness(algorithm: DerReader): CertificateInfo['signature'] {
  const id = algorithm.text(algorithm.next(TAG.objectId));
  if (id !== RSA_PSS) return WEAK_SIGNATURES.get(id) ?? 'other';
  // RFC 4055, 3.1: where the digest, or all parameters, are left out, it is SHA-1.
  const parameters = algorithm.optional(TAG.sequence);
  const inside = parameters === null ? null : algorithm.inside(parameters);
  const digest = inside?.optional(PSS_DIGEST) ?? null;
  if (inside === null || digest === null) return 'sha1';
  const wrapped = inside.inside(digest);
  const named = wrapped.inside(wrapped.next(TAG.sequence));
  return named.text(named.next(TAG.objectId)) === SHA1 ? 'sha1' : 'other';
}

interface PublicKeyFacts extends Pick<CertificateInfo, 'keyType' | 'keyBits'> {
  exponent: number;
}

function publicKey(spki: DerReader): PublicKeyFacts & { bits: Buffer } {
  const algorithm = spki.inside(spki.next(TAG.sequence));
  const id = algorithm.text(algorithm.next(TAG.objectId));
  const value = spki.next(TAG.bitString);
  // The first octet of a bit string counts its unused bits.
  const bits = spki.content(value).subarray(1);
  const edwards = EDWARDS_BITS.get(id);
  if (edwards !== undefined) return { ...edwards, exponent: 0, bits };
  if (id === EC) {
    const curve = algorithm.optional(TAG.objectId);
    const keyBits = curve === null ? undefined : CURVE_BITS.get(algorithm.text(curve));
    return { keyType: 'ec', keyBits: keyBits ?? 0, exponent: 0, bits };
  }
  if (id !== RSA && id !== RSA_PSS) return { keyType: 'other', keyBits: 0, exponent: 0, bits };
  const key = new DerReader(bits);
  const parts = key.inside(key.next(TAG.sequence));
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

/** The last common name, as tools show it. */
function commonNameOf(subject: DerReader): string | undefined {
  let found: string | undefined;
  while (!subject.done) {
    const set = subject.inside(subject.next(TAG.set));
    const attribute = set.inside(set.next(TAG.sequence));
    const id = attribute.text(attribute.next(TAG.objectId));
    const text = attribute.text(attribute.next());
    if (id === COMMON_NAME) found = text.replace(/[^\x20-\x7e]/g, '?').slice(0, 64);
  }
  return found;
}
