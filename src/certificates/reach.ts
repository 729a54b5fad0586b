import { LRUCache } from 'lru-cache';
import type { Bundle, Reach } from '../model';
import { chainOf, isSelfIssued } from './chain';
import { DerReader, objectId, TAG } from './der';
import { PUBLIC_ROOTS } from './issuers';
import { parseCertificate, type ParsedCertificate } from './x509';

/** By the leaf's issuer and what follows the leaf: a handful for thousands of leaves. */
const reaches = new LRUCache<string, Reach>({ max: 256 });

/**
 * @param chain in order, leaf first, without the root
 * @param hasRoot whether the root was with them
 */
export function reachOf(chain: readonly ParsedCertificate[], hasRoot: boolean): Reach {
  const [leaf, ...above] = chain as [ParsedCertificate, ...ParsedCertificate[]];
  const key = [
    leaf.issuer,
    leaf.extensions.issuerUrl !== undefined,
    hasRoot,
    ...above.map(knownFingerprint),
  ].join('\0');
  return intern(key, () => describe(chain, hasRoot));
}

/** Of issuers, since thousands of leaves share a few: a fingerprint is computed at each access. */
const fingerprints = new WeakMap<ParsedCertificate, string>();

function knownFingerprint(issuer: ParsedCertificate): string {
  let found = fingerprints.get(issuer);
  if (found === undefined) fingerprints.set(issuer, (found = issuer.info.fingerprint));
  return found;
}

/**
 * The reach of certificates in any order, as Kong stores them.
 * @param tail identifies `others`
 */
export function reachFrom(
  leaf: ParsedCertificate,
  tail: string,
  others: () => readonly ParsedCertificate[],
): Reach {
  const { issuer } = leaf;
  const isPublished = leaf.extensions.issuerUrl !== undefined;
  const isRoot = isSelfIssued(leaf);
  if (
    issuer === latest?.issuer &&
    tail === latest.tail &&
    isPublished === latest.isPublished &&
    isRoot === latest.isRoot
  )
    return latest.reach;
  const reach = intern([issuer, isPublished, isRoot, tail].join('\0'), () => {
    const chain = chainOf(leaf, others());
    const hasRoot = chain.length > 1 && isSelfIssued(chain.at(-1) as ParsedCertificate);
    return describe(hasRoot ? chain.slice(0, -1) : chain, hasRoot);
  });
  latest = { issuer, tail, isPublished, isRoot, reach };
  return reach;
}

/** The reach of a text that is not a certificate. */
export const NO_REACH: Reach = {
  issuers: [],
  certificates: [],
  hasRoot: false,
  isPublished: false,
};

/** The last question to `reachFrom` and its answer: comparing costs less than joining a key for each of thousands of leaves. */
let latest: Latest | null = null;

interface Latest {
  issuer: string;
  tail: string;
  isPublished: boolean;
  isRoot: boolean;
  reach: Reach;
}

function intern(key: string, make: () => Reach): Reach {
  const known = reaches.get(key);
  if (known !== undefined) return known;
  const made = make();
  reaches.set(key, made);
  return made;
}

function describe(chain: readonly ParsedCertificate[], hasRoot: boolean): Reach {
  const last = chain.at(-1) as ParsedCertificate;
  const issued = chain.filter((certificate) => !isSelfIssued(certificate));
  return {
    issuers: issued.map(({ issuer }) => issuer),
    // Copies: pooled buffers would keep their neighbours alive.
    certificates: chain.slice(1).map(({ der }) => new Uint8Array(der)),
    hasRoot: hasRoot || isSelfIssued(last),
    isPublished: last.extensions.issuerUrl !== undefined,
  };
}

export function isSameReach(a: Reach, b: Reach): boolean {
  return (
    a === b ||
    (a.hasRoot === b.hasRoot &&
      a.isPublished === b.isPublished &&
      a.issuers.length === b.issuers.length &&
      a.certificates.length === b.certificates.length &&
      a.issuers.every((issuer, index) => issuer === b.issuers[index]) &&
      a.certificates.every((der, index) => Buffer.compare(der, b.certificates[index] as Uint8Array) === 0))
  );
}

/** Recognizes known roots by their names (DER). */
export type IsRoot = (subject: string) => boolean;

const publicRoots = new LRUCache<string, boolean>({ max: 256 });

