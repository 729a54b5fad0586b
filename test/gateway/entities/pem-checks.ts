import { createPrivateKey, createPublicKey, X509Certificate, type KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';

interface PublicHalf {
  /** SubjectPublicKeyInfo, to compare. */
  spki: string;
  type: string;
}

type Parsed = { half: PublicHalf } | { problem: string };

/** Parsing is the dear part of a big POST /config, and most of it is what was there before. */
const certificates = new LRUCache<string, Parsed>({ max: 20_000 });
const keys = new LRUCache<string, Parsed>({ max: 20_000 });

export function certificateProblem(pem: string): string | null {
  const parsed = parseCertificate(pem);
  return 'problem' in parsed ? `invalid certificate: x509.new: ${parsed.problem}` : null;
}

/** Kong's checks of a CA certificate, in its order and words. */
export function caProblem(pem: string): string | null {
  if (pem.split('-----BEGIN CERTIFICATE-----').length > 2)
    return 'please submit only one certificate at a time';
  const certificate = new X509Certificate(pem);
  if (Date.parse(certificate.validTo) < Date.now()) {
    return 'certificate expired, "Not After" time is in the past';
  }
  return certificate.ca
    ? null
    : 'certificate does not appear to be a CA because it is missing the "CA" basic constraint';
}

/** SHA-256 of the DER; null where it is no certificate, which another check reports. */
export function digestOf(pem: string): string | null {
  try {
    return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();
  } catch {
    return null;
  }
}

export function keyProblem(pem: string): string | null {
  const parsed = parseKey(pem);
  return 'problem' in parsed ? `invalid key: pkey.new:load_key: ${parsed.problem}` : null;
}

export function isPair(certificate: string, key: string): boolean {
  const [a, b] = [parseCertificate(certificate), parseKey(key)];
  return 'half' in a && 'half' in b && a.half.spki === b.half.spki;
}

export function haveSameKeyType(certificate: string, other: string): boolean {
  const [a, b] = [parseCertificate(certificate), parseCertificate(other)];
  return 'half' in a && 'half' in b && a.half.type === b.half.type;
}

function parseCertificate(pem: string): Parsed {
  return cached(certificates, pem, () => new X509Certificate(pem).publicKey);
}

function parseKey(pem: string): Parsed {
  return cached(keys, pem, () => createPublicKey(createPrivateKey(pem)));
}

function cached(cache: LRUCache<string, Parsed>, pem: string, publicKey: () => KeyObject): Parsed {
  const known = cache.get(pem);
  if (known !== undefined) return known;
  let parsed: Parsed;
  try {
    const key = publicKey();
    const spki = key.export({ type: 'spki', format: 'der' }).toString('base64');
    parsed = { half: { spki, type: key.asymmetricKeyType ?? '' } };
  } catch (error) {
    parsed = { problem: error instanceof Error ? error.message : String(error) };
  }
  cache.set(pem, parsed);
  return parsed;
}
