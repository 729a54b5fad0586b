import type { KeyObject, X509Certificate } from 'node:crypto';
import { refusal, type Bundle, type Refusal } from '../model';
import type { OpenedBundle } from './bundle';
import { isProven } from './known-key';
import { checkPath } from './path';
import { namesWarning } from './names';
import { belongsTo } from './private-key';
import { chainWarning } from './reach';
import { unservable, weakKey } from './weak-key';
import { readByOpenSsl, type ParsedCertificate } from './x509';

const day = (ms: number) => new Date(ms).toISOString();

/**
 * The part of the gate without cryptography: would this bundle be fit to be served now?
 * @param now milliseconds since the epoch
 * @param areNamesNeeded false for a certificate without SNIs, which Kong shows to upstreams
 */
export function checkShape(bundle: Bundle, now: number, areNamesNeeded = true): Refusal | null {
  const { leaf, location } = bundle;
  if (leaf.isCa) {
    return refusal(
      'ca_as_leaf',
      `${location} is a CA certificate (openssl req -x509 makes one by default); a server needs a leaf: add -addext basicConstraints=critical,CA:FALSE to the command`,
    );
  }
  if (leaf.notAfter <= now) {
    return refusal('expired', `${location} expired at ${day(leaf.notAfter)}; renew it at its issuer`);
  }
  if (leaf.notBefore > now) {
    return refusal(
      'not_yet_valid',
      `${location} is valid from ${day(leaf.notBefore)} on, and will be used then (is the clock of this machine right?)`,
    );
  }
  if (leaf.signature !== 'other') {
    return refusal(
      'weak_signature',
      `${location} is signed with ${leaf.signature.toUpperCase()}, which clients refuse; issue it with SHA-256 or better`,
    );
  }
  if (leaf.keyType === 'other') return unservable(location);
  return weakKey(location, leaf) ?? (areNamesNeeded ? checkNames(bundle) : null);
}

/** Checks the names that clients of a server look for. */
function checkNames({ leaf, location }: Bundle): Refusal | null {
  const { names, ips = [], commonName } = leaf;
  if (names.length + ips.length > 0) return null;
  return refusal(
    'no_names',
    commonName === undefined
      ? `${location} names no host; give it a subjectAltName of type DNS`
      : `${location} has no subjectAltName, and clients ignore its common name (${commonName}); issue it with the host as a subjectAltName`,
  );
}

/** Warnings about a bundle that may be served although some clients may have trouble with it. */
export function warningsOf(bundle: Bundle): Refusal[] {
  const chain = chainWarning(bundle);
  const names = bundle.leaf.isForServers === false ? null : namesWarning(bundle.leaf);
  return [
    ...(chain === null ? [] : [refusal('chain_incomplete', chain)]),
    ...(names === null ? [] : [refusal('no_names', names)]),
  ];
}

interface Issuer {
  certificate: X509Certificate;
  publicKey: KeyObject;
  /** Issuers whose signature by this one was verified. */
  signed: WeakSet<Issuer>;
}

/** Issuers as OpenSSL reads them. `parseAll` yields the same objects again and again, and reading one costs as much as a leaf. */
const issuers = new WeakMap<ParsedCertificate, Issuer>();

function issuerOf(parsed: ParsedCertificate): Issuer {
  const known = issuers.get(parsed);
  if (known !== undefined) return known;
  const certificate = readByOpenSsl(parsed.der);
  const issuer = { certificate, publicKey: certificate.publicKey, signed: new WeakSet<Issuer>() };
  issuers.set(parsed, issuer);
  return issuer;
}

/**
 * The expensive part, about 0.3 ms: the key belongs to the leaf, and each certificate is signed by the next.
 * @param now milliseconds since the epoch
 */
export function checkKeyAndChain({ bundle, chain, key }: OpenedBundle, now = Date.now()): Refusal | null {
  const [first, ...rest] = chain;
  if (first === undefined) return refusal('missing_certificate', `${bundle.location} holds no certificate`);
  // Checked before OpenSSL sees any of it: keys that clients refuse may cost it seconds.
  const unfit =
    weakKey(bundle.location, first.info) ??
    checkIssuers(rest, bundle.location, now) ??
    checkPath(chain, bundle.location);
  if (unfit !== null) return unfit;
  let leaf: X509Certificate;
  let signers: Issuer[];
  try {
    signers = rest.map(issuerOf);
    if (isProven(first, key, signers[0]?.publicKey)) return checkSignatures(null, signers, bundle.location);
    leaf = readByOpenSsl(first.der);
  } catch {
    return refusal('unsupported_format', `${bundle.location} holds a certificate that OpenSSL cannot read`);
  }
  const isItsKey = belongsTo(key, first, leaf);
  if (isItsKey === null) {
    return refusal(
      'unsupported_format',
      `the key of ${bundle.location} cannot be read or is damaged; it must be an unencrypted PKCS#8, PKCS#1 or SEC1 key`,
    );
  }
  if (!isItsKey) {
    return refusal(
      'key_mismatch',
      `the private key of ${bundle.location} does not belong to its certificate; they come from different renewals`,
    );
  }
  return checkSignatures(leaf, signers, bundle.location);
}

/** Checks keys and dates of the issuers. */
function checkIssuers(issuers: readonly ParsedCertificate[], location: string, now: number): Refusal | null {
  for (const [index, { info }] of issuers.entries()) {
    const which = `certificate ${index + 2} of ${location}`;
    if (info.signature !== 'other') {
      return refusal(
        'weak_signature',
        `${which} is signed with MD5 or SHA-1, which clients refuse; use its issuer's newer intermediate`,
      );
    }
    const weak = weakKey(which, info);
    if (weak !== null) return weak;
    // Only for the leaf's own issuer: expired ones further up are left out, and may expire between read and write.
    if (index === 0 && info.notAfter <= now) {
      return refusal(
        'expired',
        `${which}, which issued the leaf, expired at ${day(info.notAfter)}; use its issuer's newer intermediate`,
      );
    }
  }
  return null;
}

/** @param leaf null: its signature was checked already */
function checkSignatures(
  leaf: X509Certificate | null,
  signers: readonly Issuer[],
  location: string,
): Refusal | null {
  for (const [index, issuer] of signers.entries()) {
    const below = signers[index - 1];
    const isSigned =
      below === undefined ? leaf?.verify(issuer.publicKey) !== false : isIssuerSigned(below, issuer);
    if (!isSigned) {
      return refusal(
        'chain_broken',
        `certificate ${index + 1} of ${location} is not signed by certificate ${index + 2}, though the names say so`,
      );
    }
  }
  return null;
}

/** Verified once: thousands of leaves share a few issuers. */
function isIssuerSigned(below: Issuer, issuer: Issuer): boolean {
  const isSigned = issuer.signed.has(below) || below.certificate.verify(issuer.publicKey);
  if (isSigned) issuer.signed.add(below);
  return isSigned;
}