/** Whether a root that Node (Mozilla) trusts has this name. */
export const isPublicRoot: IsRoot = (subject) => {
  const known = publicRoots.get(subject) ?? PUBLIC_ROOTS.named(subject).length > 0;
  publicRoots.set(subject, known);
  return known;
};

/** In names of the staging CAs of Let's Encrypt, and of the issuer of cert-manager's temporary certificates. */
const PROVISIONAL = ['(STAGING)', 'cert-manager.local'];

/** The issuer of certificates that no client is meant to trust, for a person; null: none is in the chain. */
export function provisionalIssuerOf({ issuers }: Reach): string | null {
  const found = issuers.find((issuer) => PROVISIONAL.some((mark) => issuer.includes(mark)));
  return found === undefined ? null : readableName(found);
}

/** Name (DER) of the issuer that is missing at a chain's end; null: the root is there, or is a known one. */
export function missingIssuer({ issuers, hasRoot }: Reach, isRoot: IsRoot): string | null {
  const end = issuers.at(-1);
  return hasRoot || end === undefined || isRoot(end) ? null : end;
}

/** The missing issuer's name, for a person. */
export function openEndOf(reach: Reach, isRoot: IsRoot): string | null {
  const missing = missingIssuer(reach, isRoot);
  return missing === null ? null : readableName(missing);
}

/**
 * A warning about a bundle whose way to a root is unknown: a bare leaf, or a chain whose issuers publish their
 * certificates. A private CA's chain ends below its root, which its clients have.
 * @returns null where all is well
 */
export function chainWarning({
  chainLength,
  openEnd,
  reach,
}: Pick<Bundle, 'chainLength' | 'openEnd' | 'reach'>): string | null {
  if (openEnd === undefined || (chainLength > 1 && !reach.isPublished)) return null;
  const what = chainLength === 1 ? 'the leaf comes without a chain' : 'the chain ends early';
  return (
    `${what}: its issuer (${openEnd}) is not a known root and was not found, and clients that do not know it refuse the ` +
    'certificate; put the chain into the file or beside it, or the root into trusted_issuers_file'
  );
}

/**
 * Whether a chain ends where another chain of the same issuers, or of the same organization, goes on. A leaf alone that
 * tells where its issuer's certificate can be had is shorter than any chain: whoever has a root needs no such address. An
 * expired certificate, which is left out of new chains, is not missing.
 */
export function isShorter(reach: Reach, than: Reach, now: number): boolean {
  const end = reach.issuers.at(-1);
  if (reach.hasRoot || end === undefined) return false;
  const at = than.issuers.indexOf(end);
  if (at !== -1) return at < than.issuers.length - 1 && !hasExpired(than.certificates[at], now);
  // A CA with several intermediates of one kind may use another one for each leaf.
  if (reach.certificates.length > 0 || than.certificates.length === 0) return false;
  const organization = attributeOf(end, ORGANIZATION);
  return (
    reach.isPublished ||
    (organization !== null && organization === attributeOf(than.issuers[0] ?? '', ORGANIZATION))
  );
}

function hasExpired(der: Uint8Array | undefined, now: number): boolean {
  try {
    return der !== undefined && parseCertificate(Buffer.from(der)).info.notAfter <= now;
  } catch {
    return false;
  }
}

const COMMON_NAME = objectId('2.5.4.3');
const ORGANIZATION = objectId('2.5.4.10');
const ORGANIZATIONAL_UNIT = objectId('2.5.4.11');

/** A distinguished name (DER) for a person: the common name, else the organization. */
export function readableName(name: string): string {
  const found = [COMMON_NAME, ORGANIZATION, ORGANIZATIONAL_UNIT].map((id) => attributeOf(name, id));
  return found.find((text) => text !== null) ?? 'an issuer without a name';
}

/** No name has such characters; a terminal might obey them. */
const UNPRINTABLE = /[\p{C}\u2028\u2029]/gu;

/** @param name the content of a name's SEQUENCE, one character for each octet */
function attributeOf(name: string, wanted: string): string | null {
  try {
    const sets = new DerReader(Buffer.from(name, 'latin1'));
    while (!sets.done) {
      const set = sets.enter(TAG.set);
      const attribute = set.enter();
      const id = attribute.text(attribute.next(TAG.objectId));
      const value = attribute.text(attribute.next());
      if (id !== wanted || value === '') continue;
      return Buffer.from(value, 'latin1').toString('utf8').replace(UNPRINTABLE, '?').slice(0, 100);
    }
  } catch {
    // Not DER.
  }
  return null;
}
