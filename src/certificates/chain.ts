import type { IsRoot } from './reach';
import { weakKey } from './weak-key';
import { readByOpenSsl, type ParsedCertificate } from './x509';

/** Longer than any real chain; bounds the work that depends on a chain's length. */
const MAX_LENGTH = 32;

/** Most certificates of one name that are tried as the issuer. */
const MAX_NAMESAKES = 4;

/** Whether a certificate is a root, by its names alone. */
export const isSelfIssued = ({ info }: ParsedCertificate): boolean => info.isSelfIssued === true;

/**
 * Puts certificates in the order in which a server sends them: leaf first, each followed by its issuer. Duplicates and
 * the root are dropped, and so is every second way from the leaf to a root.
 * @returns null when they do not form one chain
 */
export function orderChain(certificates: readonly ParsedCertificate[]): ParsedCertificate[] | null {
  const all = certificates.filter(isFirstOfItsKind);
  const leaf = all.length > MAX_LENGTH ? undefined : findLeaf(all);
  if (leaf === undefined || !isOneFamily(leaf, all)) return null;
  const chain = chainOf(leaf, all);
  const last = chain.at(-1) as ParsedCertificate;
  if (chain.length > 1 && isSelfIssued(last)) chain.pop();
  return chain;
}

/**
 * Leaves out what no client accepts: an expired issuer, and all above it. The leaf's own issuer stays, for the gate to
 * refuse. Around a cross-signed root that has expired most clients find another way, and old ones do not.
 */
export function withoutExpired(chain: ParsedCertificate[], now = Date.now()): ParsedCertificate[] {
  const at = chain.findIndex(({ info }, index) => index > 1 && info.notAfter <= now);
  return at === -1 ? chain : chain.slice(0, at);
}

/** A comparison with each before it takes less time than a digest. */
const isFirstOfItsKind = ({ der }: ParsedCertificate, at: number, all: readonly ParsedCertificate[]) =>
  all.findIndex((other) => other.der.equals(der)) === at;

/** The first certificate that issued none of the others: files begin with the leaf, reversed ones end with it. */
function findLeaf(certificates: readonly ParsedCertificate[]): ParsedCertificate | undefined {
  return certificates.find(
    (candidate) => !certificates.some((other) => other !== candidate && other.issuer === candidate.subject),
  );
}

/** Whether every certificate is, by the names, somewhere above the leaf. */
function isOneFamily(leaf: ParsedCertificate, all: readonly ParsedCertificate[]): boolean {
  const family = new Set([leaf]);
  for (const { issuer } of family) {
    for (const other of all) if (other.subject === issuer) family.add(other);
  }
  return family.size === all.length;
}

/**
 * A certificate's way up among others, as far as it goes, by the names; of several with one name (a renewed
 * intermediate, a root that is also cross-signed) the one whose signature fits counts.
 * @returns the certificate itself first; the root last where it is there
 */
export function chainOf(first: ParsedCertificate, others: readonly ParsedCertificate[]): ParsedCertificate[] {
  const chain = [first];
  for (let last = first; !isSelfIssued(last) && chain.length < MAX_LENGTH;) {
    const { issuer } = last;
    const isNew = chain.every(({ subject }) => subject !== issuer);
    const namesakes = isNew ? others.filter(({ subject }) => subject === issuer) : [];
    const next = signerOf(last, namesakes, false);
    if (next === undefined) break;
    chain.push(next);
    last = next;
  }
  return chain;
}

/** @param isProofWanted whether a name counts for nothing without its signature */
function signerOf(
  issued: ParsedCertificate,
  namesakes: readonly ParsedCertificate[],
  isProofWanted: boolean,
): ParsedCertificate | undefined {
  // The gate checks the signature in any case.
  if (namesakes.length < 2 && !isProofWanted) return namesakes[0];
  // Cross-signed roots first: they help clients that do not know the root itself yet.
  const likely = namesakes
    .toSorted(
      (a, b) => Number(isSelfIssued(a)) - Number(isSelfIssued(b)) || b.info.notAfter - a.info.notAfter,
    )
    .slice(0, MAX_NAMESAKES);
  return likely.find((issuer) => isSignedBy(issued, issuer)) ?? (isProofWanted ? undefined : likely[0]);
}

/** Whether the signature fits, whatever the names. Keys that clients refuse are not tried: one may cost seconds. */
export function isSignedBy(issued: ParsedCertificate, issuer: ParsedCertificate): boolean {
  if (weakKey('', issuer.info) !== null) return false;
  try {
    return readByOpenSsl(issued.der).verify(readByOpenSsl(issuer.der).publicKey);
  } catch {
    return false;
  }
}

/** Finds certificates by their subject (DER); they may be old, or belong to others. */
export type FindIssuers = (subject: string) => readonly ParsedCertificate[];

/**
 * The certificates that are missing above a chain, as far as they are found: each signed the one below it, is a CA,
 * and may be served now. Never a root, and nothing above a certificate that a known root issued.
 */
export function missingAbove(
  chain: readonly ParsedCertificate[],
  find: FindIssuers,
  isRoot: IsRoot,
  now: number,
): ParsedCertificate[] {
  const whole = [...chain];
  for (let last = whole.at(-1); last !== undefined && whole.length < MAX_LENGTH;) {
    const { issuer } = last;
    if (isSelfIssued(last) || isRoot(issuer) || whole.some(({ subject }) => subject === issuer)) break;
    last = signerOf(
      last,
      find(issuer).filter((found) => isFit(found, issuer, now)),
      true,
    );
    if (last !== undefined) whole.push(last);
  }
  return whole.slice(chain.length);
}

function isFit(certificate: ParsedCertificate, subject: string, now: number): boolean {
  const { info } = certificate;
  return (
    certificate.subject === subject &&
    !isSelfIssued(certificate) &&
    info.isCa &&
    certificate.extensions.maySign &&
    info.signature === 'other' &&
    info.notBefore <= now &&
    info.notAfter > now
  );
}
