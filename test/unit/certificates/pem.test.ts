import { describe, expect, it, test } from 'vitest';
import { decodePem, readPem, isCertificate } from '../../../src/certificates';
import { isPrivateKey } from '../../../src/certificates/pem';
import { blocksOf, derOf, issue } from '../../support/bundles';

const issued = issue();
const [leaf = '', intermediate = ''] = blocksOf(issued.chain);

const crlf = (text: string) => text.replace(/\n/g, '\r\n');
const bagAttributes = (text: string) =>
  `Bag Attributes\n    friendlyName: www.example.test\n    localKeyID: 54 69\nKey Attributes: <No Attributes>\n${text}`;

describe('PEM text', () => {
  test.for([
    ['as OpenSSL writes it', leaf],
    ['with the line ends of Windows', crlf(leaf)],
    ['with the line ends of old Macs', leaf.replace(/\n/g, '\r')],
    ['without a line feed at the end', leaf.trimEnd()],
    ['after a comment', `# Subject: CN=www.example.test\n# Issuer: a throw-away CA\n\n${leaf}`],
    ['after the bag attributes of a PKCS#12 export', bagAttributes(leaf)],
    ['after the dump of `openssl x509 -text`', `Certificate:\n    Data:\n        Version: 3 (0x2)\n${leaf}`],
    ['after a byte order mark', `\uFEFF${leaf}`],
    ['after the same byte order mark read byte by byte', `\u00EF\u00BB\u00BF${leaf}`],
    ['with blanks at the line ends', leaf.replace(/\n/g, ' \n')],
    ['indented, as YAML leaves it', leaf.replace(/^/gm, '    ')],
    [
      'with the body in one line',
      `-----BEGIN CERTIFICATE-----\n${derOf(leaf).toString('base64')}\n-----END CERTIFICATE-----`,
    ],
    ['with text after it', `${leaf}\nthis is the end\n`],
    ['with the line breaks of an environment file', leaf.replace(/\n/g, '\\n')],
    ['with those of Windows there', leaf.replace(/\n/g, '\\r\\n')],
    ['in JSON', JSON.stringify({ certificate: leaf, key: null })],
    ['in JSON as PHP writes it', JSON.stringify({ certificate: leaf }).replaceAll('/', '\\/')],
  ])('is read %s', ([, text]) => {
    const blocks = decodePem(text ?? '');
    expect(blocks).toHaveLength(1);
    expect(blocks?.[0]).toMatchObject({ label: 'CERTIFICATE', encrypted: false });
    expect(blocks?.[0]?.der.equals(derOf(leaf))).toBe(true);
  });

  it('is read without the trust settings that OpenSSL may add to a certificate', () => {
    const settings = Buffer.from('300a06082b06010505070301', 'hex');
    const body = Buffer.concat([derOf(leaf), settings]).toString('base64');
    const text = `-----BEGIN TRUSTED CERTIFICATE-----\n${body}\n-----END TRUSTED CERTIFICATE-----\n`;
    const { certificates } = readPem(text + intermediate, issued.key) ?? { certificates: [] };
    expect(certificates.map(({ der }) => der.equals(derOf(leaf)))).toEqual([true, false]);
  });

  it('ends where escaped line breaks come to nothing', () => {
    expect(decodePem('-----BEGIN X-----\\t-----END X-----')).toHaveLength(1);
    expect(decodePem('-----BEGIN X-----\\n')).toBeNull();
  });

  it('may hold many blocks with text between them, and they keep their order', () => {
    const text = `leaf\n${leaf}\nintermediate\n${crlf(intermediate)}key\n${issued.key}`;
    expect(decodePem(text)?.map((block) => block.label)).toEqual([
      'CERTIFICATE',
      'CERTIFICATE',
      'PRIVATE KEY',
    ]);
  });

  it('holds nothing when it is empty', () => {
    expect(decodePem('')).toEqual([]);
    expect(decodePem('no certificate today\n')).toEqual([]);
  });

  it('counts as cut off wherever it ends inside a block', () => {
    const text = leaf.trimEnd();
    for (let length = '-----BEGIN '.length; length < text.length; length++) {
      expect(decodePem(text.slice(0, length)), `${length} characters`).toBeNull();
    }
  });

  it('counts as cut off when the second of two blocks is', () => {
    expect(decodePem(leaf + intermediate.slice(0, -40))).toBeNull();
  });

  test.for([
    ['ENCRYPTED PRIVATE KEY', '', true],
    ['RSA PRIVATE KEY', 'Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00112233\n\n', true],
    ['RSA PRIVATE KEY', '', false],
    ['PRIVATE KEY', '', false],
  ] as const)('tells whether a key is encrypted: %s with headers "%s"', ([label, headers, encrypted]) => {
    const text = `-----BEGIN ${label}-----\n${headers}AAAA\n-----END ${label}-----\n`;
    expect(decodePem(text)?.[0]).toMatchObject({ label, encrypted });
  });

  test.for([
    ['CERTIFICATE', true, false],
    ['X509 CERTIFICATE', true, false],
    ['TRUSTED CERTIFICATE', true, false],
    ['CERTIFICATE REQUEST', false, false],
    ['PRIVATE KEY', false, true],
    ['RSA PRIVATE KEY', false, true],
    ['EC PRIVATE KEY', false, true],
    ['ENCRYPTED PRIVATE KEY', false, true],
    ['PUBLIC KEY', false, false],
    ['EC PARAMETERS', false, false],
    ['DH PARAMETERS', false, false],
  ] as const)('a block %s is a certificate: %s, a private key: %s', ([label, certificate, key]) => {
    const [block] = decodePem(`-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`) ?? [];
    expect(block && [isCertificate(block), isPrivateKey(block)]).toEqual([certificate, key]);
  });
});

