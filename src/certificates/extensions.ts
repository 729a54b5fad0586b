import { objectId, TAG, type DerReader } from './der';

const EXTENSIONS = 0xa3;
const DNS_NAME = 0x82;

const ALTERNATIVE_NAME = objectId('2.5.29.17');
const BASIC_CONSTRAINTS = objectId('2.5.29.19');
const KEY_USAGE = objectId('2.5.29.15');
const EXTENDED_KEY_USAGE = objectId('2.5.29.37');
const AUTHORITY_ACCESS = objectId('1.3.6.1.5.5.7.1.1');
const CA_ISSUERS = objectId('1.3.6.1.5.5.7.48.2');
const ANY_USAGE = objectId('2.5.29.37.0');
const CLIENT_USAGES = new Set([objectId('1.3.6.1.5.5.7.3.2'), ANY_USAGE]);
const SERVER_USAGES = new Set([objectId('1.3.6.1.5.5.7.3.1'), ANY_USAGE]);

/** What the extensions of a certificate say, as far as the chain and the gate need it (RFC 5280, 4.2.1). */
export interface Extensions {
  /** DNS names of the subjectAltName; null: it has none. */
  names: string[] | null;
  isCa: boolean;
  /** How many CAs may stand between it and a leaf; none said: infinity. */
  pathLength: number;
  isForClients: boolean;
  isForServers: boolean;
  /** It names an address where its issuer's certificate can be had (RFC 5280, 4.2.2.1). */
  namesIssuer: boolean;
}

/** @param tbs behind the public key */
export function readExtensions(tbs: DerReader): Extensions {
  const found: Extensions = {
    names: null,
    isCa: false,
    pathLength: Number.POSITIVE_INFINITY,
    isForClients: true,
    isForServers: true,
    namesIssuer: false,
  };
  let isForHandshakes = true;
  while (!tbs.done) {
    const field = tbs.next();
    if (field.tag !== EXTENSIONS) continue;
    const wrapper = tbs.inside(field);
    const list = wrapper.inside(wrapper.next(TAG.sequence));
    while (!list.done) {
      const extension = list.inside(list.next(TAG.sequence));
      const id = extension.text(extension.next(TAG.objectId));
      extension.optional(TAG.boolean);
      const value = extension.inside(extension.next(TAG.octetString));
      if (id === ALTERNATIVE_NAME) found.names = dnsNames(value);
      else if (id === BASIC_CONSTRAINTS) readConstraints(value, found);
      else if (id === KEY_USAGE) isForHandshakes = isOfHandshakes(value);
      else if (id === EXTENDED_KEY_USAGE) readUsages(value, found);
      else if (id === AUTHORITY_ACCESS) found.namesIssuer = namesIssuer(value);
    }
  }
  if (!isForHandshakes) found.isForServers = false;
  return found;
}

function dnsNames(value: DerReader): string[] {
  const list = value.inside(value.next(TAG.sequence));
  const names: string[] = [];
  while (!list.done) {
    const name = list.next();
    if (name.tag === DNS_NAME) names.push(printable(list.text(name)).toLowerCase());
  }
  return names;
}

/** No name has such characters; a terminal might obey them. */
const printable = (name: string) => name.replace(/[^\x20-\x7e]/g, '?');

function readConstraints(value: DerReader, found: Extensions): void {
  const constraints = value.inside(value.next(TAG.sequence));
  const flag = constraints.optional(TAG.boolean);
  found.isCa = flag !== null && constraints.content(flag)[0] !== 0;
  const length = constraints.optional(TAG.integer);
  const octets = length === null ? null : constraints.content(length);
  // Longer numbers limit nothing that is real.
  if (octets?.length === 1) found.pathLength = octets[0] as number;
}

/** Digital signatures, or what RSA and DH without signatures need: a server has to have one of them. */
function isOfHandshakes(value: DerReader): boolean {
  const [, first = 0] = value.content(value.next(TAG.bitString));
  return (first & 0b1010_1000) !== 0;
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

/** A hint for people, so one that is damaged is none. */
function namesIssuer(value: DerReader): boolean {
  try {
    const descriptions = value.inside(value.next(TAG.sequence));
    while (!descriptions.done) {
      const description = descriptions.inside(descriptions.next(TAG.sequence));
      if (description.text(description.next(TAG.objectId)) === CA_ISSUERS) return true;
    }
  } catch {
    // Not DER.
  }
  return false;
}
