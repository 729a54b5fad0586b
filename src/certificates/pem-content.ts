import * as crypto from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Digest, Reach, StoredHalf } from '../model';
import type { OpenedBundle } from './bundle';
import { isSelfIssued } from './chain';
import { decodePem, isCertificate, isPrivateKey, type PemBlock } from './pem';
import { isPublicRoot, NO_REACH, reachFrom } from './reach';
import { parseCertificate, type ParsedCertificate } from './x509';

/** The parsed text of a certificate with its key, and its digests. */
export interface PemContent {
  certificates: PemBlock[];
  key: PemBlock | null;
  /** Digest of the certificates in their order. */
  chain: Digest;
  /** Digest of the certificates and the key. */
  content: Digest;
}

const sha256 = (bytes: Uint8Array): Digest => crypto.hash('sha256', bytes, 'base64url');

/** Digest of a chain: the digests of its certificates, in order. */
export function digestOf(chain: readonly Uint8Array[]): Digest {
  return chain.map(sha256).join('.');
}

/** By text: the same few intermediates come with every leaf. */
const intermediates = new LRUCache<string, { digest: Digest; parsed: ParsedCertificate | null }>({ max: 64 });

/** The entry used last: comparing two texts costs less than a lookup among many. */
let latest = { text: '', digest: '' };

function digestOfBlock(block: PemBlock, index: number): Digest {
  if (index === 0) return sha256(block.der);
  if (block.isText(latest.text)) return latest.digest;
  const digest = intermediates.get(block.text)?.digest ?? sha256(block.der);
  // A substring keeps the whole text in memory, possibly with the key in it; hence the copy.
  const text = Buffer.from(block.text, 'latin1').toString('latin1');
  if (!intermediates.has(text)) intermediates.set(text, { digest, parsed: null });
  latest = { text, digest };
  return digest;
}

/**
 * Takes certificate and key texts apart. White space, comments and bag attributes do not change the digests.
 * @returns null where a block is cut off
 */
export function readPem(cert: string, key: string): PemContent | null {
  const first = decodePem(cert);
  const second = key === '' ? [] : decodePem(key);
  if (first === null || second === null) return null;
  const certificates = first.every(isCertificate) ? first : first.filter(isCertificate);
  const privateKey = second.find(isPrivateKey) ?? first.find(isPrivateKey) ?? null;
  const chain = certificates.map(digestOfBlock).join('.');
  return { certificates, key: privateKey, chain, content: contentOf(chain, privateKey) };
}

/** Digest of a chain, given by the digests of its certificates, and its key. */
export const contentOf = (chain: Digest, key: PemBlock | null): Digest => key?.digestWith(chain) ?? chain;

/**
 * How far the certificates of a text lead, leaf first.
 * @param leaf null: it cannot be parsed
 */
export function reachOfPem(leaf: ParsedCertificate | null, { certificates, chain }: PemContent): Reach {
  if (leaf === null) return NO_REACH;
  const tail = certificates.length < 2 ? '' : tailOf(chain);
  return reachFrom(leaf, tail, () => parsable(certificates.slice(1)));
}

const tailOf = (chain: Digest) => chain.slice(chain.indexOf('.') + 1);

/**
 * The same as parsing the texts of a bundle (`toPem`) would yield.
 * @returns null where its certificates were found in another order, or with a root: its content has another digest
 */
export function storedHalfOf({ bundle, chain: [leaf, ...above], covered }: OpenedBundle): StoredHalf | null {
  const { content, chain } = bundle;
  if (leaf === undefined || chain !== covered) return null;
  const reach = reachFrom(leaf, above.length === 0 ? '' : tailOf(chain), () => above);
  return { content, chain, leaf: leaf.info, reach, vaultReference: false };
}

/**
 * Issuers (DER names) that are missing in a text and are no known roots: where its chains end.
 * @returns null where the text is neither plain PEM nor a DER certificate
 */
export function openEndsOf(text: string): readonly string[] | null {
  const blocks = (decodePem(text) ?? []).filter(isCertificate);
  const found = blocks.length > 0 ? parseAll(blocks) : parseDer(text);
  if (found === null) return null;
  if (found.some(isSelfIssued)) return [];
  const subjects = new Set(found.map(({ subject }) => subject));
  return found.map(({ issuer }) => issuer).filter((issuer) => !subjects.has(issuer) && !isPublicRoot(issuer));
}

/** The blocks that parse as X.509 certificates. */
export function parsable(blocks: readonly PemBlock[]): ParsedCertificate[] {
  return blocks.flatMap((block) => {
    try {
      return [parseIssuer(block)];
    } catch {
      return [];
    }
  });
}

/**
 * @param chain their digests, where they are known
 * @returns null where one is not an X.509 certificate
 */
export function parseAll(blocks: readonly PemBlock[], chain?: Digest): ParsedCertificate[] | null {
  try {
    return blocks.map((block, index) =>
      index === 0 ? parseCertificate(block.der, chain) : parseIssuer(block),
    );
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** @returns null where it is not one DER certificate */
function parseDer(text: string): ParsedCertificate[] | null {
  try {
    return [parseCertificate(Buffer.from(text, 'latin1'))];
  } catch {
    return null;
  }
}

/** @throws RangeError */
function parseIssuer(block: PemBlock): ParsedCertificate {
  const known = intermediates.get(block.text);
  if (known === undefined) return parseCertificate(block.der);
  // Copied, since small buffers share memory and a key may lie next to this one.
  known.parsed ??= parseCertificate(Buffer.from(new Uint8Array(block.der).buffer));
  return known.parsed;
}
