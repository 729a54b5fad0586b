import { dotted, objectId, TAG, type DerReader, type DerValue } from './der';
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

/** Extensions that OpenSSL handles (X509_supported_extension); it rejects any other one that is critical. */
const SUPPORTED = new Set(
  [
    '2.5.29.17', // alternative names
    '2.5.29.19', // basic constraints
    '2.5.29.15', // key usage
    '2.5.29.37', // extended key usage
    '2.5.29.30', // name constraints
    '2.5.29.31', // CRL distribution points
    '2.5.29.32', // certificate policies
    '2.5.29.33', // policy mappings
    '2.5.29.36', // policy constraints
    '2.5.29.54', // inhibit any policy
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
    const field = tbs.next();
    if (field.tag !== EXTENSIONS) continue;
    const wrapper = tbs.inside(field);
    const list = wrapper.inside(wrapper.next(TAG.sequence));
    while (!list.done) {
      const extension = list.inside(list.next(TAG.sequence));
      const id = extension.next(TAG.objectId);
      const critical = extension.optional(TAG.boolean);
      const octets = extension.next(TAG.octetString);
      readExtension(extension, id, octets, found);
      if (critical === null || extension.content(critical)[0] === 0) continue;
      if (!SUPPORTED.has(extension.text(id))) found.unknownCritical ??= dotted(extension.text(id));
    }
  }
  return found;
}

function readExtension(extension: DerReader, id: DerValue, octets: DerValue, found: Extensions): void {
  const value = extension.inside(octets);
  switch (numberOf(extension, id)) {
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
      found.nameConstraints = extension.content(octets);
      return;
    case null:
      if (extension.text(id) === AUTHORITY_INFO_ACCESS) found.issuerUrl = issuerUrl(value);
  }
}

/** The last number of an identifier below 2.5.29, which most have: no text is made for each. Null: another one. */
function numberOf({ bytes }: DerReader, { start, end }: DerValue): number | null {
  const isBelow = end - start === 3 && bytes[start] === 0x55 && bytes[start + 1] === 0x1d;
  return isBelow ? (bytes[start + 2] as number) : null;
}

function readNames(value: DerReader, found: Extensions): void {
  const list = value.inside(value.next(TAG.sequence));
  const names = new Set<string>();
  const ips = new Set<string>();
  let count = 0;
  for (; !list.done && count < MAX_READ_NAMES; count++) {
    const name = list.next();
    if (name.tag === DNS_NAME) names.add(printable(list.text(name)).toLowerCase());
    else if (name.tag === IP_ADDRESS) ips.add(ipText(list.content(name)));
  }
  found.hasAlternativeName = true;
  found.names = [...names];
  found.ips = [...ips];
  found.nameCount = list.done ? count : Number.POSITIVE_INFINITY;
}

/** No host name contains such characters, so no SNI matches the result; a terminal might interpret them. */
const printable = (name: string) => name.replace(/[^\x20-\x7e]/g, '?');

function readConstraints(value: DerReader, found: Extensions): void {
  const constraints = value.inside(value.next(TAG.sequence));
  const flag = constraints.optional(TAG.boolean);
  found.isCa = flag !== null && constraints.content(flag)[0] !== 0;
  const length = constraints.optional(TAG.integer);
  const octets = length === null ? null : constraints.content(length);
  // Longer numbers limit nothing in practice.
  if (octets?.length === 1) found.pathLength = octets[0] as number;
}

/** A server needs digital signatures, or what RSA and DH without signatures need. */
function readKeyUsage(value: DerReader, found: Extensions): void {
  const [, first = 0] = value.content(value.next(TAG.bitString));
  if ((first & 0b1010_1000) === 0) found.isForHandshakes = false;
  found.maySign = (first & 0b0000_0100) !== 0;
}

function readUsages(value: DerReader, found: Extensions): void {
  const usages = value.inside(value.next(TAG.sequence));
  found.isForClients = false;
  found.isForServers = false;
  while (!usages.done) {
    const id = usages.text(usages.next(TAG.objectId));
    if (CLIENT_USAGES.has(id)) found.isForClients = true;
    if (SERVER_USAGES.has(id)) found.isForServers = true;
  }
}

/** Many authorities name the key by issuer and serial instead. */
function authorityKeyId(value: DerReader): string | undefined {
  const fields = value.inside(value.next(TAG.sequence));
  const id = fields.optional(KEY_ID);
  return id === null ? undefined : fields.content(id).toString('hex');
}

function issuerUrl(value: DerReader): string | undefined {
  const list = value.inside(value.next(TAG.sequence));
  while (!list.done) {
    const description = list.inside(list.next(TAG.sequence));
    const method = description.text(description.next(TAG.objectId));
    const location = description.next();
    if (method === CA_ISSUERS && location.tag === URI) return printable(description.text(location));
  }
  return undefined;
}
