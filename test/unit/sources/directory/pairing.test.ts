import { describe, expect, it, test } from 'vitest';
import { pairFiles } from '../../../../src/sources/directory/pairing';

/** Pairs as `cert+key`, or `cert` alone. */
const pairs = (names: string) =>
  pairFiles(names.split(' ').filter(Boolean))
    .map(({ cert, key }) => (key === null ? cert : `${cert}+${key}`))
    .sort();

describe('the files of a folder', () => {
  test.for<[tool: string, names: string, found: string[]]>([
    ['cert-manager', 'tls.crt tls.key ca.crt', ['tls.crt+tls.key']],
    ['a Kubernetes Secret', 'tls.crt tls.key', ['tls.crt+tls.key']],
    ['certbot', 'README cert.pem chain.pem fullchain.pem privkey.pem', ['fullchain.pem+privkey.pem']],
    [
      'acme.sh',
      'www.test.cer www.test.key www.test.csr www.test.conf ca.cer fullchain.cer',
      ['fullchain.cer+www.test.key'],
    ],
    [
      'lego',
      'www.test.crt www.test.issuer.crt www.test.json www.test.key',
      ['www.test.crt+www.test.key', 'www.test.issuer.crt'],
    ],
    ['mkcert', 'www.test.pem www.test-key.pem', ['www.test.pem+www.test-key.pem']],
    ['cfssl', 'server.csr server.pem server-key.pem', ['server.pem+server-key.pem']],
    ['mkcert for several names', 'www.test+2.pem www.test+2-key.pem', ['www.test+2.pem+www.test+2-key.pem']],
    ['HAProxy', 'www.test.pem api.test.pem', ['api.test.pem', 'www.test.pem']],
    ['a person', 'www.crt www.key', ['www.crt+www.key']],
    ['a person who likes .cer', 'www.cer www.key', ['www.cer+www.key']],
    ['a person who likes .pem', 'www.pem www.key', ['www.pem+www.key']],
    ['several pairs', 'a.crt a.key b.pem b.key c.pem', ['a.crt+a.key', 'b.pem+b.key', 'c.pem']],
    ['several keys beside a full chain', 'fullchain.cer a.key b.key a.cer', ['a.cer+a.key', 'fullchain.cer']],
    ['two certificates for one key', 'a.crt a.pem a.key', ['a.crt+a.key', 'a.pem']],
    ['a key without certificate', 'www.key', []],
    ['an extra key for mkcert only', 'www-key.pem', []],
    ['a certificate whose key is yet to come', 'tls.crt', ['tls.crt']],
    ['a full chain whose key is yet to come', 'fullchain.pem cert.pem chain.pem', ['fullchain.pem']],
    ['parts of a chain', 'cert.pem chain.pem ca.crt ca.cer ca.pem', []],
    ['Windows', 'www.pfx', ['www.pfx']],
    ['Java', 'www.jks cacerts.jks truststore.p12 other.keystore', ['other.keystore', 'www.jks']],
    ['a person who exports a pair, too', 'www.crt www.key www.p12 www.pfx', ['www.crt+www.key']],
    [
      'cert-manager in every form',
      'ca.crt tls.crt tls.key tls-combined.pem key.der keystore.p12 keystore.jks truststore.p12 truststore.jks',
      ['tls.crt+tls.key'],
    ],
    ['cert-manager, a key in DER mounted alone', 'tls.crt key.der', ['tls.crt+key.der']],
    ['cert-manager, combined and a keystore', 'tls-combined.pem keystore.p12', ['tls-combined.pem']],
    ['cert-manager, both keystores', 'keystore.jks keystore.p12 truststore.jks', ['keystore.p12']],
    ['a chain of Windows with its key', 'www.p7b www.key', ['www.p7b+www.key']],
    ['a person who likes .p7c', 'www.p7c www.key', ['www.p7c+www.key']],
    ['DER', 'www.der www.key a.der a-key.der', ['a.der+a-key.der', 'www.der+www.key']],
    ['DER by other names', 'cert.der key.der', ['cert.der+key.der']],
    ['a key in DER alone', 'key.der www-key.der', []],
    ['other files', 'README notes.txt www.csr openssl.cnf www.p10 www.bks', []],
    ['nothing', '', []],
  ])('as %s leaves them ("%s")', ([, names, found]) => {
    expect(pairs(names)).toEqual(found);
  });

  it('give the same pairs in whatever order the file system lists them', () => {
    const names =
      'README cert.pem chain.pem fullchain.pem privkey.pem a.crt a.key b.pem b-key.pem c.pem'.split(' ');
    const found = pairs(names.join(' '));
    expect(pairs([...names].reverse().join(' '))).toEqual(found);
    expect(pairs([...names].sort().join(' '))).toEqual(found);
  });

  it('never give one key to two certificates by the rules of two tools', () => {
    const found = pairFiles([
      'fullchain.pem',
      'privkey.pem',
      'privkey.key',
      'www.crt',
      'www.key',
      'www-key.pem',
      'www.pem',
    ]);
    const keys = found.flatMap(({ key }) => key ?? []);
    expect(new Set(keys).size).toBe(keys.length);
  });
});
