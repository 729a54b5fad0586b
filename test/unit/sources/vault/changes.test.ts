import { beforeEach, describe, expect, it, test } from 'vitest';
import type { Issued } from '../../../../src/authority/authority';
import { issue } from '../../../support/bundles';
import { readerOf, troubles } from '../../../support/remote-source';
import { StandInVault } from '../../../support/vault';

const first = issue();
const second = issue();
const fieldsOf = ({ chain, key }: Issued) => ({ 'tls.crt': chain, 'tls.key': key });

let vault: StandInVault;
let token: string;
beforeEach(async () => {
  vault = await StandInVault.start();
  token = vault.token({ 'secret/': ['read', 'list'], 'kv1/': ['read', 'list'] });
});

const sourceOf = (more: object) => readerOf({ type: 'vault', url: vault.url, token, ...more });

describe.each([2, 1])('a secret of KV version %i', (version) => {
  const mount = version === 1 ? 'kv1' : 'secret';
  const path = `${mount}/certs/www`;
  const cheap = version === 1 ? `GET ${path}` : 'GET secret/metadata/certs/www';

  it('is read once, and again when it was renewed; unchanged it costs one request', async () => {
    vault.put(path, fieldsOf(first));
    const reader = sourceOf({ mount, secret_path: 'certs/www' });
    expect(await reader.pass()).toEqual({ changed: ['certs/www'], removed: [], total: 1, errors: [] });
    expect(reader.texts('certs/www')).toEqual({ cert: first.chain, key: first.key });
    expect(vault.requests().filter((one) => one.includes('certs/www'))).toHaveLength(1);

    for (let poll = 0; poll < 3; poll++) {
      expect(await reader.pass()).toEqual({ changed: [], removed: [], total: 1, errors: [] });
      expect(vault.requests()).toEqual([cheap]);
    }

    vault.put(path, fieldsOf(second));
    expect((await reader.pass()).changed).toEqual(['certs/www']);
    expect(reader.texts('certs/www')).toEqual({ cert: second.chain, key: second.key });
  });

  it('that is deleted and made anew with the same number of versions is a change', async () => {
    vault.put(path, fieldsOf(first));
    const reader = sourceOf({ mount, secret_path: 'certs/www' });
    await reader.pass();
    vault.deleteAll(path);
    const scan = await reader.pass();
    expect(scan).toMatchObject({ changed: [], removed: ['certs/www'], total: 0 });
    expect(troubles(scan)).toContain(`unreadable: Vault secret ${path} does not exist (yet)`);
    vault.put(path, fieldsOf(second));
    expect((await reader.pass()).changed).toEqual(['certs/www']);
  });

  it('is found with all others below a folder, at any depth, without those that are no certificates', async () => {
    vault.put(path, fieldsOf(first));
    vault.put(`${mount}/certs/eu/api`, fieldsOf(second));
    vault.put(`${mount}/certs/database`, { username: 'u', password: 'p' });
    vault.put(`${mount}/other/www`, fieldsOf(second));
    const reader = sourceOf({ mount, secret_path: 'certs/' });
    const scan = await reader.pass();
    expect(scan).toMatchObject({ removed: [], total: 2, errors: [] });
    expect(reader.names).toEqual(['certs/eu/api', 'certs/www']);
    expect(await reader.pass()).toEqual({ changed: [], removed: [], total: 2, errors: [] });
    vault.deleteAll(path);
    expect(await reader.pass()).toMatchObject({ removed: ['certs/www'], total: 1 });
    vault.put(`${mount}/certs/database`, fieldsOf(first));
    expect((await reader.pass()).changed).toEqual(['certs/database']);
  });

  it('may stand anywhere: the folder can be the whole mount', async () => {
    vault.put(`${mount}/a b/ü`, fieldsOf(first));
    const reader = sourceOf({ mount, secret_path: '/' });
    await reader.pass();
    expect(reader.names).toEqual(['a b/ü']);
  });
});

it('whose latest version is deleted goes, and comes back with the next', async () => {
  vault.put('secret/certs/www', fieldsOf(first));
  const reader = sourceOf({ secret_path: 'certs/www' });
  await reader.pass();
  vault.deleteLatest('secret/certs/www');
  expect(await reader.pass()).toMatchObject({ changed: [], removed: ['certs/www'], total: 0 });
  vault.put('secret/certs/www', fieldsOf(first));
  expect((await reader.pass()).changed).toEqual(['certs/www']);
});

it('whose metadata the policy leaves out is followed by reading it', async () => {
  vault.put('secret/certs/www', fieldsOf(first));
  token = vault.token({ 'secret/data/certs/www': ['read'] });
  const reader = sourceOf({ secret_path: 'certs/www' });
  expect(await reader.pass()).toMatchObject({ changed: ['certs/www'], errors: [] });
  // The second tries the metadata; from then on it is known.
  await reader.pass();
  vault.requests();
  expect(await reader.pass()).toMatchObject({ changed: [], total: 1, errors: [] });
  expect(vault.requests()).toEqual(['GET secret/data/certs/www']);
  vault.put('secret/certs/www', fieldsOf(second));
  expect((await reader.pass()).changed).toEqual(['certs/www']);
});

