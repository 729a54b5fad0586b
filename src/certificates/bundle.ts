import * as crypto from 'node:crypto';
import {
  MAX_BUNDLE_BYTES,
  refusal,
  type Bundle,
  type CertificateInfo,
  type Digest,
  type PemPair,
  type RawBundle,
  type Refusal,
} from '../model';
import { isSelfIssued, missingAbove, orderChain, withoutExpired, type FindIssuers } from './chain';
import { usesUnder, type Uses } from './path';
import { decodePem, encodeCertificates, isCertificate, isPrivateKey, MAX_BLOCKS, type PemBlock } from './pem';
import { contentOf, digestOf, parsable, parseAll, readPem, type PemContent } from './pem-content';
import { reachOf, type IsRoot } from './reach';
import type { ParsedCertificate } from './x509';

/**
 * Clients, Kong and the plan compare names one by one. Public CAs issue for a hundred names, for 1,000 at content
 * networks.
 */
const MAX_NAMES = 1_000;

/** 100 KiB in base64: OpenSSL's clients refuse to be sent more (SSL_MAX_CERT_LIST_DEFAULT). */
const MAX_CHAIN_LENGTH = 140_000;

/** A bundle with the certificates and the key that its texts are made from. */
export interface OpenedBundle {
  bundle: Bundle;
  chain: readonly ParsedCertificate[];
  key: PemBlock;
  /** Digests of the certificates that `bundle.content` is computed from. */
  covered: Digest;
  /** The texts as they were found, trimmed; the ingress controller writes them like that. */
  asFound: PemPair;
}

/**
 * Parses a raw bundle: finds the leaf, orders the chain, reads what it is about.
 * @param known its texts as `readPem` took them apart, where that was done already
 */
export function openBundle(raw: RawBundle, known?: PemContent): OpenedBundle | Refusal {
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
  const pem = known ?? readPem(raw.cert, raw.key);
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
    const others = decodePem(raw.cert) ?? [];
    if (others.some(({ label }) => label.endsWith('CERTIFICATE REQUEST')))
      return refusal(
        'unsupported_format',
        `${where} holds a certificate request; put the certificate there that the CA made of it`,
      );
    return others.some(isPrivateKey)
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
  const parsed = parseAll(pem.certificates, pem.chain);
  if (parsed === null) {
    return refusal('unsupported_format', `${where} has a CERTIFICATE block that is not an X.509 certificate`);
  }
  const whole = orderChain(parsed);
  if (whole === null) {
    return refusal(
      'chain_broken',
      `${where} holds ${parsed.length} certificates that do not form one chain; put the leaf and its own intermediates there`,
    );
  }
  const ordered = withoutExpired(whole);
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
      location: where,
      content: pem.content,
      rawChain: pem.chain,
      chain: isSameList(ordered, parsed) ? pem.chain : digestOf(ordered.map(({ der }) => der)),
      chainLength: ordered.length,
      reach,
      leaf: narrowed(info, usesUnder(ordered)),
      ...(raw.secret === undefined ? {} : { secret: raw.secret }),
      ...(raw.hosts === undefined ? {} : { hosts: raw.hosts }),
    },
    chain: ordered,
    key: pem.key,
    covered: pem.chain,
    asFound: { cert: raw.cert.trim(), key: raw.key.trim() },
  };
  return raw.issuers === undefined ? opened : withIssuers(opened, raw.issuers);
}

const isSameList = <T>(a: readonly T[], b: readonly T[]) =>
  a.length === b.length && a.every((item, index) => item === b[index]);

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
  const covered = `${opened.covered}.${digest}`;
  const reach = reachOf(chain, false);
  return {
    ...opened,
    chain,
    covered,
    bundle: {
      ...bundle,
      content: contentOf(covered, opened.key),
      chain: `${bundle.chain}.${digest}`,
      chainLength: chain.length,
      reach,
      leaf: narrowed((chain[0] as ParsedCertificate).info, usesUnder(chain)),
      isCompleted: true,
    },
  };
}

/** The texts that Kong gets. */
export function toPem({ chain: [leaf, ...issuers], key }: OpenedBundle): PemPair {
  const own = leaf === undefined ? '' : encodeCertificates([leaf.der]);
  return { cert: own + issuers.map(issuerPem).join(''), key: key.pem };
}

/** Thousands of leaves share a few issuers. */
const issuerPems = new WeakMap<ParsedCertificate, string>();

function issuerPem(issuer: ParsedCertificate): string {
  let pem = issuerPems.get(issuer);
  if (pem === undefined) issuerPems.set(issuer, (pem = encodeCertificates([issuer.der])));
  return pem;
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
