import * as crypto from 'node:crypto';
import { isRefusal, refusal, type CertificateInfo, type Digest, type Refusal } from '../../model';
import { publicKeyDigest, publicKeyDigestOfKey } from '../issuers';
import { decodePem, isCertificate, isPrivateKey, type PemBlock } from '../pem';
import { parseCertificate, type ParsedCertificate } from '../x509';
import { detectFile, type Format } from './detect';
import { parse } from './open';
import type { ParsedFile } from './parsed-file';

/** What a file holds, as far as it takes to tell which files belong together; neither text nor key of it. */
export interface FileFacts {
  /**
   * - `bundle`: a leaf and a key
   * - `leaf`: a leaf without a key, perhaps with its chain
   * - `issuers`: CA certificates alone
   * - `key`: a private key alone; `locked`: one that no password opens
   * - `nothing`: none of these (a request, parameters, a public key)
   * - `damaged`: it looks like one of these and cannot be read
   */
  kind: 'bundle' | 'leaf' | 'issuers' | 'key' | 'locked' | 'nothing' | 'damaged';
  /** Of `bundle` and `leaf`; null for the others. */
  leaf: LeafFacts | null;
  /** Digests of public keys: of a `key`, or of each CA certificate in `issuers`. */
  publicKeys: readonly Digest[];
  /** Each CA certificate in `issuers`. */
  authorities: readonly AuthorityFacts[];
  /** Of `damaged` and `locked`; null for the others. */
  problem: Refusal | null;
}

interface AuthorityFacts {
  fingerprint: string;
  /** Subject names (DER). */
  subject: string;
  issuer: string;
}

export interface LeafFacts {
  /** Digest of the certificate. */
  digest: Digest;
  info: CertificateInfo;
  publicKey: Digest;
  /** Name of the issuer (DER). */
  issuer: string;
  /** Number of certificates in the file. */
  count: number;
  isPem: boolean;
}

/** The facts of a file without certificate or key. */
export const NOTHING: FileFacts = {
  kind: 'nothing',
  leaf: null,
  publicKeys: [],
  authorities: [],
  problem: null,
};

/**
 * Reads what a file holds; plain PEM at once, other formats by a promise.
 * @param text one character for each octet
 * @param location how messages name it
 */
export function factsOf(
  text: string,
  location: string,
  password: string | undefined,
): FileFacts | Promise<FileFacts> {
  const blocks = decodePem(text);
  const isPlain = blocks?.every((block) => !isPrivateKey(block) || !block.encrypted) === true;
  const known = blocks?.filter((block) => isCertificate(block) || isPrivateKey(block)) ?? [];
  if (!isPlain || known.length === 0) return factsOfAny(text, location, password);
  const key = known.find((block) => isPrivateKey(block) && block.label !== 'OPENSSH PRIVATE KEY');
  const certificates = known.filter(isCertificate).map((block) => block.der);
  return describe({ certificates, key: key?.pem ?? null }, location, true);
}

async function factsOfAny(text: string, location: string, password: string | undefined): Promise<FileFacts> {
  if (text.trim() === '') return NOTHING;
  const file = detectFile(text);
  const found = await parse(file, { password, alias: undefined }, location);
  if (!isRefusal(found)) return describe(found, location, file.format === 'pem');
  if (found.reason === 'encrypted_key') return { ...lockedBeside(text, location), problem: found };
  const isMeant = found.reason === 'incomplete' || !NOT_MEANT.has(file.format);
  return isMeant ? damaged(found) : NOTHING;
}

/** Formats of files that are certificates or keys by their file names alone. */
const NOT_MEANT: ReadonlySet<Format> = new Set<Format>(['request', 'text', 'empty', 'der', 'binary']);

const damaged = (problem: Refusal): FileFacts => ({ ...NOTHING, kind: 'damaged', problem });

/** A certificate beside a key that cannot be decrypted counts as a bundle. */
function lockedBeside(text: string, location: string): FileFacts {
  const certificates = (decodePem(text) ?? []).filter(isCertificate).map((block: PemBlock) => block.der);
  const found = describe({ certificates, key: null }, location, true);
  return { ...found, kind: found.kind === 'leaf' ? 'bundle' : 'locked' };
}

function describe({ certificates, key }: ParsedFile, location: string, isPem: boolean): FileFacts {
  let parsed: ParsedCertificate[];
  try {
    parsed = certificates.map((der) => parseCertificate(der));
  } catch {
    return damaged(
      refusal('unsupported_format', `${location} has a certificate in it that is not an X.509 certificate`),
    );
  }
  const [first] = parsed;
  if (first === undefined) return key === null ? NOTHING : describeKey(key, location);
  // Beside a key, a CA certificate may be meant as a leaf; the gate refuses it with a reason.
  const leaf = parsed.find(({ info }) => !info.isCa) ?? (key === null ? undefined : first);
  if (leaf === undefined) {
    const authorities = parsed.map(({ info: { fingerprint }, subject, issuer }) => ({
      fingerprint,
      subject,
      issuer,
    }));
    return { ...NOTHING, kind: 'issuers', publicKeys: parsed.map(publicKeyDigest), authorities };
  }
  return {
    ...NOTHING,
    kind: key === null ? 'leaf' : 'bundle',
    leaf: {
      digest: crypto.hash('sha256', leaf.der, 'base64url'),
      info: leaf.info,
      publicKey: publicKeyDigest(leaf),
      issuer: leaf.issuer,
      count: parsed.length,
      isPem,
    },
  };
}

function describeKey(key: string, location: string): FileFacts {
  const digest = publicKeyDigestOfKey(key);
  if (digest !== null) return { ...NOTHING, kind: 'key', publicKeys: [digest] };
  return damaged(refusal('unsupported_format', `${location} holds a private key that cannot be read`));
}
