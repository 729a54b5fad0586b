import { DerReader, dotted, objectId, TAG } from './der';
import { ipText } from './ip';

const EXTENSIONS = 0xa3;
/** Tags of GeneralName (RFC 5280, 4.2.1.6). */
const DNS_NAME = 0x82;
const URI = 0x86;
const IP_ADDRESS = 0x87;
const KEY_ID = 0x80;

/** Last number of those below 2.5.29. */
const KEY_USAGE = 15;
const ALTERNATIVE_NAME = 17;
const BASIC_CONSTRAINTS = 19;
const NAME_CONSTRAINTS = 30;
const AUTHORITY_KEY_ID = 35;
const EXTENDED_KEY_USAGE = 37;
const AUTHORITY_INFO_ACCESS = objectId('1.3.6.1.5.5.7.1.1');
const CA_ISSUERS = objectId('1.3.6.1.5.5.7.48.2');
const ANY_USAGE = objectId('2.5.29.37.0');
const CLIENT_USAGES = new Set([objectId('1.3.6.1.5.5.7.3.2'), ANY_USAGE]);
const SERVER_USAGES = new Set([objectId('1.3.6.1.5.5.7.3.1'), ANY_USAGE]);

/**
 * Extensions that OpenSSL handles (X509_supported_extension); it rejects any other one that is critical. By their last
 * number below 2.5.29, and by identifier.
 */
const SUPPORTED_NUMBERS = new Set([
  ALTERNATIVE_NAME,
  BASIC_CONSTRAINTS,
  KEY_USAGE,
  EXTENDED_KEY_USAGE,
  NAME_CONSTRAINTS,
  31, // CRL distribution points
  32, // certificate policies
  33, // policy mappings
  36, // policy constraints
  54, // inhibit any policy
]);
const SUPPORTED = new Set(
  [
    '2.16.840.1.113730.1.1', // Netscape's type of certificate
    '1.3.6.1.5.5.7.1.7', // IP address blocks
    '1.3.6.1.5.5.7.1.8', // numbers of autonomous systems
    '1.3.6.1.5.5.7.1.14', // proxy certificate
    '1.3.6.1.5.5.7.48.1.5', // no OCSP check
  ].map(objectId),
);

/** Names beyond this number are not read; the gate refuses a certificate with far fewer. */
const MAX_READ_NAMES = 10_000;

/** The extensions of a certificate that the chain and the gate need (RFC 5280, 4.2.1). */
export interface Extensions {
  /** Whether there is a subjectAltName at all. */
  hasAlternativeName: boolean;
  /** DNS names of the subjectAltName, lower case, each once. */
  names: string[];
  /** IP addresses of the subjectAltName as text, each once. */
  ips: string[];
  /** Entries of the subjectAltName, repeated ones and other kinds included; Infinity: too many to read. */
  nameCount: number;
  isCa: boolean;
  /** Most CAs between this one and a leaf; Infinity where it sets no limit. */
  pathLength: number;
  /** Key usage allows handshakes. */
  isForHandshakes: boolean;
  /** Key usage allows signing certificates. */
  maySign: boolean;
  isForClients: boolean;
  isForServers: boolean;
  /** Hexadecimal, lower case. */
  authorityKeyId: string | undefined;
  /** Address of the issuer's certificate (authorityInfoAccess), as written. */
  issuerUrl: string | undefined;
  /** DER of the nameConstraints, where a CA has them. */
  nameConstraints: Buffer | undefined;
  /** A critical extension that OpenSSL does not handle, in dotted form. */
  unknownCritical: string | undefined;
}

/** @param tbs positioned behind the public key */
export function readExtensions(tbs: DerReader): Extensions {
  const found: Extensions = {
    hasAlternativeName: false,
    names: [],
    ips: [],
    nameCount: 0,
    isCa: false,
    pathLength: Number.POSITIVE_INFINITY,
    isForHandshakes: true,
    maySign: true,
    isForClients: true,
    isForServers: true,
    authorityKeyId: undefined,
    issuerUrl: undefined,
    nameConstraints: undefined,
    unknownCritical: undefined,
  };
  while (!tbs.done) {
    if (tbs.read() !== EXTENSIONS) continue;
    const list = new DerReader(tbs.bytes, tbs.start, tbs.stop).enter();
    // Reused for each extension.
    const extension = new DerReader(list.bytes);
    const value = new DerReader(list.bytes);
    while (!list.done) {
      list.read(TAG.sequence);
      extension.moveTo(list);
      readExtension(extension, value, found);
    }
  }
  return found;
}

