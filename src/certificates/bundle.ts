import * as crypto from 'node:crypto';
import { LRUCache } from 'lru-cache';
import {
  MAX_BUNDLE_BYTES,
  refusal,
  type Bundle,
  type CertificateInfo,
  type Digest,
  type PemPair,
  type RawBundle,
  type Reach,
  type Refusal,
} from '../model';
import { isSelfIssued, missingAbove, orderChain, type FindIssuers } from './chain';
import { usesUnder, type Uses } from './path';
import { decodePem, encodeCertificates, isCertificate, isPrivateKey, MAX_BLOCKS, type PemBlock } from './pem';
import { isPublicRoot, NO_REACH, reachFrom, reachOf, type IsRoot } from './reach';
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

/**
 * Clients, Kong and the plan compare names one by one. Public CAs issue for a hundred names, for 1,000 at content
 * networks.
 */
const MAX_NAMES = 1_000;

/** 100 KiB in base64: OpenSSL's clients refuse to be sent more (SSL_MAX_CERT_LIST_DEFAULT). */
const MAX_CHAIN_LENGTH = 140_000;

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
  if (block.text === latest.text) return latest.digest;
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
  const certificates = first.filter(isCertificate);
  const privateKey = second.find(isPrivateKey) ?? first.find(isPrivateKey) ?? null;
  const chain = certificates.map(digestOfBlock).join('.');
  const content = privateKey === null ? chain : `${chain}+${privateKey.withDer(sha256)}`;
  return { certificates, key: privateKey, chain, content };
}

/** A bundle with the certificates and the key that its texts are made from. */
export interface OpenedBundle {
  bundle: Bundle;
  chain: readonly ParsedCertificate[];
  key: PemBlock;
  /** The texts as they were found, trimmed; the ingress controller writes them like that. */
  asFound: PemPair;
}

/** Parses a raw bundle: finds the leaf, orders the chain, reads what it is about. */
export function openBundle(raw: RawBundle): OpenedBundle | Refusal {
  const where = raw.location;
  if (raw.cert.length + raw.key.length > MAX_BUNDLE_BYTES) {
    return refusal(
      'too_large',
      `${where} holds more than 1 MiB; a bundle is one leaf, its chain and its key`,
    );
  }
  if (raw.cert.trim() === '') {
    return refusal('incomplete', `${where} is empty; waiting until the certificate is there`);
  }
  const pem = readPem(raw.cert, raw.key);
  if (pem === null) {
    return refusal('incomplete', `${where} is cut off inside a PEM block; waiting until it is written whole`);
  }
  if (pem.certificates.length > MAX_BLOCKS) {
    return refusal('too_large', `${where} holds more than ${MAX_BLOCKS} certificates`);
  }
  if (pem.certificates.reduce((sum, { text }) => sum + text.length, 0) > MAX_CHAIN_LENGTH) {
    return refusal(
      'too_large',
      `${where} holds more than 100 KiB of certificates, which clients refuse; put the leaf and its own intermediates there`,
    );
  }
  const [block] = pem.certificates;
  if (block === undefined) {
    const hasKey = (decodePem(raw.cert) ?? []).some(isPrivateKey);
    return hasKey
      ? refusal(
          'missing_certificate',
          `${where} holds a private key and no certificate; the files may be swapped`,
        )
      : refusal('unsupported_format', `${where} is not PEM: no BEGIN CERTIFICATE in it`);
  }
  if (pem.key === null) {
    return refusal('missing_key', `${where} has no private key with it; put the PEM key into the key file`);
  }
  if (pem.key.encrypted) {
    return refusal(
      'encrypted_key',
      `the key of ${where} is encrypted; store it decrypted, readable by Kong alone`,
    );
  }
  const parsed = parseAll(pem.certificates);
  if (parsed === null) {
    return refusal('unsupported_format', `${where} has a CERTIFICATE block that is not an X.509 certificate`);
  }
  const ordered = orderChain(parsed);
  if (ordered === null) {
    return refusal(
      'chain_broken',
      `${where} holds ${parsed.length} certificates that do not form one chain; put the leaf and its own intermediates there`,
    );
  }
  const { info } = ordered[0] as ParsedCertificate;
  if ((info.nameCount ?? 0) > MAX_NAMES) {
    return refusal(
      'too_many_names',
      `${where} has more than ${MAX_NAMES} names; issue several certificates with fewer names each`,
    );
  }
  const reach = reachOf(ordered, hasRootOf(ordered, parsed));
  const opened: OpenedBundle = {
    bundle: {
      name: raw.name,
      location: where,
      content: pem.content,
      rawChain: pem.chain,
      chain: digestOf(ordered.map((certificate) => certificate.der)),
      chainLength: ordered.length,
      reach,
      leaf: narrowed(info, usesUnder(ordered)),
      ...(raw.secret === undefined ? {} : { secret: raw.secret }),
      ...(raw.hosts === undefined ? {} : { hosts: raw.hosts }),
    },
    chain: ordered,
    key: pem.key,
    asFound: { cert: raw.cert.trim(), key: raw.key.trim() },
  };
  return raw.issuers === undefined ? opened : withIssuers(opened, raw.issuers);
}

