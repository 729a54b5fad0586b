import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Authority } from '../../../../src/authority/authority';
import { openAny } from '../../../../src/certificates';
import { isRefusal } from '../../../../src/model';
import { DirectorySource } from '../../../../src/sources';
import { derOf } from '../../../support/bundles';
import { testFolder, writePair } from '../../../support/folders';
import { jks, p12, PASSWORD, pkcs7, rsaIssuer } from '../../../support/format-files';
import { Reader } from '../../../support/scans';

const intermediate = rsaIssuer();
const { cert, key, chain } = intermediate.issue({ names: ['www.example.test'], key: 'rsa-2048' });
const plainKey = derOf(key);
const upper = derOf(intermediate.cert);

const asPem = (label: string, der: Buffer) =>
  `-----BEGIN ${label}-----\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`;

type Files = Record<string, string | Buffer>;

/** A leaf without its chain, in each form. */
const FORMS: readonly [string, Files][] = [
  ['PEM and its key', { 'shop.crt': cert, 'shop.key': key }],
  ['PEM with the key in it', { 'shop.pem': cert + key }],
  ['DER and its key', { 'shop.der': derOf(cert), 'shop.key': plainKey }],
  ['PKCS#7 and its key', { 'shop.p7b': pkcs7([derOf(cert)]), 'shop.key': key }],
  ['PKCS#12', { 'shop.pfx': p12(cert, key, 'aes256') }],
  ['a Java keystore', { 'shop.jks': jks([{ alias: 'shop', key: plainKey, chain: [derOf(cert)] }]) }],
];

/** Files that complete its chain, in each form and by each name. */
const NEIGHBOURS: readonly [string, string | Buffer][] = [
  ['shop.ca-bundle', intermediate.cert],
  ['shop.issuer.crt', intermediate.cert],
  ['shop-chain.pem', intermediate.cert],
  ['chain.pem', intermediate.cert],
  ['ca_bundle.crt', intermediate.cert],
  ['intermediate.cer', upper],
  ['shop-chain.p7b', pkcs7([upper])],
  ['shop-fullchain.pem', chain],
  ['shop.chain.der', upper],
  ['sub-ca.crt', intermediate.cert],
  ['SectigoRSADomainValidationSecureServerCA.crt', intermediate.cert],
  ['issuers.p7b', asPem('PKCS7', pkcs7([upper]))],
  ['chain.pem', asPem('PKCS7', pkcs7([upper]))],
  ['trusted.pem', asPem('TRUSTED CERTIFICATE', upper)],
  ['upper', intermediate.cert],
  ['upper', upper],
  ['../cacerts/ca.pem', intermediate.cert],
  ['../somewhere/else/x.der', upper],
];

async function read(files: Files) {
  const folder = testFolder();
  mkdirSync(join(folder, 'd'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, 'd', name)), { recursive: true });
    writeFileSync(join(folder, 'd', name), text, { mode: 0o600 });
  }
  const source = new DirectorySource(folder, true);
  const scan = await source.scan();
  const opened = await Promise.all(
    scan.changed.map(async (name) => {
      const raw = await source.read(name);
      if (raw === null || isRefusal(raw)) return raw;
      return openAny({ ...raw, password: PASSWORD });
    }),
  );
  return { opened, strays: scan.strays };
}

describe.for(FORMS)('a leaf without its chain, as %s,', ([, form]) => {
  test.for(NEIGHBOURS)('is completed by %s beside it', async ([name, text]) => {
    const { opened, strays } = await read({ ...form, [name]: text });
    expect({ strays, bundles: opened.length }).toEqual({ strays: [], bundles: 1 });
    expect(opened[0]).toMatchObject({ bundle: { chainLength: 2 } });
  });

  test('stays as it is beside the chain of somebody else', async () => {
    const other = rsaIssuer();
    const { opened } = await read({ ...form, 'chain.pem': other.cert });
    expect(opened).toMatchObject([{ bundle: { chainLength: 1 } }]);
  });
});

