import * as crypto from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { CertificateInfo } from '../model';
import { publicKey, weakness, type PublicKeyFacts, type Span } from './algorithms';
import { DerReader, objectId, TAG } from './der';
import { readExtensions, type Extensions } from './extensions';
import { encodePem } from './pem';

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
const COMMON_NAME = objectId('2.5.4.3');

/**
 * Parses an X.509 certificate (RFC 5280).
 * @param digest a text that begins with its SHA-256 in base64url, as that of a chain does; default: it is computed
 * @throws RangeError where it is not one
 */
export function parseCertificate(der: Buffer, digest?: string): ParsedCertificate {
  if (der.length > MAX_CERTIFICATE_OCTETS) throw new RangeError('DER: larger than clients let a chain be');
  const outer = new DerReader(der);
  const signed = outer.enter();
  if (!outer.done) throw new RangeError('DER: something follows the certificate');
  const tbs = signed.enter();
  if (tbs.isNext(VERSION)) tbs.read();
  tbs.read(TAG.integer);
  const serial = hex(der, tbs.start, tbs.stop);
  const signature = weakness(tbs.enter());
  tbs.read(TAG.sequence);
  const issuer = shared(tbs.lastText());
  const validity = tbs.enter();
  const notBefore = time(validity);
  const notAfter = time(validity);
  tbs.read(TAG.sequence);
  const subject: Span = [tbs.start, tbs.stop];
  const keyStart = tbs.position;
  const key = publicKey(tbs.enter());
  const spki: Span = [keyStart, tbs.position];
  const extensions = readExtensions(tbs);
  const facts = new Facts(
    digest ?? crypto.hash('sha256', der, 'base64url'),
    { serial, notBefore, notAfter, signature },
    key,
    extensions,
    { issuer, der, subject },
  );
  return new Certificate(der, facts, extensions, issuer, { subject, spki, publicKey: key.bits });
}

const PEM = Buffer.from('-----BEGIN');

/**
 * A certificate as OpenSSL reads it. Node looks for PEM first, even inside DER, and would read a certificate whose text
 * stands in an extension; hence the PEM form.
 * @throws Error where OpenSSL cannot read it
 */
export const readByOpenSsl = (der: Buffer): crypto.X509Certificate =>
  new crypto.X509Certificate(der.includes(PEM) ? encodePem('CERTIFICATE', der) : der);

/** Cuts out on demand what few ask for: of thousands of leaves only the facts are kept. */
class Certificate implements ParsedCertificate {
  #subject: string | null = null;

  constructor(
    readonly der: Buffer,
    readonly info: CertificateInfo,
    readonly extensions: Extensions,
    readonly issuer: string,
    private readonly spans: Readonly<Record<'subject' | 'spki' | 'publicKey', Span>>,
  ) {}

  get subject(): string {
    this.#subject ??= this.info.isSelfIssued === true ? this.issuer : textOf(this.der, this.spans.subject);
    return this.#subject;
  }

  get publicKey(): Buffer {
    return this.der.subarray(...this.spans.publicKey);
  }

  get spki(): Buffer {
    return this.der.subarray(...this.spans.spki);
  }
}

const textOf = (bytes: Buffer, [from, to]: Span) => bytes.toString('latin1', from, to);

/** Texts of issuer names, shared by the many certificates of one issuer. */
const texts = new LRUCache<string, string>({ max: 64 });

function shared(text: string): string {
  const known = texts.get(text);
  if (known === undefined) texts.set(text, text);
  return known ?? text;
}

type ReadFacts = Pick<CertificateInfo, 'serial' | 'notBefore' | 'notAfter' | 'signature'>;