/** A leaf may be used only for what its issuers may be used for. */
function narrowed(info: CertificateInfo, { server, client }: Uses): CertificateInfo {
  const { isForServers = true, isForClients = true } = info;
  if ((server || !isForServers) && (client || !isForClients)) return info;
  const copy = Object.create(Object.getPrototypeOf(info) as object) as CertificateInfo;
  return Object.assign(copy, info, {
    isForServers: isForServers && server,
    isForClients: isForClients && client,
  });
}

/** Whether the root of a chain was there and was dropped, or the leaf is its own root. */
function hasRootOf(chain: readonly ParsedCertificate[], among: readonly ParsedCertificate[]): boolean {
  const { issuer } = chain.at(-1) as ParsedCertificate;
  return among.some((certificate) => isSelfIssued(certificate) && certificate.subject === issuer);
}

/** Completes a chain with the files beside it, which were put there for that. */
function withIssuers(opened: OpenedBundle, texts: readonly string[]): OpenedBundle {
  const beside = texts.flatMap((text) => parsable((decodePem(text) ?? []).filter(isCertificate)));
  const whole = complete(
    opened,
    () => beside,
    () => false,
  );
  const hasRoot = hasRootOf(whole.chain, [...whole.chain, ...beside]);
  if (!hasRoot || whole.bundle.reach.hasRoot) return whole;
  return { ...whole, bundle: { ...whole.bundle, reach: reachOf(whole.chain, true) } };
}

/**
 * Adds the intermediates that are missing at the end of a chain; the same bundle where none is found. They count
 * for every digest, so that what is compared, proven and restored is what is written.
 * @param isRoot a chain ends below such a root; nothing is added above it
 */
export function complete(
  opened: OpenedBundle,
  find: FindIssuers,
  isRoot: IsRoot,
  now = Date.now(),
): OpenedBundle {
  const { bundle } = opened;
  const added = bundle.reach.hasRoot ? [] : missingAbove(opened.chain, find, isRoot, now);
  if (added.length === 0) return opened;
  const chain = [...opened.chain, ...added];
  const digest = digestOf(added.map(({ der }) => der));
  const [certificates = '', key = ''] = bundle.content.split('+');
  const reach = reachOf(chain, false);
  return {
    ...opened,
    chain,
    bundle: {
      ...bundle,
      content: `${certificates}.${digest}+${key}`,
      chain: `${bundle.chain}.${digest}`,
      chainLength: chain.length,
      reach,
      leaf: narrowed((chain[0] as ParsedCertificate).info, usesUnder(chain)),
      isCompleted: true,
    },
  };
}

/**
 * How far the certificates of a text lead, leaf first.
 * @param leaf null: it cannot be parsed
 */
export function reachOfPem(leaf: ParsedCertificate | null, { certificates, chain }: PemContent): Reach {
  if (leaf === null) return NO_REACH;
  const tail = certificates.length < 2 ? '' : chain.slice(chain.indexOf('.') + 1);
  return reachFrom(leaf, tail, () => parsable(certificates.slice(1)));
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

/** The texts that Kong gets. */
export function toPem({ chain, key }: OpenedBundle): PemPair {
  return { cert: encodeCertificates(chain.map((certificate) => certificate.der)), key: key.pem };
}

/**
 * The texts as they were found, which is what the ingress controller writes; in standard form where Kong could not
 * read them.
 */
export function toPemAsFound(opened: OpenedBundle): PemPair {
  const { cert, key } = opened.asFound;
  try {
    const isPair = new crypto.X509Certificate(cert).checkPrivateKey(crypto.createPrivateKey(key));
    return isPair ? opened.asFound : toPem(opened);
  } catch {
    return toPem(opened);
  }
}

/** The blocks that parse as X.509 certificates. */
function parsable(blocks: readonly PemBlock[]): ParsedCertificate[] {
  return blocks.flatMap((block) => {
    try {
      return [parseIssuer(block)];
    } catch {
      return [];
    }
  });
}

/** @returns null where one is not an X.509 certificate */
function parseAll(blocks: readonly PemBlock[]): ParsedCertificate[] | null {
  try {
    return blocks.map((block, index) => (index === 0 ? parseCertificate(block.der) : parseIssuer(block)));
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