describe('a certificate and its key', () => {
  it('are found in two files or in one, in any order, and are the same to the reloader', () => {
    const apart = readPem(issued.chain, issued.key);
    expect(apart?.certificates).toHaveLength(2);
    for (const together of [
      issued.chain + issued.key,
      issued.key + issued.chain,
      leaf + issued.key + intermediate,
    ]) {
      expect(readPem(together, '')?.content).toBe(apart?.content);
    }
  });

  test.for([
    ['PKCS#8', 'p256', 'pkcs8', 'PRIVATE KEY'],
    ['SEC1', 'p256', 'sec1', 'EC PRIVATE KEY'],
    ['PKCS#8', 'rsa-2048', 'pkcs8', 'PRIVATE KEY'],
    ['PKCS#1', 'rsa-2048', 'pkcs1', 'RSA PRIVATE KEY'],
    ['PKCS#8', 'ed25519', 'pkcs8', 'PRIVATE KEY'],
  ] as const)('are found where the key is %s of a %s key', ([, kind, type, label]) => {
    const { chain, privateKey } = issue({ key: kind });
    const key = privateKey.export({ type: type, format: 'pem' }).toString();
    expect(readPem(chain, key)?.key?.label).toBe(label);
  });

  it('are found behind the curve parameters that OpenSSL writes before an EC key', () => {
    const key = issued.privateKey.export({ type: 'sec1', format: 'pem' }).toString();
    const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
    expect(readPem(issued.chain, parameters + key)?.key?.text).toBe(key.trimEnd());
  });

  it('are not there when either file is cut off', () => {
    expect(readPem(issued.chain.slice(0, -5), issued.key)).toBeNull();
    expect(readPem(issued.chain, issued.key.slice(0, -5))).toBeNull();
  });

  it('prefer the key of the key file to one that stands with the certificate', () => {
    const other = issue();
    const found = readPem(issued.chain + other.key, issued.key);
    expect(found?.key?.der.equals(derOf(issued.key))).toBe(true);
  });
});
