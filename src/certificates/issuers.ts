import * as crypto from 'node:crypto';
import { rootCertificates } from 'node:tls';
import type { Digest } from '../model';
import { isSelfIssued, isSignedBy } from './chain';
import { checkPath, usesUnder } from './path';
import { decodePem, isCertificate, isPrivateKey } from './pem';
import { isServerKeyBlock } from './private-key';
import { parseCertificate, type ParsedCertificate } from './x509';

/*
 * Proves by signatures who issued a certificate. Names and key identifiers are chosen by whoever makes a
 * certificate and prove nothing. One proof costs about 0.3 ms, so these functions are for certificates that are
 * about to be replaced, not for every certificate at every poll.
 */

/** Signatures verified for one question; bounds the cost of hostile certificates that share a name. */
const MAX_VERIFICATIONS = 32;

/** CA certificates, found by their subject. */
export interface IssuerSet {
  /** The CA certificates with this subject (`ParsedCertificate.issuer` of a certificate they may have signed). */
  named(subject: string): readonly ParsedCertificate[];
}

export const NO_ISSUERS: IssuerSet = { named: () => [] };

/** The set of the certificates in PEM texts; unreadable ones are left out. */
export function issuerSet(pems: Iterable<string>): IssuerSet {
  return setOf(
    [...pems].flatMap((pem) =>
      (decodePem(pem) ?? []).filter(isCertificate).map(({ der }) => parseOrNull(der)),
    ),
  );
}

/** The set of parsed certificates. */
function setOf(certificates: Iterable<ParsedCertificate | null>): IssuerSet {
  const bySubject = new Map<string, ParsedCertificate[]>();
  for (const certificate of certificates) {
    if (certificate === null) continue;
    const namesakes = bySubject.get(certificate.subject);
    if (namesakes === undefined) bySubject.set(certificate.subject, [certificate]);
    else namesakes.push(certificate);
  }
  return { named: (subject) => bySubject.get(subject) ?? [] };
}

/** Positions in Node's list by a digest of the subject; the parsed certificates would take 300 KB. */
let publicIndex: Map<string, number[]> | null = null;

function publicPositions(subject: string): readonly number[] {
  if (publicIndex === null) {
    publicIndex = new Map();
    for (const [position, pem] of rootCertificates.entries()) {
      const root = rootOf(pem);
      if (root === null) continue;
      const key = sha256(Buffer.from(root.subject, 'latin1'));
      publicIndex.set(key, [...(publicIndex.get(key) ?? []), position]);
    }
  }
  return publicIndex.get(sha256(Buffer.from(subject, 'latin1'))) ?? [];
}

/** The roots that Node (Mozilla) trusts. The first question parses all of them (5 ms). */
export const PUBLIC_ROOTS: IssuerSet = {
  named(subject) {
    return publicPositions(subject)
      .map((position) => rootOf(rootCertificates[position] ?? ''))
      .filter((root) => root !== null);
  },
};

function rootOf(pem: string): ParsedCertificate | null {
  const block = decodePem(pem)?.[0];
  return block === undefined ? null : parseOrNull(block.der);
}

function parseOrNull(der: Buffer): ParsedCertificate | null {
  try {
    return parseCertificate(der);
  } catch {
    return null;
  }
}

const sha256 = (bytes: Buffer): Digest => crypto.hash('sha256', bytes, 'base64url');

/** Digest of a certificate's public key (SubjectPublicKeyInfo). */
export const publicKeyDigest = ({ spki }: ParsedCertificate): Digest => sha256(spki);

/**
 * Digest of the public half of a private key, as `publicKeyDigest` gives it for its certificate.
 * @param pem not encrypted
 * @returns null where it is not a private key that can be read
 */
export function publicKeyDigestOfKey(pem: string): Digest | null {
  const block = decodePem(pem)?.find(isPrivateKey);
  if (block === undefined || !isServerKeyBlock(block)) return null;
  try {
    const half = crypto.createPublicKey(crypto.createPrivateKey(block.pem));
    return sha256(half.export({ type: 'spki', format: 'der' }));
  } catch {
    return null;
  }
}

