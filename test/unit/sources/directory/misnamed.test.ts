import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, test } from 'vitest';
import { DirectorySource } from '../../../../src/sources';
import { issue } from '../../../support/bundles';
import { testFolder } from '../../../support/folders';
import { Reader } from '../../../support/scans';

const live = issue();
const other = issue({ names: ['other.test'] });

/** Content of each kind of file. */
const CONTENTS = {
  cert: live.chain,
  key: live.key,
  'other cert': other.chain,
  'other key': other.key,
  'other both': other.chain + other.key,
  text: 'not a certificate',
  'text with a certificate in it': `<ca>\n${other.chain}</ca>\n`,
  large: other.chain + '#'.repeat(70_000),
};

type Files = Record<string, keyof typeof CONTENTS>;

async function look(files: Files) {
  const folder = testFolder();
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), CONTENTS[content], { mode: 0o600 });
  const reader = new Reader(new DirectorySource(folder, true));
  await reader.settle();
  const { strays = [], total } = await reader.pass();
  return { folder, reader, total, strays: strays.map(({ location }) => location.slice(folder.length + 1)) };
}

const LIVE: Files = { 'shop.crt': 'cert', 'shop.key': 'key' };

test.for<[what: string, files: Files]>([
  ['a backup beside it', { 'shop.crt.bak': 'other cert', 'shop.key.bak': 'other key' }],
  ['a backup under its stem', { 'shop.bak': 'other both' }],
  ['what an editor leaves', { 'shop.crt~': 'other cert' }],
  ['numbered copies', { 'shop.crt.1': 'other cert', 'shop.crt.2026-01-01': 'other cert' }],
  ['a copy under any name', { 'copy.old': 'cert', 'copy-of-key.old': 'key' }],
  ['what is no certificate', { 'shop.csr': 'text', notes: 'text', 'openssl.cnf': 'text' }],
  ['a configuration with a certificate in it', { 'client.ovpn': 'text with a certificate in it' }],
  ['what is too large', { 'dump.bin': 'large' }],
])('a pair needs no word about %s', async ([, files]) => {
  expect(await look({ ...LIVE, ...files })).toMatchObject({ total: 1, strays: [] });
});

test.for<[what: string, files: Files]>([
  ['certificate and key with endings that nobody knows', { 'a.txt': 'other cert', 'a.secret': 'other key' }],
  ['both in one file', { 'all.data': 'other both' }],
  ["Traefik's store", { 'acme.json': 'text' }],
  ['a backup of which nothing is left', { 'gone.crt.bak': 'other cert', 'gone.key.bak': 'other key' }],
])('%s are accounted for, and no bundle', async ([, files]) => {
  expect(await look({ ...LIVE, ...files })).toMatchObject({
    total: 1,
    strays: Object.keys(files).sort(),
  });
});

test.for<[cert: string, key: string]>([
  ['shop.certificate', 'shop.privatekey'],
  ['shop.fullchain', 'shop.privkey'],
  ['SHOP.CERTIFICATE', 'SHOP.PRIVATE'],
])('%s with %s are a pair', async ([cert, key]) => {
  expect(await look({ [cert]: 'cert', [key]: 'key' })).toMatchObject({ total: 1, strays: [] });
});

it('the row says what is in the file, and goes with it', async () => {
  const { folder, reader } = await look({ ...LIVE, 'all.data': 'other both' });
  const { strays } = await reader.pass();
  expect(strays).toEqual([
    {
      location: join(folder, 'all.data'),
      reason: 'unsupported_format',
      message: `${join(folder, 'all.data')} holds a certificate with its key, and files with that extension are not read; name it .pem, .crt or .key if it should be served`,
    },
  ]);
  rmSync(join(folder, 'all.data'));
  expect((await reader.settle(), await reader.pass()).strays).toEqual([]);
});
