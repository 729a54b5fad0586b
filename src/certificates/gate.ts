import { X509Certificate, type KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { refusal, type Bundle, type CertificateInfo, type Refusal } from '../model';
import type { OpenedBundle } from './bundle';
import { isSelfIssued } from './chain';
import { belongsTo } from './private-key';
import type { ParsedCertificate } from './x509';

const MIN_RSA_BITS = 2048;
const MIN_EC_BITS = 256;

const day = (ms: number) => new Date(ms).toISOString();

/**
 * The part of the gate that needs no cryptography: would this bundle be fit to be served now?
 * @param now milliseconds since the epoch
 */
export function checkShape(bundle: Bundle, now: number): Refusal | null {
  const { leaf, location } = bundle;
  if (leaf.isCa) {
    return refusal(
      'ca_as_leaf',
      `${location} is a CA certificate; a server needs a leaf (basicConstraints CA:FALSE)`,
    );
  }
  if (leaf.notAfter <= now) {
    return refusal('expired', `${location} expired at ${day(leaf.notAfter)}; renew it at its issuer`);
  }
  if (leaf.notBefore > now) {
    return refusal(
      'not_yet_valid',
      `${location} is valid from ${day(leaf.notBefore)}; it is taken then (is the clock of this machine right?)`,
    );
  }
  if (leaf.signature !== 'other') {
    return refusal(
      'weak_signature',
      `${location} is signed with ${leaf.signature.toUpperCase()}, which clients refuse; issue it with SHA-256 or better`,
    );
  }
  if (leaf.keyType === 'other') {
    return refusal(
      'weak_key',
      `${location} has a kind of key that Kong cannot serve; use RSA, ECDSA or Ed25519`,
    );
  }
  return isWeak(leaf) ? weakKey(location, leaf) : null;
}

const isWeak = ({ keyType, keyBits }: CertificateInfo) =>
  (keyType === 'rsa' && keyBits < MIN_RSA_BITS) || (keyType === 'ec' && keyBits < MIN_EC_BITS);

function weakKey(which: string, { keyType, keyBits }: CertificateInfo): Refusal {
  return refusal(
    'weak_key',
    keyBits === 0
      ? `${which} has a key on a curve that clients do not know; use P-256, P-384 or P-521`
      : `${which} has a key of ${keyBits} bits (${keyType.toUpperCase()}); RSA needs 2048, ECDSA a curve of 256`,
  );
}

interface Issuer {
  certificate: X509Certificate;
  publicKey: KeyObject;
}

/** Issuers come again and again; parsing one costs as much as the leaf. */
const issuers = new LRUCache<string, Issuer>({ max: 64 });

function issuerOf({ der, info }: ParsedCertificate): Issuer {
  const known = issuers.get(info.fingerprint);
  if (known !== undefined) return known;
  const certificate = new X509Certificate(der);
  const issuer = { certificate, publicKey: certificate.publicKey };
  issuers.set(info.fingerprint, issuer);
  return issuer;
}

/**
 * The expensive part, about 0.3 ms: the key belongs to the leaf, and each certificate is signed by the next.
 * @param now milliseconds since the epoch
 */
export function checkKeyAndChain({ bundle, chain, key }: OpenedBundle, now = Date.now()): Refusal | null {
  const [first, ...rest] = chain;
  if (first === undefined) return refusal('missing_certificate', `${bundle.location} holds no certificate`);
  let leaf: X509Certificate;
  let signers: Issuer[];
  try {
    leaf = new X509Certificate(first.der);
    signers = rest.map(issuerOf);
  } catch {
    return refusal('unsupported_format', `${bundle.location} holds a certificate that OpenSSL cannot read`);
  }
  const unfit = checkIntermediates(rest, bundle.location, now);
  if (unfit !== null) return unfit;
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
      `the private key of ${bundle.location} does not belong to its certificate; one of the two is of another renewal`,
    );
  }
  return checkSignatures(leaf, signers, bundle.location);
}

function checkIntermediates(
  intermediates: readonly ParsedCertificate[],
  location: string,
  now: number,
): Refusal | null {
  for (const [index, { info, pathLength }] of intermediates.entries()) {
    const which = `certificate ${index + 2} of ${location}`;
    if (info.signature !== 'other') {
      return refusal(
        'weak_signature',
        `${which} is signed with MD5 or SHA-1, which clients refuse; use its issuer's newer intermediate`,
      );
    }
    if (isWeak(info)) return weakKey(which, info);
    const below = intermediates.slice(0, index).filter((certificate) => !isSelfIssued(certificate));
    if (below.length > pathLength) {
      return refusal(
        'chain_broken',
        `${which} allows no more than ${pathLength} CAs below it (pathlen), and there are ${below.length}; its issuer has to allow them`,
      );
    }
    // Clients find another way around one further up: a root's signature for a younger root, say.
    if (index === 0 && info.notAfter <= now) {
      return refusal(
        'expired',
        `${which}, which issued the leaf, expired at ${day(info.notAfter)}; use its issuer's newer intermediate`,
      );
    }
  }
  return null;
}

function checkSignatures(
  leaf: X509Certificate,
  signers: readonly Issuer[],
  location: string,
): Refusal | null {
  let certificate = leaf;
  for (const [index, issuer] of signers.entries()) {
    if (!issuer.certificate.ca) {
      return refusal(
        'chain_broken',
        `certificate ${index + 2} of ${location} stands there as an issuer and is no CA (basicConstraints CA:TRUE, keyUsage keyCertSign)`,
      );
    }
    if (!certificate.verify(issuer.publicKey)) {
      return refusal(
        'chain_broken',
        `certificate ${index + 1} of ${location} is not signed by certificate ${index + 2}, though the names say so`,
      );
    }
    certificate = issuer.certificate;
  }
  return null;
}
