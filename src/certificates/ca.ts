import * as crypto from 'node:crypto';
import { Slices } from '../common/slices';
import { MAX_BUNDLE_BYTES, refusal, type CaCertificate, type RawBundle, type Refusal } from '../model';
import { readCertificatesOnly } from './formats/open';
import { isSelfIssued } from './chain';
import { isSelfSigned } from './issuers';
import { encodeCertificates } from './pem';
import { weakKey } from './weak-key';
import { parseCertificate, type ParsedCertificate } from './x509';

const sha256 = (text: string | Buffer) => crypto.hash('sha256', text);

/**
 * Parses a file of CA certificates, in any format.
 * @returns a refusal where any part of it cannot be understood
 */
export async function readCaBundle(raw: RawBundle): Promise<CaCertificate[] | Refusal> {
  const { location } = raw;
  if (raw.cert.length > MAX_BUNDLE_BYTES) {
    return refusal('too_large', `${location} holds more than 1 MiB; split the bundle`);
  }
  if (raw.cert.trim() === '')
    return refusal('incomplete', `${location} is empty; what Kong trusts stays as it is`);
  const found = await readCertificatesOnly(raw);
  if ('reason' in found) return found;
  if (found.length === 0) {
    return refusal(
      'missing_certificate',
      `${location} holds no certificate; what Kong trusts stays as it is`,
    );
  }
  try {
    const certificates: CaCertificate[] = [];
    // A signature takes half a millisecond to verify, and bundles of public roots have 150.
    const slices = new Slices(1);
    for (const der of found) {
      certificates.push(describe(parseCertificate(der), location));
      if (slices.due) await slices.pause();
    }
    return certificates;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return refusal(
      'unsupported_format',
      `${location} has a CERTIFICATE block that is not an X.509 certificate`,
    );
  }
}

/**
 * Identifies a CA certificate, from its PEM or DER as Kong stores it.
 * @throws RangeError where it cannot be parsed
 */
export function identify(
  certificate: ParsedCertificate,
): Omit<CaCertificate, 'location' | 'pem' | 'problem' | 'isSelfSigned'> {
  const { subject, issuer, publicKey, info } = certificate;
  return {
    digest: sha256(certificate.der),
    identity: sha256(`${sha256(subject)} ${sha256(publicKey)} ${sha256(issuer)}`),
    subject: sha256(subject),
    fingerprint: info.fingerprint,
    notBefore: info.notBefore,
    notAfter: info.notAfter,
  };
}

function describe(certificate: ParsedCertificate, location: string): CaCertificate {
  return {
    location,
    pem: encodeCertificates([certificate.der]),
    ...identify(certificate),
    isSelfSigned: isSelfIssued(certificate) ? isSelfSigned(certificate) : null,
    problem: problemOf(certificate, location),
  };
}

function problemOf({ info }: ParsedCertificate, location: string): Refusal | null {
  const which = `the certificate ${info.fingerprint.slice(0, 23)}… in ${location}`;
  if (!info.isCa) {
    return refusal('not_a_ca', `${which} is not a CA (basicConstraints CA:TRUE); leave it out of the bundle`);
  }
  // A root's own signature proves nothing, so only its key is checked.
  return weakKey(which, info);
}
