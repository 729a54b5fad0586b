import { describe, expect, it, test } from 'vitest';
import { layoutOf, singleFiles } from '../../../../src/sources/directory/layout';

/** Pairs as `cert+key`, followed by what may complete their chain; keystores with `!`, what content has to tell with `?`. */
const told = (names: string) => {
  const { pairs, keystores, unclear } = layoutOf(names.split(' ').filter(Boolean));
  return [
    ...pairs.map(({ cert, key, beside = [] }) => [`${cert}+${key}`, ...beside].join(' ')),
    ...keystores.map(({ cert, beside = [] }) => [`${cert}!`, ...beside].join(' ')),
    ...unclear.map(({ name }) => `${name}?`),
  ].sort();
};

describe('the names of a folder', () => {
  test.for<[tool: string, names: string, found: string[]]>([
    ['cert-manager', 'tls.crt tls.key ca.crt', ['tls.crt+tls.key ca.crt']],
    ['a Kubernetes Secret', 'tls.crt tls.key', ['tls.crt+tls.key']],
    [
      'certbot',
      'README cert.pem chain.pem fullchain.pem privkey.pem',
      ['fullchain.pem+privkey.pem chain.pem'],
    ],
    [
      'Synology',
      'cert.pem chain.pem fullchain.pem privkey.pem short-chain.pem root.pem INFO',
      ['fullchain.pem+privkey.pem chain.pem root.pem', 'root.pem?'],
    ],
    ['an older Synology', 'cert.pem chain.pem privkey.pem', ['cert.pem+privkey.pem chain.pem', 'chain.pem?']],
    [
      'acme.sh',
      'www.test.cer www.test.key www.test.csr www.test.conf ca.cer fullchain.cer',
      ['fullchain.cer+www.test.key ca.cer'],
    ],
    [
      'lego',
      'www.test.crt www.test.issuer.crt www.test.json www.test.key',
      ['www.test.crt+www.test.key www.test.issuer.crt'],
    ],
    ['mkcert', 'www.test.pem www.test-key.pem', ['www.test.pem+www.test-key.pem']],
    ['mkcert for several names', 'www.test+2.pem www.test+2-key.pem', ['www.test+2.pem+www.test+2-key.pem']],
    ['cfssl', 'server.csr server.pem server-key.pem', ['server.pem+server-key.pem']],
    [
      'win-acme',
      'www.test-crt.pem www.test-chain.pem www.test-chain-only.pem www.test-key.pem',
      ['www.test-crt.pem+www.test-key.pem www.test-chain.pem www.test-chain-only.pem'],
    ],
    [
      'zerossl',
      'certificate.crt ca_bundle.crt private.key',
      ['certificate.crt+private.key ca_bundle.crt', 'ca_bundle.crt?'],
    ],
    [
      'Namecheap',
      'example_com.crt example_com.ca-bundle example_com.key',
      ['example_com.crt+example_com.key example_com.ca-bundle'],
    ],
    ['traefik-certs-dumper', 'certificate.crt privatekey.key', ['certificate.crt+privatekey.key']],
    ['spiffe-helper', 'svid.pem svid_key.pem svid_bundle.pem', ['svid.pem+svid_key.pem svid_bundle.pem']],
    [
      'spire-agent',
      'svid.0.pem svid.0.key bundle.0.pem',
      ['svid.0.pem+svid.0.key bundle.0.pem', 'bundle.0.pem?'],
    ],
    ['MinIO', 'public.crt private.key', ['public.crt+private.key']],
    ['Virtualmin', 'ssl.cert ssl.key ssl.ca ssl.combined', ['ssl.cert+ssl.key ssl.ca', 'ssl.combined?']],
    ['Caddy', 'www.test.crt www.test.json www.test.key', ['www.test.crt+www.test.key']],
    [
      'HAProxy, keys apart',
      'www.pem www.pem.key www.pem.ocsp www.pem.issuer',
      ['www.pem+www.pem.key www.pem.issuer'],
    ],
    ['HAProxy', 'www.test.pem api.test.pem', ['api.test.pem?', 'www.test.pem?']],
    ['HAProxy, two types of key', 'www.pem.rsa www.pem.ecdsa', ['www.pem.ecdsa?', 'www.pem.rsa?']],
    ['a person', 'www.crt www.key', ['www.crt+www.key']],
    ['a person who writes in capitals', 'WWW.CRT WWW.KEY', ['WWW.CRT+WWW.KEY']],
    ['a person who likes .cer', 'www.cer www.key', ['www.cer+www.key']],
    ['a person who likes .pem', 'www.pem www.key', ['www.pem+www.key']],
    [
      'a person who says what it is',
      'www-certificate.pem www-private-key.pem',
      ['www-certificate.pem+www-private-key.pem'],
    ],
    ['several pairs', 'a.crt a.key b.pem b.key c.pem', ['a.crt+a.key', 'b.pem+b.key', 'c.pem?']],
    [
      'a chain for all',
      'a.crt a.key b.crt b.key chain.pem',
      ['a.crt+a.key chain.pem', 'b.crt+b.key chain.pem', 'chain.pem?'],
    ],
    [
      'several keys beside a full chain',
      'fullchain.cer a.key b.key a.cer',
      ['a.cer+a.key', 'b.key?', 'fullchain.cer?'],
    ],
    ['two certificates for one key', 'a.crt a.pem a.key', ['a.crt?', 'a.key?', 'a.pem?']],
    [
      'acme-companion',
      'cert.pem chain.pem fullchain.pem key.pem',
      ['cert.pem?', 'chain.pem?', 'fullchain.pem?', 'key.pem?'],
    ],
    ['a key without certificate', 'www.key', ['www.key?']],
    ['an extra key for mkcert only', 'www-key.pem', ['www-key.pem?']],
    ['a certificate whose key is yet to come', 'tls.crt', ['tls.crt?']],
    [
      'a private CA',
      'ca.crt ca.key rootCA.pem rootCA-key.pem root_ca_key',
      ['ca.crt?', 'ca.key?', 'rootCA-key.pem?', 'rootCA.pem?', 'root_ca_key?'],
    ],
    ['a host in Canada', 'www.ca.crt www.ca.key', ['www.ca.crt+www.ca.key']],
    ['Windows', 'www.pfx', ['www.pfx!']],
    ['Java', 'www.jks cacerts.jks truststore.p12 other.keystore', ['other.keystore!', 'www.jks!']],
    ['a person who exports a pair, too', 'www.crt www.key www.p12 www.pfx', ['www.crt+www.key']],
    [
      'cert-manager in every form',
      'ca.crt tls.crt tls.key tls-combined.pem key.der keystore.p12 keystore.jks truststore.p12 truststore.jks',
      ['tls.crt+tls.key ca.crt'],
    ],
    ['cert-manager, a key in DER mounted alone', 'tls.crt key.der', ['tls.crt+key.der']],
    ['cert-manager, combined and a keystore', 'tls-combined.pem keystore.p12', ['tls-combined.pem?']],
    ['cert-manager, both keystores', 'keystore.jks keystore.p12 truststore.jks', ['keystore.p12!']],
    ['a chain of Windows with its key', 'www.p7b www.key', ['www.p7b+www.key']],
    ['DER', 'www.der www.key a.der a-key.der', ['a.der+a-key.der', 'www.der+www.key']],
    ['DER by other names', 'cert.der key.der', ['cert.der+key.der']],
    [
      'other files',
      'README notes.txt www.csr openssl.cnf www.p10 www.bks www.crt.new www.pem~ www.key.old',
      [],
    ],
    ['acmephp, private', 'key.private.pem key.public.pem', ['key.private.pem?']],
    ['nothing', '', []],
  ])('as %s leaves them ("%s") tell what belongs together', ([, names, found]) => {
    expect(told(names)).toEqual([...found].sort());
  });

  it('leave all but the newest generations of certbot and dehydrated unread', () => {
    const files = ['cert', 'chain', 'fullchain', 'privkey'];
    const archive = [1, 2, 9, 10, 11].flatMap((number) => files.map((role) => `${role}${number}.pem`));
    const read = [10, 11].flatMap((number) => files.map((role) => `${role}${number}.pem?`));
    expect(told(archive.join(' '))).toEqual(read.sort());
  });

  it('say nothing of generations where some number has not every role: the numbers may be those of sites', () => {
    const names = [1, 2, 3].flatMap((number) => [`cert${number}.pem`, `key${number}.pem`]).join(' ');
    expect(told(names)).toEqual(['cert1.pem+key1.pem', 'cert2.pem+key2.pem', 'cert3.pem+key3.pem']);
  });

  it('tell the same in whatever order the file system lists them', () => {
    const names =
      'README cert.pem chain.pem fullchain.pem privkey.pem a.crt a.key b.pem b-key.pem c.pem d.pem d.pem.key'.split(
        ' ',
      );
    const found = told(names.join(' '));
    expect(told([...names].reverse().join(' '))).toEqual(found);
    expect(told([...names].sort().join(' '))).toEqual(found);
  });

  it('never give one key to two certificates, nor name a file twice', () => {
    const { pairs, unclear } = layoutOf(
      'fullchain.pem privkey.pem privkey.key www.crt www.key www-key.pem www.pem www.cer key.pem'.split(' '),
    );
    const files = [...pairs.flatMap(({ cert, key }) => [cert, key]), ...unclear.map(({ name }) => name)];
    expect(new Set(files).size).toBe(files.length);
  });

  it('tell the same where the file system lists some of them twice', () => {
    const names = 'fullchain.pem privkey.pem a.crt a.key b.pem b-key.pem c.p12 d.pem';
    expect(told(`${names} ${names}`)).toEqual(told(names));
    expect(singleFiles(['a.crt', 'a.crt'])).toEqual(singleFiles(['a.crt']));
  });

  it('of CAs are certificates each by itself, truststores included', () => {
    const { pairs } = singleFiles('ca.crt private-ca.pem truststore.p12 root.der README ca.key'.split(' '));
    expect(pairs.map(({ cert, key }) => [cert, key])).toEqual(
      ['ca.crt', 'private-ca.pem', 'truststore.p12', 'root.der'].map((name) => [name, null]),
    );
  });
});