it('is not asked for when a watch of other sources saw something', async () => {
  vault.put('secret/certs/www', fieldsOf(first));
  const reader = sourceOf({ secret_path: 'certs/www' });
  await reader.pass();
  vault.requests();
  expect(await reader.pass(new Set(['/etc/kong/certs']))).toMatchObject({ changed: [], total: 1 });
  expect(vault.requests()).toEqual([]);
});

it('is read again at the next poll when it could not be read right before its write', async () => {
  vault.put('secret/certs/www', fieldsOf(first));
  const reader = sourceOf({ secret_path: 'certs/www' });
  await reader.pass();
  await reader.pass();
  vault.outage = [503, { errors: ['Vault is sealed'] }];
  expect(await reader.source.read('certs/www')).toMatchObject({ reason: 'unreachable' });
  vault.outage = null;
  expect((await reader.pass()).changed).toEqual(['certs/www']);
});

it('is looked for in version 2 where the token may not ask, and in the one that is configured', async () => {
  vault.mayKnowMounts = false;
  vault.put('secret/certs/www', fieldsOf(first));
  vault.put('kv1/certs/www', fieldsOf(first));
  expect((await sourceOf({ secret_path: 'certs/www' }).pass()).changed).toEqual(['certs/www']);
  const one = sourceOf({ mount: 'kv1', kv_version: 1, secret_path: 'certs/www' });
  vault.requests();
  expect((await one.pass()).changed).toEqual(['certs/www']);
  expect(vault.requests()).toEqual(['GET auth/token/lookup-self', 'GET kv1/certs/www']);
});

describe('the keys of a secret', () => {
  const { chain, cert, key } = first;
  const intermediates = chain.slice(cert.length);
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  test.for<[string, object, object, { cert: string; key: string; issuers?: string[] }]>([
    ['of Kubernetes', { 'tls.crt': chain, 'tls.key': key }, {}, { cert: chain, key }],
    [
      "of Vault's PKI, with a list as chain",
      { certificate: cert, private_key: key, ca_chain: [intermediates], issuing_ca: '', serial_number: '1' },
      {},
      { cert, key, issuers: [intermediates] },
    ],
    [
      "of Vault's PKI, with a text as chain",
      { certificate: cert, private_key: key, ca_chain: intermediates },
      {},
      { cert, key, issuers: [intermediates] },
    ],
    ["of Vault's PKI as one bundle", { certificate: key + chain }, {}, { cert: key + chain, key: '' }],
    ['of certbot', { fullchain: chain, privkey: key }, {}, { cert: chain, key }],
    ['of certbot with its endings', { 'fullchain.pem': chain, 'privkey.pem': key }, {}, { cert: chain, key }],
    ['as they are made by hand', { cert: chain, key }, {}, { cert: chain, key }],
    ['in base64', { cert: base64(chain), key: base64(key) }, {}, { cert: chain, key }],
    ['of a keystore', { 'keystore.p12': 'MIIF' }, {}, { cert: 'MIIF', key: '' }],
    [
      'that are named',
      { leaf: cert, secret: key, rest: intermediates, cert: 'something else', key: 'x' },
      { cert_field: 'leaf', key_field: 'secret', chain_field: 'rest' },
      { cert, key, issuers: [intermediates] },
    ],
    ['of two kinds: the one with its key', { certificate: 'x', cert: chain, key }, {}, { cert: chain, key }],
    ['without a key', { cert: chain }, {}, { cert: chain, key: '' }],
  ])('%s', async ([, data, names, texts]) => {
    vault.put('secret/www', data);
    const reader = sourceOf({ secret_path: 'www', ...names });
    await reader.pass();
    expect(reader.bundles.get('www')).toEqual({ name: 'www', location: 'Vault secret secret/www', ...texts });
  });

  it('that hold no certificate are named in the refusal, their values are not', async () => {
    vault.put('secret/www', { username: 'u', password: 'hunter2' });
    const reader = sourceOf({ secret_path: 'www' });
    await reader.pass();
    expect(reader.bundles.get('www')).toEqual({
      reason: 'missing_certificate',
      message:
        'Vault secret secret/www has no certificate under the usual keys; it has username, password: set cert_field and key_field',
    });
  });
});

it('reads every secret where somebody wants to know, whatever its metadata says', async () => {
  vault.put('secret/certs/www', fieldsOf(first));
  const reader = sourceOf({ secret_path: 'certs/www' });
  await reader.pass();
  vault.requests();
  expect((await reader.pass(undefined, { whole: true })).changed).toEqual([]);
  expect(vault.requests()).toEqual(['GET secret/data/certs/www']);
});

it('a secret that is larger than any bundle is refused, and hides no other', async () => {
  vault.put('secret/certs/big', { ...fieldsOf(first), 'tls.crt': first.chain + ' '.repeat(1_048_576) });
  vault.put('secret/certs/www', fieldsOf(second));
  const reader = sourceOf({ secret_path: 'certs/' });
  expect(await reader.pass()).toMatchObject({ total: 2, errors: [] });
  expect(reader.texts('certs/big')).toBe('too_large');
  expect(reader.texts('certs/www')).toEqual({ cert: second.chain, key: second.key });
});