const NO_IPS: readonly string[] = [];
/** Characters of a SHA-256 in base64url. */
const DIGEST_LENGTH = 43;

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
    /** Begins with the SHA-256 in base64url. */
    private readonly digest: string,
    { serial, notBefore, notAfter, signature }: ReadFacts,
    { keyType, keyBits, exponent }: PublicKeyFacts,
    extensions: Extensions,
    { issuer, der, subject }: { issuer: string; der: Buffer; subject: Span },
  ) {
    this.serial = serial;
    this.notBefore = notBefore;
    this.notAfter = notAfter;
    // A list that was pushed to has room for 17.
    this.names = extensions.names.slice();
    this.ips = extensions.ips.length === 0 ? NO_IPS : extensions.ips;
    this.nameCount = extensions.nameCount;
    this.commonName = extensions.hasAlternativeName
      ? undefined
      : commonNameOf(new DerReader(der, ...subject));
    this.keyType = keyType;
    this.keyBits = keyBits;
    this.exponent = exponent;
    this.signature = signature;
    this.issuer = issuer;
    this.authorityKeyId =
      extensions.authorityKeyId === undefined ? undefined : shared(extensions.authorityKeyId);
    this.isSelfIssued = subject[1] - subject[0] === issuer.length && textOf(der, subject) === issuer;
    this.isCa = extensions.isCa;
    this.isForClients = extensions.isForClients;
    this.isForServers = extensions.isForServers && extensions.isForHandshakes;
    this.subject = this.names.length > 0 ? undefined : textOf(der, subject);
  }

  get fingerprint(): string {
    return fingerprintOf(this.digest.slice(0, DIGEST_LENGTH));
  }
}

/** Reused: a buffer for each of 10,000 fingerprints costs more than filling it. */
const scratch = Buffer.alloc(64 * 3, ':');

/** A fingerprint, upper-case hex with colons, from the digest in base64url. */
export function fingerprintOf(sha256: string): string {
  const hash = Buffer.from(sha256, 'base64url');
  for (let index = 0; index < hash.length; index++) {
    const byte = hash[index] as number;
    scratch[index * 3] = HEX_DIGITS[byte >> 4] as number;
    scratch[index * 3 + 1] = HEX_DIGITS[byte & 15] as number;
  }
  return scratch.toString('latin1', 0, hash.length * 3 - 1);
}

const HEX_DIGITS = Buffer.from('0123456789ABCDEF');

function hex(bytes: Buffer, from: number, to: number): string {
  const isPadded = to - from > 1 && bytes[from] === 0;
  return bytes.toString('hex', isPadded ? from + 1 : from, to).toUpperCase();
}

/** Read from the octets: two dates of each of 10,000 leaves are not worth as many texts. */
function time(reader: DerReader): number {
  const isLong = reader.read() === TAG.generalizedTime;
  const { bytes, start, stop } = reader;
  const at = start + (isLong ? 4 : 2);
  const first = twoDigits(bytes, start, stop);
  const year = isLong ? first * 100 + twoDigits(bytes, start + 2, stop) : twoDigitYear(first);
  const month = twoDigits(bytes, at, stop);
  const day = twoDigits(bytes, at + 2, stop);
  const hour = twoDigits(bytes, at + 4, stop);
  const minute = twoDigits(bytes, at + 6, stop);
  const ms = Date.UTC(year, month - 1, day, hour, minute, twoDigits(bytes, at + 8, stop));
  if (Number.isNaN(ms)) throw new RangeError('DER: not a time');
  return ms;
}

/** NaN where there are none. */
function twoDigits(bytes: Buffer, at: number, end: number): number {
  if (at + 2 > end) return Number.NaN;
  const tens = (bytes[at] as number) - 0x30;
  const ones = (bytes[at + 1] as number) - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

/** RFC 5280, 4.1.2.5.1: 50 to 99 mean the last century. */
const twoDigitYear = (year: number) => (year >= 50 ? 1900 + year : 2000 + year);

/** The last common name, as tools show it. */
function commonNameOf(subject: DerReader): string | undefined {
  let found: string | undefined;
  while (!subject.done) {
    const attribute = subject.enter(TAG.set).enter();
    attribute.read(TAG.objectId);
    const id = attribute.lastText();
    attribute.read();
    if (id === COMMON_NAME)
      found = attribute
        .lastText()
        .replace(/[^\x20-\x7e]/g, '?')
        .slice(0, 64);
  }
  return found;
}