function readExtension(extension: DerReader, value: DerReader, found: Extensions): void {
  extension.read(TAG.objectId);
  const { bytes, start, stop } = extension;
  const isCritical = extension.isNext(TAG.boolean) && extension.read() === TAG.boolean && flag(extension);
  extension.read(TAG.octetString);
  value.moveTo(extension);
  const number = numberOf(bytes, start, stop);
  if (number !== null) readValue(number, value, found);
  else if (bytes.toString('latin1', start, stop) === AUTHORITY_INFO_ACCESS)
    found.issuerUrl = issuerUrl(value);
  if (!isCritical || (number !== null && SUPPORTED_NUMBERS.has(number))) return;
  const id = bytes.toString('latin1', start, stop);
  if (!SUPPORTED.has(id)) found.unknownCritical ??= dotted(id);
}

/** Whether the BOOLEAN that was read last is true. */
const flag = ({ bytes, start, stop }: DerReader): boolean => start === stop || bytes[start] !== 0;

/** @param number the last one of an identifier below 2.5.29 */
function readValue(number: number, value: DerReader, found: Extensions): void {
  switch (number) {
    case ALTERNATIVE_NAME:
      readNames(value, found);
      return;
    case BASIC_CONSTRAINTS:
      readConstraints(value, found);
      return;
    case KEY_USAGE:
      readKeyUsage(value, found);
      return;
    case EXTENDED_KEY_USAGE:
      readUsages(value, found);
      return;
    case AUTHORITY_KEY_ID:
      found.authorityKeyId = authorityKeyId(value);
      return;
    case NAME_CONSTRAINTS:
      found.nameConstraints = value.rest();
  }
}

/** The last number of an identifier below 2.5.29, which most have: no text is made for each. Null: another one. */
function numberOf(bytes: Buffer, start: number, stop: number): number | null {
  const isBelow = stop - start === 3 && bytes[start] === 0x55 && bytes[start + 1] === 0x1d;
  return isBelow ? (bytes[start + 2] as number) : null;
}

function readNames(value: DerReader, found: Extensions): void {
  const list = value.enter();
  const names: string[] = [];
  const ips: string[] = [];
  let count = 0;
  for (; !list.done && count < MAX_READ_NAMES; count++) {
    const tag = list.read();
    if (tag === DNS_NAME) names.push(printable(list.lastText()).toLowerCase());
    else if (tag === IP_ADDRESS) ips.push(ipText(list.bytes.subarray(list.start, list.stop)));
  }
  found.hasAlternativeName = true;
  found.names = eachOnce(names);
  found.ips = eachOnce(ips);
  found.nameCount = list.done ? count : Number.POSITIVE_INFINITY;
}

const eachOnce = (texts: string[]): string[] => (texts.length < 2 ? texts : [...new Set(texts)]);

/** No host name contains such characters, so no SNI matches the result; a terminal might interpret them. */
const printable = (name: string) => name.replace(/[^\x20-\x7e]/g, '?');

function readConstraints(value: DerReader, found: Extensions): void {
  const constraints = value.enter();
  found.isCa = constraints.isNext(TAG.boolean) && constraints.read() === TAG.boolean && flag(constraints);
  if (!constraints.isNext(TAG.integer)) return;
  constraints.read();
  // Longer numbers limit nothing in practice.
  if (constraints.stop - constraints.start === 1)
    found.pathLength = constraints.bytes[constraints.start] as number;
}

/** A server needs digital signatures, or what RSA and DH without signatures need. */
function readKeyUsage(value: DerReader, found: Extensions): void {
  value.read(TAG.bitString);
  const first = value.stop - value.start < 2 ? 0 : (value.bytes[value.start + 1] as number);
  if ((first & 0b1010_1000) === 0) found.isForHandshakes = false;
  found.maySign = (first & 0b0000_0100) !== 0;
}

function readUsages(value: DerReader, found: Extensions): void {
  const usages = value.enter();
  found.isForClients = false;
  found.isForServers = false;
  while (!usages.done) {
    usages.read(TAG.objectId);
    const id = usages.lastText();
    if (CLIENT_USAGES.has(id)) found.isForClients = true;
    if (SERVER_USAGES.has(id)) found.isForServers = true;
  }
}

/** Many authorities name the key by issuer and serial instead. */
function authorityKeyId(value: DerReader): string | undefined {
  const fields = value.enter();
  if (!fields.isNext(KEY_ID)) return undefined;
  fields.read();
  return fields.bytes.toString('hex', fields.start, fields.stop);
}

function issuerUrl(value: DerReader): string | undefined {
  const list = value.enter();
  while (!list.done) {
    const description = list.enter();
    description.read(TAG.objectId);
    const isIssuers = description.lastText() === CA_ISSUERS;
    if (description.read() === URI && isIssuers) return printable(description.lastText());
  }
  return undefined;
}
