import { expect, it, test } from 'vitest';
import { issue } from '../support/bundles';
import { eventually } from '../support/eventually';
import { readerOf, troubles } from '../support/remote-source';
import { describeWithVault } from './real-vault';

/** The policy of docs/configuration.md. */
const LEAST_POLICY = `
path "secret/metadata/certs/*" { capabilities = ["read", "list"] }
path "secret/data/certs/*" { capabilities = ["read"] }
`;

const first = issue();
const second = issue();
const fieldsOf = ({ chain, key }: typeof first) => ({ 'tls.crt': chain, 'tls.key': key });

describeWithVault('a real Vault', (vault) => {
  const put = (path: string, data: object) => vault().call('POST', `secret/data/${path}`, { data });
  const sourceOf = (more: object) => {
    return readerOf({
      type: 'vault',
      url: vault().url,
      ca_file: vault().caFile,
      token: vault().root,
      ...more,
    });
  };

  it('a secret of KV 2 is read once, again when it was renewed, and goes and comes', async () => {
    await put('one/www', fieldsOf(first));
    const reader = sourceOf({ secret_path: 'one/www' });
    expect(await reader.pass()).toEqual({ changed: ['one/www'], removed: [], total: 1, errors: [] });
    expect(await reader.pass()).toEqual({ changed: [], removed: [], total: 1, errors: [] });
    await put('one/www', fieldsOf(second));
    expect((await reader.pass()).changed).toEqual(['one/www']);
    expect(reader.texts('one/www')).toEqual({ cert: second.chain, key: second.key });
    await vault().call('DELETE', 'secret/data/one/www');
    expect(await reader.pass()).toMatchObject({ removed: ['one/www'], total: 0 });
    await vault().call('POST', 'secret/undelete/one/www', { versions: [2] });
    expect((await reader.pass()).changed).toEqual(['one/www']);
    await vault().call('POST', 'secret/destroy/one/www', { versions: [2] });
    expect(await reader.pass()).toMatchObject({ removed: ['one/www'], total: 0 });
    await vault().call('DELETE', 'secret/metadata/one/www');
    expect(troubles(await reader.pass())).toContain(
      'unreadable: Vault secret secret/one/www does not exist (yet)',
    );
    // Counts from 1 again.
    await put('one/www', fieldsOf(first));
    await put('one/www', fieldsOf(second));
    expect((await reader.pass()).changed).toEqual(['one/www']);
  });

  it('a secret of KV 1 is found without being told the version', async () => {
    await vault().call('POST', 'kv1/certs/www', fieldsOf(first));
    const reader = sourceOf({ mount: 'kv1', secret_path: 'certs/www' });
    expect(await reader.pass()).toMatchObject({ changed: ['certs/www'], errors: [] });
    expect((await reader.pass()).changed).toEqual([]);
    await vault().call('POST', 'kv1/certs/www', fieldsOf(second));
    expect((await reader.pass()).changed).toEqual(['certs/www']);
    const folder = sourceOf({ mount: 'kv1', secret_path: '/' });
    await folder.pass();
    expect(folder.names).toEqual(['certs/www']);
  });

  it('a folder is followed with the least policy of the documentation', async () => {
    await put('certs/www', fieldsOf(first));
    await put('certs/eu/api', fieldsOf(second));
    await put('certs/database', { password: 'p' });
    await put('private/www', fieldsOf(second));
    const token = await vault().token(LEAST_POLICY);
    const reader = sourceOf({ token, secret_path: 'certs/' });
    expect(await reader.pass()).toMatchObject({ total: 2, errors: [] });
    expect(reader.names).toEqual(['certs/eu/api', 'certs/www']);
    expect(await reader.pass()).toEqual({ changed: [], removed: [], total: 2, errors: [] });
    const other = sourceOf({ token, secret_path: 'private/www' });
    expect(troubles(await other.pass())).toContain(
      'the policy of the token has to grant "read" on secret/data/private/www',
    );
  });

  it('one secret needs no more than to be read', async () => {
    await put('certs/www', fieldsOf(first));
    const token = await vault().token('path "secret/data/certs/www" { capabilities = ["read"] }');
    const reader = sourceOf({ token, secret_path: 'certs/www' });
    expect(await reader.pass()).toMatchObject({ changed: ['certs/www'], errors: [] });
    expect(await reader.pass()).toEqual({ changed: [], removed: [], total: 1, errors: [] });
  });

  it('AppRole logs in, anew when its token is revoked, and says what is wrong with it', async () => {
    await put('certs/www', fieldsOf(first));
    await vault().call('PUT', 'sys/policies/acl/certs', { policy: LEAST_POLICY });
    await vault().call('POST', 'auth/approle/role/kong', { token_policies: 'certs', token_ttl: '1h' });
    const { data: role } = await vault().call('GET', 'auth/approle/role/kong/role-id');
    const { data: secret } = await vault().call('POST', 'auth/approle/role/kong/secret-id', {});
    const access = { role_id: role['role_id'], secret_id: secret['secret_id'], secret_path: 'certs/www' };
    const reader = sourceOf({ token: null, ...access });
    expect(await reader.pass()).toMatchObject({ changed: ['certs/www'], errors: [] });
    await vault().call('POST', 'auth/token/tidy');
    const { data: accessors } = await vault().call('LIST', 'auth/token/accessors');
    const { data: own } = await vault().call('GET', 'auth/token/lookup-self');
    for (const accessor of accessors['keys'] as string[]) {
      if (accessor !== own['accessor'])
        await vault().call('POST', 'auth/token/revoke-accessor', { accessor });
    }
    expect(await reader.pass()).toEqual({ changed: [], removed: [], total: 1, errors: [] });

    for (const wrong of [{ secret_id: 'wrong' }, { role_id: 'wrong' }]) {
      const scan = await sourceOf({ token: null, ...access, ...wrong }).pass();
      expect(troubles(scan)).toMatch(
        /^forbidden: .* refuses the login \(400\): role_id or secret_id is wrong/,
      );
    }
    const elsewhere = sourceOf({ token: null, ...access, auth_mount: 'nowhere' });
    expect(troubles(await elsewhere.pass())).toMatch(/^forbidden: .* refuses the login \(40[34]\)/);
  });

  it('a token is renewed before it ends, and one that has ended is said not to be accepted', async () => {
    await put('certs/www', fieldsOf(first));
    const token = await vault().token(LEAST_POLICY, { ttl: '8s' });
    const reader = sourceOf({ token, secret_path: 'certs/www' });
    await reader.pass();
    const until = Date.now() + 9_000;
    await eventually('it outlives its time', async () => {
      expect((await reader.pass()).errors).toEqual([]);
      return Date.now() > until;
    });
    await vault().call('POST', 'auth/token/revoke', { token });
    expect(troubles(await reader.pass())).toContain('the token is not accepted');
  });

  test.for([
    ['a mount that is not there', { mount: 'nowhere', secret_path: 'www' }, /nowhere/],
    [
      'a mount that is something else',
      { mount: 'sys', secret_path: 'www' },
      /mount sys of Vault is not a KV engine/,
    ],
    ['a folder that is empty', { secret_path: 'nothing/' }, /secret\/nothing\/ holds no secrets \(yet\)/],
    ['a version that it is not', { kv_version: 1, secret_path: 'certs/www' }, /secret\/certs\/www/],
  ] as const)('%s is an error that names it', async ([, source, words]) => {
    await put('certs/www', fieldsOf(first));
    const scan = await sourceOf(source).pass();
    expect(troubles(scan)).toMatch(words);
  });

  it('that is sealed is reported as such, and bundles that were read stay', async () => {
    await put('certs/www', fieldsOf(first));
    const reader = sourceOf({ secret_path: 'certs/www' });
    await reader.pass();
    await vault().seal();
    const scan = await reader.pass();
    expect(scan).toMatchObject({ changed: [], removed: [], total: 1 });
    expect(troubles(scan)).toContain('answers 503: it is sealed: unseal it');
    await vault().unseal();
    await eventually('it answers again', async () => (await reader.pass()).errors.length === 0);
  });
});
