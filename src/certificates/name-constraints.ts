import { DerReader, TAG, type DerValue } from './der';
import { ipOctets } from './ip';
import type { ParsedCertificate } from './x509';

/** Tags of GeneralName and of the two lists (RFC 5280, 4.2.1.10). */
const DNS = 0x82;
const IP = 0x87;
const DIRECTORY = 0xa4;
const PERMITTED = 0xa0;
const EXCLUDED = 0xa1;

/** Most comparisons of an address with a subtree. */
const MAX_COMPARISONS = 65_536;

interface Subtrees {
  dns: Set<string>;
  ips: Buffer[];
  /** Subjects, in the form of `relativeNames`. */
  subjects: (readonly string[])[];
}

/**
 * Whether the name constraints of a CA permit a certificate, by OpenSSL's rules: DNS names, addresses and the
 * subject are compared.
 * @returns the name that is not permitted; null: all are
 * @throws RangeError where the constraints are malformed
 */
export function forbiddenName(constraints: Buffer, certificate: ParsedCertificate): string | null {
  const lists = new DerReader(constraints);
  const content = lists.enter();
  const permitted = subtrees(content, content.optional(PERMITTED));
  const excluded = subtrees(content, content.optional(EXCLUDED));
  const { names, ips = [] } = certificate.info;
  for (const name of names) {
    if (permitted.dns.size > 0 && !isBelow(name, permitted.dns)) return name;
    if (isBelow(name, excluded.dns)) return name;
  }
  if (ips.length * (permitted.ips.length + excluded.ips.length) > MAX_COMPARISONS) return ips[0] ?? '';
  for (const ip of ips) {
    const octets = ipOctets(ip);
    const isIn = (subtree: Buffer) => isWithin(octets, subtree);
    if ((permitted.ips.length > 0 && !permitted.ips.some(isIn)) || excluded.ips.some(isIn)) return ip;
  }
  if (permitted.subjects.length + excluded.subjects.length === 0) return null;
  const subject = relativeNames(new DerReader(Buffer.from(certificate.subject, 'latin1')));
  const isIn = (base: readonly string[]) => base.every((relative, index) => subject[index] === relative);
  const isForbidden =
    (permitted.subjects.length > 0 && !permitted.subjects.some(isIn)) || excluded.subjects.some(isIn);
  return subject.length > 0 && isForbidden ? 'its subject' : null;
}

function subtrees(reader: DerReader, list: DerValue | null): Subtrees {
  const found: Subtrees = { dns: new Set(), ips: [], subjects: [] };
  const items = list === null ? null : reader.inside(list);
  while (items?.done === false) {
    const subtree = items.enter();
    const base = subtree.next();
    if (base.tag === DNS) found.dns.add(subtree.text(base).toLowerCase());
    else if (base.tag === IP) found.ips.push(subtree.content(base));
    else if (base.tag === DIRECTORY) {
      const name = subtree.inside(base);
      found.subjects.push(relativeNames(name.enter()));
    }
  }
  return found;
}

/** `www.a.test` is below `a.test`, `.a.test` and the empty name; `a.test` itself is below `a.test` alone. */
function isBelow(name: string, bases: ReadonlySet<string>): boolean {
  if (bases.size === 0) return false;
  if (bases.has('') || bases.has(name)) return true;
  for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) {
    if (bases.has(name.slice(dot)) || (dot > 0 && bases.has(name.slice(dot + 1)))) return true;
  }
  return false;
}

/** @param subtree an address and its mask */
function isWithin(address: Buffer, subtree: Buffer): boolean {
  if (subtree.length !== address.length * 2) return false;
  return address.every(
    (octet, index) =>
      ((octet ^ (subtree[index] as number)) & (subtree[address.length + index] as number)) === 0,
  );
}

/** String types of ASN.1 that are compared without case and spaces. */
const TEXT_TAGS = new Set([0x0c, 0x13, 0x14, 0x16, 0x1a]);

/** The parts of a name in order, each as a comparable text. */
function relativeNames(name: DerReader): string[] {
  const found: string[] = [];
  while (!name.done) {
    const set = name.enter(TAG.set);
    const attributes: string[] = [];
    while (!set.done) {
      const attribute = set.enter();
      const type = attribute.text(attribute.next(TAG.objectId));
      const value = attribute.next();
      const text = attribute.text(value);
      attributes.push(`${type}=${TEXT_TAGS.has(value.tag) ? canonical(text) : `${value.tag}:${text}`}`);
    }
    found.push(attributes.sort().join('+'));
  }
  return found;
}

const canonical = (text: string) =>
  text
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase());
