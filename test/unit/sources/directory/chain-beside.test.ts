import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openAny } from '../../../../src/certificates';
import { isRefusal } from '../../../../src/model';
import { DirectorySource } from '../../../../src/sources';
import { derOf } from '../../../support/bundles';
import { testFolder } from '../../../support/folders';
import { jks, p12, PASSWORD, pkcs7, rsaIssuer } from '../../../support/format-files';

const intermediate = rsaIssuer();
const { cert, key, chain } = intermediate.issue({ names: ['www.example.test'], key: 'rsa-2048' });
const plainKey = derOf(key);
const upper = derOf(intermediate.cert);

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

/** What completes its chain, in each form and by each name. */
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
];

async function read(files: Files) {
  const folder = testFolder();
  mkdirSync(join(folder, 'd'));
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(folder, 'd', name), text, { mode: 0o600 });
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