/** Whether a certificate is signed by its own key. */
export function isSelfSigned(certificate: ParsedCertificate): boolean {
  return isSelfIssued(certificate) && new Proofs().isSigned(certificate, certificate);
}

/**
 * Whether one key signed both leaves, or one authority is above both (an intermediate renewed under the same root).
 * @param stored leaf first, then its issuers, as Kong has them
 * @param renewed the same of the bundle, which may come from an attacker
 * @param trusted authorities that the operator configured
 */
export function hasSameIssuer(
  stored: readonly ParsedCertificate[],
  renewed: readonly ParsedCertificate[],
  trusted: IssuerSet = NO_ISSUERS,
): boolean {
  const [before, after] = [stored[0], renewed[0]];
  if (before === undefined || after === undefined) return false;
  const proofs = new Proofs();
  // The origin of an issuer's certificate does not matter: a signature that its key verifies was made by the owner
  // of that key.
  const atHand = [...stored, ...renewed, ...trusted.named(before.issuer)];
  const signers = atHand.filter((one) => one.subject === before.issuer && one.subject === after.issuer);
  if (signers.some((one) => proofs.isSigned(before, one) && proofs.isSigned(after, one))) return true;
  // Further up, the bundle's own certificates count for the bundle alone: they may contain a certificate in which
  // another authority signed the key of the present one's.
  const own = setOf(stored.slice(1));
  const above = keysAbove(before, [own, trusted], proofs);
  const others = keysAbove(after, [own, setOf(renewed.slice(1)), trusted], proofs);
  return [...above].some((key) => others.has(key));
}

/**
 * Whether signatures lead from a server's leaf to a root of a set, through CAs that are valid now and may issue its
 * names.
 * @param chain leaf first, then its issuers in any order
 * @param now milliseconds since the epoch
 */
export function leadsTo(roots: IssuerSet, chain: readonly ParsedCertificate[], now: number): boolean {
  const [leaf] = chain;
  if (leaf === undefined) return false;
  const proofs = new Proofs();
  const between = setOf(chain.slice(1));
  const isSigner = (issued: ParsedCertificate, issuer: ParsedCertificate) =>
    issuer.info.notBefore <= now && now < issuer.info.notAfter && proofs.isIssued(issued, issuer);
  const isWay = (path: readonly ParsedCertificate[]): boolean => {
    const last = path.at(-1) as ParsedCertificate;
    const isRoot = (root: ParsedCertificate) => {
      const whole = [...path, root];
      return usesUnder(whole).server && checkPath(whole, '') === null && isSigner(last, root);
    };
    if (roots.named(last.issuer).some(isRoot)) return true;
    return between
      .named(last.issuer)
      .some((issuer) => !path.includes(issuer) && isSigner(last, issuer) && isWay([...path, issuer]));
  };
  return isWay([leaf]);
}

/** Digests of the keys that signed a certificate, its issuer, and so on, as far as `sets` contain them. */
function keysAbove(first: ParsedCertificate, sets: readonly IssuerSet[], proofs: Proofs): Set<Digest> {
  const keys = new Set<Digest>();
  const seen = new Set([first]);
  for (const certificate of seen) {
    for (const issuer of sets.flatMap((set) => set.named(certificate.issuer))) {
      if (seen.has(issuer) || !proofs.isIssued(certificate, issuer)) continue;
      seen.add(issuer);
      keys.add(publicKeyDigest(issuer));
    }
  }
  return keys;
}

/** Verifies signatures, at most `MAX_VERIFICATIONS`. */
class Proofs {
  #left = MAX_VERIFICATIONS;

  /** Whether the key of one CA signed a certificate. */
  isIssued(issued: ParsedCertificate, issuer: ParsedCertificate): boolean {
    return issuer.info.isCa && this.isSigned(issued, issuer);
  }

  isSigned(issued: ParsedCertificate, issuer: ParsedCertificate): boolean {
    if (issued.issuer !== issuer.subject || this.#left-- <= 0) return false;
    return isSignedBy(issued, issuer);
  }
}
