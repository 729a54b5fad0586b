import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { digestOf, parseCertificate } from '../../../src/certificates';
import { ipOctets, ipText } from '../../../src/certificates/ip';
import { Authority, type IssueOptions, type KeyKind } from '../../../src/authority/authority';
import { authorities, derOf, issue } from '../../support/bundles';
import { testFolder } from '../../support/folders';
import { missing, run } from '../../support/tools';

const parse = (pem: string) => parseCertificate(derOf(pem)).info;
const KINDS: KeyKind[] = ['p256', 'p384', 'rsa-2048', 'rsa-1024', 'ed25519'];

/** Facts about the same certificate from Node (OpenSSL), in the model's words. */
function asNodeSees(pem: string) {
  const certificate = new X509Certificate(pem);
  return {
    fingerprint: certificate.fingerprint256,
    serial: certificate.serialNumber,
    notBefore: Date.parse(certificate.validFrom),
    notAfter: Date.parse(certificate.validTo),
    names: (certificate.subjectAltName ?? '')
      .split(', ')
      .filter((name) => name.startsWith('DNS:'))
      .map((name) => name.slice(4).toLowerCase()),
    isCa: certificate.ca,
  };
}

describe('the facts of a certificate', () => {
  test.for(KINDS)('is what OpenSSL reads, for a %s key', (key) => {
    const { cert } = issue({ key, names: ['www.example.test', '*.Example.TEST', '192.0.2.7'] });
    expect(parse(cert)).toMatchObject(asNodeSees(cert));
  });

  test.for<[string, Partial<IssueOptions>]>([
    ['a CA', { ca: true }],
    ['an end beyond 2050', { notAfter: new Date('2051-02-03T04:05:06Z') }],
    [
      'both times beyond 2050',
      { notBefore: new Date('2050-01-01T00:00:00Z'), notAfter: new Date('2099-12-31T23:59:59Z') },
    ],
    ['a beginning in the last century', { notBefore: new Date('1999-12-31T23:59:59Z') }],
    ['a leap day', { notBefore: new Date('2024-02-29T12:00:00Z') }],
    ['a hundred names', { names: Array.from({ length: 100 }, (_, index) => `host-${index}.example.test`) }],
    ['addresses only', { names: ['192.0.2.1', '192.0.2.2'] }],
    ['SHA-384', { digest: 'sha384' }],
  ])('is what OpenSSL reads, for %s', ([, options]) => {
    const { cert } = issue(options);
    expect(parse(cert)).toMatchObject(asNodeSees(cert));
  });

  test.for([
    ['p256', 'ec', 256],
    ['p384', 'ec', 384],
    ['rsa-2048', 'rsa', 2048],
    ['rsa-1024', 'rsa', 1024],
    ['ed25519', 'ed25519', 256],
  ] as const)('tells the kind and size of a %s key', ([key, keyType, keyBits]) => {
    expect(parse(issue({ key }).cert)).toMatchObject({ keyType, keyBits });
  });

  test.for([
    ['secp521r1', 521],
    ['secp224r1', 224],
  ] as const)('tells the size of a %s key', ([namedCurve, keyBits]) => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve });
    expect(parse(issue({ key: privateKey }).cert)).toMatchObject({ keyType: 'ec', keyBits });
  });

  test.for(['secp256k1', 'brainpoolP256r1'])(
    'knows no size of a %s key, which browsers do not support',
    (namedCurve) => {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve });
      expect(parse(issue({ key: privateKey }).cert)).toMatchObject({ keyType: 'ec', keyBits: 0 });
    },
  );

  test.for([2046, 2047, 2049, 3072])(
    'counts the bits of an RSA key of %i bits as OpenSSL does',
    (modulusLength) => {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength });
      const { cert } = issue({ key: privateKey });
      const bits = new X509Certificate(cert).publicKey.asymmetricKeyDetails?.modulusLength;
      expect(parse(cert)).toMatchObject({ keyType: 'rsa', keyBits: bits });
    },
  );

  it('calls Ed448 and DSA keys another kind', () => {
    expect(parse(issue({ key: generateKeyPairSync('ed448').privateKey }).cert).keyType).toBe('other');
    const dsa = generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 });
    expect(parse(issue({ key: dsa.privateKey }).cert).keyType).toBe('other');
  });

  test.for([
    ['p256', 'sha256', 'other'],
    ['p256', 'sha384', 'other'],
    ['p256', 'sha1', 'sha1'],
    ['rsa-2048', 'sha256', 'other'],
    ['rsa-2048', 'sha1', 'sha1'],
    ['rsa-2048', 'md5', 'md5'],
    ['ed25519', 'sha256', 'other'],
  ] as const)('tells that a %s issuer signed with %s: %s', ([key, digest, signature]) => {
    const root = Authority.root('Signer', { key });
    expect(parse(root.issue({ names: ['a.test'], digest }).cert).signature).toBe(signature);
  });

  describe.skipIf(missing.openssl !== null)(`an RSA-PSS signature [${missing.openssl ?? 'found'}]`, () => {
    test.for([
      ['-sha256', 'other'],
      ['-sha512', 'other'],
      ['-sha1', 'sha1'],
    ] as const)('with %s is told by its parameters: %s', ([digest, signature]) => {
      const key = join(testFolder(), 'key.pem');
      writeFileSync(key, issue({ key: 'rsa-2048' }).key);
      const options = '-subj /CN=a.test -addext subjectAltName=DNS:a.test -sigopt rsa_padding_mode:pss';
      const cert = run('openssl', ['req', '-x509', '-new', '-key', key, digest, ...options.split(' ')]);
      expect(parse(cert.toString()).signature).toBe(signature);
    });
  });

  describe.skipIf(missing.openssl !== null)(`a key usage [${missing.openssl ?? 'found'}]`, () => {
    test.for([
      ['digitalSignature', true],
      ['keyEncipherment', true],
      ['keyAgreement', true],
      ['critical,nonRepudiation,digitalSignature', true],
      ['nonRepudiation', false],
      ['keyCertSign,cRLSign', false],
    ] as const)('of %s lets a server use it: %s', ([usage, isForServers]) => {
      const key = join(testFolder(), 'key.pem');
      writeFileSync(key, issue().key);
      const options = ['-subj', '/CN=a.test', '-addext', `keyUsage=${usage}`];
      const cert = run('openssl', ['req', '-x509', '-new', '-key', key, ...options]);
      expect(parse(cert.toString())).toMatchObject({ isForServers });
    });
  });

  test.for<[IssueOptions['usage'], boolean, boolean]>([
    [undefined, true, true],
    ['client', true, false],
    ['server', false, true],
  ])('tells for whom it is (extended key usage: %s)', ([usage, isForClients, isForServers]) => {
    const options = usage === undefined ? {} : { usage };
    expect(parse(issue(options).cert)).toMatchObject({ isForClients, isForServers });
  });

  it('has no control characters in its names', () => {
    expect(parse(issue({ names: ['a\x1b[2J\n.test', 'b\xfccher.test'] }).cert).names).toEqual([
      'a?[2j?.test',
      'b?cher.test',
    ]);
  });

  test.for([
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8::7', '2001:db8::7'],
    ['2001:DB8:0:0:0:0:0:7', '2001:db8::7'],
    ['::', '::'],
    ['::1', '::1'],
    ['2001:db8::', '2001:db8::'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ] as const)('reads the address %s as %s', ([written, read]) => {
    expect(parse(issue({ names: [written] }).cert)).toMatchObject({ names: [], ips: [read] });
    expect(ipText(ipOctets(read))).toBe(read);
  });

  it('has each name and address once, in their order, and counts all', () => {
    const names = ['b.test', 'a.test', 'B.test', '192.0.2.1', 'a.test', '192.0.2.1'];
    expect(parse(issue({ names }).cert)).toMatchObject({
      names: ['b.test', 'a.test'],
      ips: ['192.0.2.1'],
      nameCount: 6,
    });
  });

  it('reads no more names than a certificate may have', () => {
    const names = Array.from({ length: 10_001 }, (_, index) => `${index}.t`);
    const info = parse(issue({ names }).cert);
    expect(info.names).toHaveLength(10_000);
    expect(info.nameCount).toBe(Number.POSITIVE_INFINITY);
  });

  it("has the key identifier of its issuer's key", () => {
    const { intermediate } = authorities();
    const issuer = parseCertificate(derOf(intermediate.cert));
    const { info } = parseCertificate(derOf(issue().cert));
    // How this authority makes it.
    expect(info.authorityKeyId).toBe(createHash('sha1').update(issuer.spki).digest('hex'));
    expect(info).toMatchObject({ issuer: issuer.subject, isSelfIssued: false });
  });

  it('does not count the common name as a name: clients ignore it', () => {
    const info = parse(issue({ names: ['Old.Example.test'], withoutNames: true }).cert);
    expect(info).toMatchObject({ names: [], commonName: 'Old.Example.test' });
  });

  it('ignores the common name where there is a subjectAltName, as clients do', () => {
    expect(parse(issue({ names: ['192.0.2.1'] }).cert).names).toEqual([]);
  });

  it('links a certificate to its issuer by their names', () => {
    const { root, intermediate } = authorities();
    const [leaf, middle, top] = [issue().cert, intermediate.cert, root.cert].map((pem) =>
      parseCertificate(derOf(pem)),
    );
    expect(leaf?.issuer).toBe(middle?.subject);
    expect(middle?.issuer).toBe(top?.subject);
    expect(top?.issuer).toBe(top?.subject);
  });

  it('has the fingerprint that openssl x509 -fingerprint prints', () => {
    const der = derOf(issue().cert);
    const { fingerprint256 } = new X509Certificate(der);
    expect(parseCertificate(der).info.fingerprint).toBe(fingerprint256);
    expect(parseCertificate(der, digestOf([der, der])).info.fingerprint).toBe(fingerprint256);
  });

  it('is the same where the certificate stands in the middle of a larger buffer', () => {
    const der = derOf(issue().cert);
    const large = Buffer.concat([Buffer.alloc(11, 0x30), der, Buffer.alloc(7, 0x30)]);
    expect(parseCertificate(large.subarray(11, 11 + der.length)).info).toEqual(parseCertificate(der).info);
  });
});
