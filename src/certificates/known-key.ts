import { verify, type KeyObject } from 'node:crypto';
import { DerReader, TAG } from './der';
import { isPointOf } from './elliptic-key';
import type { PemBlock } from './pem';
import { encoded, hasUsualForm } from './usual-form';
import { readByOpenSsl, type ParsedCertificate } from './x509';

/*
 * OpenSSL decodes the key of each certificate that it reads, which takes longer than the rest of it and its signature.
 * An elliptic key in the usual form is known already, computed from its private number, and needs no decoding. OpenSSL
 * still judges the certificate's structure, unless that is the usual one, and its signature.
 */

/** Signature algorithms as certificates write them. */
const ALGORITHMS = new Map(
  (
    [
      ['300a06082a8648ce3d040302', 'ec', 'sha256'],
      ['300a06082a8648ce3d040303', 'ec', 'sha384'],
      ['300a06082a8648ce3d040304', 'ec', 'sha512'],
      ['300d06092a864886f70d01010b0500', 'rsa', 'sha256'],
      ['300d06092a864886f70d01010c0500', 'rsa', 'sha384'],
      ['300d06092a864886f70d01010d0500', 'rsa', 'sha512'],
    ] as const
  ).map(([encoded, keyType, hash]) => [Buffer.from(encoded, 'hex').toString('latin1'), { keyType, hash }]),
);

/** The identifier of elliptic keys (1.2.840.10045.2.1), as encoded. */
const ELLIPTIC = Buffer.from('06072a8648ce3d0201', 'hex');
/** In place of its last octet: an identifier that no algorithm has. */
const UNKNOWN = 0x7f;

/**
 * Proves that OpenSSL can read a leaf, that the key belongs to it, and that its issuer signed it.
 * @param issuer undefined: its signature is not asked for
 * @returns false: unknown, and OpenSSL has to be asked in full
 */
export function isProven(leaf: ParsedCertificate, key: PemBlock, issuer: KeyObject | undefined): boolean {
  if (isPointOf(key, leaf) !== true) return false;
  try {
    if (!hasUsualForm(leaf, ALGORITHMS)) readWithoutKey(leaf);
    return issuer === undefined || isSigned(leaf.der, issuer);
  } catch {
    return false;
  }
}

/** OpenSSL leaves a key alone whose algorithm it does not know. @throws Error where it cannot read the rest */
function readWithoutKey({ der, spki }: ParsedCertificate): void {
  const copy = Buffer.from(der);
  const algorithm = copy.indexOf(ELLIPTIC, spki.byteOffset - der.byteOffset);
  copy[algorithm + ELLIPTIC.length - 1] = UNKNOWN;
  readByOpenSsl(copy);
}

/** As OpenSSL has it, both places that name the algorithm have to be the same. */
function isSigned(der: Buffer, issuer: KeyObject): boolean {
  const certificate = new DerReader(der).enter();
  const begin = certificate.position;
  const signed = certificate.enter();
  const end = certificate.position;
  const named = encoded(certificate);
  const algorithm = ALGORITHMS.get(named);
  if (algorithm === undefined || algorithm.keyType !== issuer.asymmetricKeyType) return false;
  if (signed.isNext(TAG.context0)) signed.read();
  signed.read(TAG.integer);
  if (encoded(signed) !== named) return false;
  certificate.read(TAG.bitString);
  const { start, stop } = certificate;
  // The first octet of a bit string counts its unused bits.
  if (!certificate.done || der[start] !== 0) return false;
  return verify(algorithm.hash, der.subarray(begin, end), issuer, der.subarray(start + 1, stop));
}