test('a chain is put together from several files anywhere in the tree, whatever else lies there', async () => {
  const issuing = intermediate.intermediate('Issuing', { key: 'rsa-2048' });
  const leaf = issuing.issue({ names: ['deep.example.test'] });
  const others = Array.from({ length: 20 }, (_, at): [string, string] => [
    `../ca/${at}.crt`,
    Authority.root(`Root ${at}`).cert,
  ]);
  const { opened, strays } = await read({
    'httpd.crt': leaf.cert,
    'httpd.key': leaf.key,
    ...Object.fromEntries(others),
    '../ca/z-issuing.crt': issuing.cert,
    '../policy/upper': upper,
  });
  expect({ strays, opened }).toMatchObject({ strays: [], opened: [{ bundle: { chainLength: 3 } }] });
});

test('DER leaf, DER key and a chain in PKCS#7, all of one name, are one whole bundle', async () => {
  const chainFile = asPem('PKCS7', pkcs7([upper]));
  const { opened, strays } = await read({
    ...{ 'shop.cer': derOf(cert), 'shop.key': plainKey, 'shop.p7b': chainFile },
  });
  expect({ strays, opened }).toMatchObject({ strays: [], opened: [{ bundle: { chainLength: 2 } }] });
});

describe('an issuer that comes later, in another folder,', () => {
  test('completes what was read without it, once', async () => {
    const folder = testFolder();
    mkdirSync(join(folder, 'certs'));
    mkdirSync(join(folder, 'ca'));
    writePair(join(folder, 'certs'), 'shop', { chain: cert, key });
    const reader = new Reader(new DirectorySource(folder, true));
    await reader.settle();
    writeFileSync(join(folder, 'ca', 'sub.crt'), intermediate.cert);
    expect((await reader.pass()).changed).toEqual(['certs/shop.crt']);
    expect(reader.bundles.get('certs/shop.crt')).toMatchObject({ issuers: [intermediate.cert] });
    await reader.settle();
    expect((await reader.pass()).changed).toEqual([]);
  });

  test('is not read for bundles that others issued', async () => {
    const folder = testFolder();
    writePair(folder, 'shop', { chain: cert, key });
    const reader = new Reader(new DirectorySource(folder, true));
    writeFileSync(join(folder, 'sub-ca.crt'), intermediate.cert);
    await reader.settle();
    writeFileSync(join(folder, 'other-ca.crt'), Authority.root('Other').cert);
    expect((await reader.pass()).changed).toEqual([]);
    expect(reader.bundles.get('shop.crt')).toMatchObject({ issuers: [intermediate.cert] });
  });
});

describe('a file without an ending', () => {
  test('is a bundle where key, leaf and chain are in it', async () => {
    const { opened, strays } = await read({ certABCDEF: key + chain });
    expect({ strays, opened }).toMatchObject({ strays: [], opened: [{ bundle: { chainLength: 2 } }] });
  });

  test.for<[string, Files]>([
    ['in two files', { shop: cert, secret: key, upper }],
    ['in PKCS#12', { shop: p12(chain, key, 'aes256') }],
  ])('is taken for what its content is, %s', async ([, files]) => {
    const folder = testFolder();
    for (const [name, text] of Object.entries(files))
      writeFileSync(join(folder, name), text, { mode: 0o600 });
    const passwords = { passwordOf: () => Promise.resolve(PASSWORD) };
    const source = new DirectorySource(folder, true, { passwords });
    const scan = await source.scan();
    expect(scan).toMatchObject({ changed: ['shop'], strays: [], errors: [] });
    const raw = await source.read('shop');
    if (raw === null || isRefusal(raw)) throw new Error('it cannot be read');
    expect(await openAny({ ...raw, password: PASSWORD })).toMatchObject({ bundle: { chainLength: 2 } });
  });

  test('is a stray file where it is a key that no certificate has, or where it is cut off', async () => {
    const { opened, strays } = await read({ secret: key, torn: chain.slice(0, -40) });
    expect(opened).toEqual([]);
    expect(strays?.map(({ reason }) => reason).sort()).toEqual(['incomplete', 'missing_certificate']);
  });

  test('is left alone where it is something else', async () => {
    const { opened, strays } = await read({
      notes: 'to do\n',
      script: '#!/bin/sh\nexit\n',
      archive: Buffer.from('504b030400', 'hex'),
      page: '<!doctype html><title>x</title>',
      large: Buffer.alloc(200_000, 48),
      empty: '',
    });
    expect({ opened, strays }).toEqual({ opened: [], strays: [] });
  });
});
