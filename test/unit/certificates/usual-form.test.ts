import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { describe, expect, it, test } from 'vitest';
import { encoded, hasUsualForm } from '../../../src/certificates/usual-form';
import { DerReader } from '../../../src/certificates/der';
import { parseCertificate, type ParsedCertificate } from '../../../src/certificates/x509';
import { derOf, issue } from '../../support/bundles';

const der = derOf(issue().cert);

/** The algorithm that a certificate says to be signed with. */
function algorithmsOf({ der }: ParsedCertificate): Map<string, true> {
  const certificate = new DerReader(der).enter();
  certificate.read();
  return new Map([[encoded(certificate), true]]);
}

function isUsual(certificate: Buffer): boolean {
  const parsed = parseCertificate(certificate);
  return hasUsualForm(parsed, algorithmsOf(parsed));
}

/** The certificate with other octets in the place of the first that are these. */
function changed(found: string, by: string): Buffer {
  const copy = Buffer.from(der);
  const at = copy.indexOf(Buffer.from(found, 'hex'));
  expect(at).toBeGreaterThan(0);
  copy.set(Buffer.from(by, 'hex'), at);
  return copy;
}

describe('the usual form', () => {
  it('is that of nearly all certificates', () => {
    expect(isUsual(der)).toBe(true);
    const roots = rootCertificates.map((pem) => new X509Certificate(pem).raw);
    // The others have no extensions, or a name with letters beyond ASCII.
    expect(roots.filter(isUsual).length).toBeGreaterThan(roots.length * 0.9);
  });

  const COMMON_NAME = '0603550403';
  const ALTERNATIVE_NAME = '0603551d11';
  test.for<[string, Buffer]>([
    ['of another version', changed('a003020102', 'a003020101')],
    ['with an attribute that is no text', changed(`${COMMON_NAME}0c`, `${COMMON_NAME}1e`)],
    ['with a letter beyond ASCII in a name', changed(Buffer.from('www.example').toString('hex'), 'fc')],
    ['with an object identifier that is not one', changed(COMMON_NAME, '0603558003')],
    ['with such an identifier of an extension', changed(ALTERNATIVE_NAME, '0603551d91')],
    ['with a time of another type', changed('170d', '160d')],
    ['with a time that is not in UTC', changed('5a170d', '30170d')],
  ])('is not that of a certificate %s', ([, certificate]) => {
    expect(isUsual(certificate)).toBe(false);
  });
});
