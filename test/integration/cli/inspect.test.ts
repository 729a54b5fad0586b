import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, test } from 'vitest';
import { Authority } from '../../../src/authority/authority';
import { authorities, issue, secretsIn } from '../../support/bundles';
import { cli } from '../../support/cli';
import { testFolder } from '../../support/folders';
import { leafOf } from '../../support/tls';

const days = (count: number) => new Date(Date.now() + count * 86_400_000);
const good = issue();
const late = issue({ notBefore: days(-90), notAfter: days(-1) });

/** Writes texts into files of a new folder. @returns their paths */
function files(...texts: string[]): string[] {
  const folder = testFolder();
  return texts.map((text, index) => {
    const path = join(folder, `file-${index + 1}.pem`);
    writeFileSync(path, text);
    return path;
  });
}

test.for([
  ['a certificate and its key', [good.chain, good.key]],
  ['a key and its certificate', [good.key, good.chain]],
  ['one file with both', [good.key + good.chain]],
  ['one file with leaf and key, and the chain', [good.cert + good.key, authorities().intermediate.cert]],
  ['leaf, intermediate and key', [good.cert, authorities().intermediate.cert, good.key]],
] as const)('%s are accepted', async ([, texts]) => {
  const { code, stdout, stderr } = await cli('inspect', ...files(...texts));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('accepted');
  expect(stdout).toContain('chain 1');
  expect(stdout).toContain('www.example.test');
  expect(stdout).toContain(leafOf(good.cert));
  for (const secret of secretsIn(good.key)) expect(stdout).not.toContain(secret);
});

test.for([
  ['missing_key', [good.chain]],
  ['missing_certificate', [good.key]],
  ['key_mismatch', [good.chain, issue().key]],
  ['expired', [late.chain, late.key]],
  ['ca_as_leaf', [authorities().root.cert, pemKey()]],
  ['incomplete', [good.chain.slice(0, -30), good.key]],
  ['unsupported_format', ['hello', good.key]],
] as const)('what is refused as %s ends with 1', async ([reason, texts]) => {
  const { code, stdout } = await cli('inspect', '--json', ...files(...texts));
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ verdict: 'refused', reason });
  for (const secret of secretsIn(good.key)) expect(stdout).not.toContain(secret);
});

it('a certificate with the text of another one inside is shown with its own issuer', async () => {
  const other = Authority.root('Elsewhere').issue({ names: ['www.example.test'] });
  const value = Buffer.from(`\n${other.cert}`);
  const { chain, key } = issue({ extensions: [{ id: '1.3.6.1.4.1.99999.1', value }] });
  const { code, stdout } = await cli('inspect', ...files(chain, key));
  expect(code).toBe(0);
  expect(stdout).not.toContain('Elsewhere');
});

function pemKey(): string {
  return authorities().root.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

it('a PKCS#12 needs its password, which is not shown', async () => {
  const [cert = '', key = '', password = ''] = files(good.chain, good.key, 'open-sesame\n');
  const store = `${cert}.p12`;
  const made = [
    'pkcs12',
    '-export',
    '-in',
    cert,
    '-inkey',
    key,
    '-out',
    store,
    '-passout',
    'pass:open-sesame',
  ];
  execFileSync('openssl', made);
  expect(await cli('inspect', store)).toMatchObject({ code: 1 });
  const { code, stdout } = await cli('inspect', store, '--password-file', password);
  expect(code).toBe(0);
  expect(stdout).toContain('PKCS#12');
  expect(stdout).not.toContain('open-sesame');
});

test.for([
  ['a file that is not there', ['inspect', '/nowhere.pem'], '/nowhere.pem: cannot be read (ENOENT)'],
  ['no file', ['inspect'], "missing required argument 'file'"],
  ['a folder', ['inspect', '/tmp'], '/tmp: cannot be read (EISDIR)'],
] as const)('%s ends with 1 and a sentence', async ([, args, sentence]) => {
  const { code, stderr } = await cli(...args);
  expect(code).toBe(1);
  expect(stderr).toContain(sentence);
});
