import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, test } from 'vitest';
import { issue } from '../../../support/bundles';
import { eventually } from '../../../support/eventually';
import { testFolder } from '../../../support/folders';
import { testAuthority } from '../../../support/https-server';
import { readerOf, troubles } from '../../../support/remote-source';
import { StandInVault } from '../../../support/vault';
import { closedPort } from '../../../support/tls-server';

const { chain, key } = issue();
const PATH = 'secret/certs/www';
const MAY = { 'secret/': ['read', 'list'] } as const;
const SECRET_ID = 's3cret-id';
const JWT = 'eyJ.s3cret.jwt';

let vault: StandInVault;
beforeEach(async () => {
  vault = await StandInVault.start();
  vault.put(PATH, { 'tls.crt': chain, 'tls.key': key });
});

const sourceOf = (more: object) =>
  readerOf({ type: 'vault', url: vault.url, secret_path: 'certs/www', ...more });

function fileWith(content: string): string {
  const file = join(testFolder(), 'file');
  writeFileSync(file, content);
  return file;
}

describe('a token', () => {
  test.for<[string, (token: string) => object]>([
    ['in the configuration', (token) => ({ token })],
    ['in a file', (token) => ({ token_file: fileWith(`${token}\n`) })],
  ])('%s lets the secret be read', async ([, configure]) => {
    const reader = sourceOf(configure(vault.token(MAY)));
    expect(await reader.pass()).toMatchObject({ changed: ['certs/www'], errors: [] });
  });

  it('that an agent rotates is taken from its file with the next poll', async () => {
    const file = fileWith(vault.token(MAY));
    const reader = sourceOf({ token_file: file });
    await reader.pass();
    vault.tokens.clear();
    writeFileSync(file, vault.token(MAY));
    vault.put(PATH, { 'tls.crt': chain, 'tls.key': key });
    expect(await reader.pass()).toMatchObject({ changed: ['certs/www'], errors: [] });
  });

  it('is renewed before it ends, without a poll', async () => {
    const token = vault.token(MAY, 4, true);
    await sourceOf({ token }).pass();
    const endsAt = vault.tokens.get(token)?.expiresAt ?? 0;
    await eventually('it lives longer', () => (vault.tokens.get(token)?.expiresAt ?? 0) > endsAt);
    // Vault renews none that has ended.
    await eventually(
      'it is renewed again',
      () => Date.now() > endsAt && vault.tokens.get(token)!.expiresAt > Date.now(),
    );
  });

  it('is not renewed any more once the source is closed', async () => {
    const token = vault.token(MAY, 2, true);
    const { source } = sourceOf({ token });
    await source.scan();
    source.close?.();
    const endsAt = vault.tokens.get(token)?.expiresAt ?? 0;
    await eventually('its time is over', () => Date.now() > endsAt);
    expect(vault.requests().filter((one) => one.includes('renew'))).toEqual([]);
  });

  it('that cannot be renewed is an error while the secret can still be read', async () => {
    const token = vault.token(MAY, 4, true);
    const reader = sourceOf({ token });
    await reader.pass();
    vault.tokens.get(token)!.renewable = false;
    await eventually('it says so', async () =>
      troubles(await reader.pass()).includes('cannot be renewed, it ends at'),
    );
    expect(reader.texts('certs/www')).toEqual({ cert: chain, key });
  });

  it('that is not accepted is told from one that lacks a right', async () => {
    const unknown = sourceOf({ token: 'hvs.unknown' });
    expect(troubles(await unknown.pass())).toContain(
      'forbidden: secret/data/certs/www of Vault cannot be read (403): the token is not accepted',
    );
    const poor = sourceOf({ token: vault.token({ 'secret/data/other': ['read'] }) });
    expect(troubles(await poor.pass())).toContain(
      '(403): the policy of the token has to grant "read" on secret/data/certs/www',
    );
    const folder = sourceOf({ secret_path: 'certs/', token: vault.token({ 'secret/data/': ['read'] }) });
    expect(troubles(await folder.pass())).toContain('has to grant "list" on secret/metadata/certs/');
  });

  it('that may read only some secrets of a folder shows those, and says what is missing', async () => {
    vault.put('secret/certs/private', { 'tls.crt': chain, 'tls.key': key });
    const token = vault.token({
      'secret/metadata/certs/private': [],
      'secret/metadata/': ['read', 'list'],
      'secret/data/certs/private': [],
      'secret/data/certs/': ['read'],
    });
    for (let number = 0; number < 30; number++)
      vault.put(`secret/certs/z${number}`, { 'tls.crt': chain, 'tls.key': key });
    const scan = await sourceOf({ secret_path: 'certs/', token }).pass();
    expect(scan.total).toBe(31);
    expect(scan.changed).not.toContain('certs/private');
    expect(troubles(scan)).toContain('has to grant "read" on secret/data/certs/private');
  });
});

describe('AppRole', () => {
  const role = { role_id: 'kong', secret_id: SECRET_ID };
  const login = (ttl: number, renewable: boolean, mount = 'approle') =>
    vault.logins.set(`${mount} kong ${SECRET_ID}`, { may: MAY, ttl, renewable });

  test.for<[string, string, () => object]>([
    ['at its usual place', 'approle', () => role],
    ['elsewhere', 'teams/kong', () => ({ ...role, auth_mount: '/teams/kong/' })],
    [
      'with its secret in a file',
      'approle',
      () => ({ role_id: 'kong', secret_id_file: fileWith(`${SECRET_ID}\n`) }),
    ],
  ])('%s logs in once for many polls', async ([, mount, configure]) => {
    login(3600, true, mount);
    const reader = sourceOf(configure());
    expect(await reader.pass()).toMatchObject({ changed: ['certs/www'], errors: [] });
    await reader.pass();
    await reader.pass();
    expect(vault.requests().filter((one) => one.startsWith('POST'))).toEqual([`POST auth/${mount}/login`]);
  });

  it('logs in anew when the token was revoked, within the same poll', async () => {
    login(3600, true);
    const reader = sourceOf(role);
    await reader.pass();
    vault.tokens.clear();
    vault.requests();
    expect(await reader.pass()).toEqual({ changed: [], removed: [], total: 1, errors: [] });
    expect(vault.requests()).toEqual([
      'GET secret/metadata/certs/www',
      'POST auth/approle/login',
      'POST auth/token/revoke-self',
      'GET secret/metadata/certs/www',
    ]);
  });

  it('logs in anew before a request when its token has run out', async () => {
    login(2, false);
    const reader = sourceOf(role);
    await reader.pass();
    vault.requests();
    await reader.pass();
    expect(vault.requests()).toEqual(['POST auth/approle/login', 'GET secret/metadata/certs/www']);
  });

  it('tries one login a poll when a right is what is missing', async () => {
    vault.logins.set(`approle kong ${SECRET_ID}`, { may: {}, ttl: 3600, renewable: true });
    for (let number = 0; number < 20; number++) vault.put(`secret/certs/${number}`, {});
    const reader = sourceOf({ ...role, secret_path: 'certs/' });
    for (let poll = 0; poll < 2; poll++) {
      vault.requests();
      expect(troubles(await reader.pass())).toContain('has to grant "list" on secret/metadata/certs/');
      expect(vault.requests().filter((one) => one.endsWith('/login'))).toHaveLength(1);
      // The one before is given back, else they would pile up.
      expect(vault.tokens.size).toBe(1);
    }
  });

  it('whose secret is used up goes on with its token, though a right is missing for one secret', async () => {
    const may = { 'secret/metadata/': ['read', 'list'], 'secret/data/certs/private': [], ...MAY } as const;
    vault.logins.set(`approle kong ${SECRET_ID}`, { may, ttl: 3600, renewable: true });
    vault.put('secret/certs/private', {});
    for (let number = 0; number < 20; number++)
      vault.put(`secret/certs/z${number}`, { 'tls.crt': chain, 'tls.key': key });
    const reader = sourceOf({ ...role, secret_path: 'certs/' });
    await reader.pass();
    vault.logins.clear();
    for (let poll = 0; poll < 2; poll++) {
      vault.put(PATH, { 'tls.crt': chain, 'tls.key': key });
      vault.requests();
      const scan = await reader.pass();
      expect(scan).toMatchObject({ changed: ['certs/www'], total: 21 });
      expect(troubles(scan)).toBe(
        'forbidden: secret/data/certs/private of Vault cannot be read (403): the policy of the token has to grant "read" on secret/data/certs/private',
      );
      expect(vault.requests().filter((one) => one.endsWith('/login'))).toHaveLength(1);
    }
  });

  it('that is refused in the middle of a folder is tried once, and said once', async () => {
    login(3600, true);
    for (let number = 0; number < 30; number++)
      vault.put(`secret/certs/z${number}`, { 'tls.crt': chain, 'tls.key': key });
    const reader = sourceOf({ ...role, secret_path: 'certs/' });
    await reader.pass();
    vault.logins.clear();
    vault.onList = () => vault.tokens.clear();
    vault.requests();
    expect(troubles(await reader.pass())).toMatch(/^forbidden: Vault at .* refuses the login \(400\)[^\n]*$/);
    expect(vault.requests().filter((one) => one.endsWith('/login'))).toHaveLength(1);
  });

  it('that is refused says what to look at, and is tried once a poll', async () => {
    const reader = sourceOf(role);
    expect(troubles(await reader.pass())).toMatch(
      /^forbidden: Vault at .* refuses the login \(400\): role_id or secret_id is wrong/,
    );
    expect(vault.requests()).toEqual(['POST auth/approle/login']);
  });
});

describe('Kubernetes', () => {
  it('logs in with the service account, whose token is read anew', async () => {
    const jwt = fileWith(`${JWT}\n`);
    const reader = sourceOf({ role: 'kong', jwt_file: jwt });
    expect(troubles(await reader.pass())).toContain('refuses the login (400)');
    vault.logins.set(`kubernetes kong ${JWT}-2`, { may: MAY, ttl: 3600, renewable: true });
    writeFileSync(jwt, `${JWT}-2`);
    expect(await reader.pass()).toMatchObject({ changed: ['certs/www'], errors: [] });
  });

  it('says so where no service account is mounted', async () => {
    const scan = await sourceOf({ role: 'kong', jwt_file: '/nowhere/token' }).pass();
    expect(troubles(scan)).toContain('unreadable: /nowhere/token cannot be read: it does not exist (yet)');
  });
});

it('an agent on loopback that has a token of its own needs none', async () => {
  const reader = sourceOf({});
  expect(troubles(await reader.pass())).toContain('(403): the policy of the token has to grant "read"');
  vault.agentToken = vault.token(MAY);
  expect(await reader.pass()).toMatchObject({ changed: ['certs/www'], errors: [] });
  expect(vault.seen.every(({ headers }) => headers['x-vault-token'] === undefined)).toBe(true);
  // It can be set to want this, so that no web page can make a browser ask.
  expect(vault.seen.every(({ headers }) => headers['x-vault-request'] === 'true')).toBe(true);
});

it('the namespace goes with every request, the login included', async () => {
  vault.namespace = 'teams/edge';
  vault.logins.set(`approle kong ${SECRET_ID}`, { may: MAY, ttl: 3600, renewable: true });
  const reader = sourceOf({ role_id: 'kong', secret_id: SECRET_ID, namespace: 'teams/edge/' });
  expect(await reader.pass()).toMatchObject({ changed: ['certs/www'], errors: [] });
  expect(vault.seen.length).toBeGreaterThan(2);
  expect(new Set(vault.seen.map(({ headers }) => headers['x-vault-namespace']))).toEqual(
    new Set(['teams/edge']),
  );
  expect(reader.source.id).toBe(`vault:${vault.url}/teams/edge/secret/certs/www`);
});

it('a configured CA is trusted, and no other', async () => {
  const { authority, caFile } = testAuthority();
  vault = await StandInVault.start({ identity: authority.issue({ names: ['127.0.0.1'] }) });
  vault.put(PATH, { 'tls.crt': chain, 'tls.key': key });
  const token = vault.token(MAY);
  expect((await sourceOf({ token, ca_file: caFile }).pass()).errors).toEqual([]);
  expect(troubles(await sourceOf({ token }).pass())).toContain('its certificate is not from a trusted CA');
  // The file is read with every poll.
  const renewed = fileWith(testAuthority().authority.cert);
  const reader = sourceOf({ token, ca_file: renewed });
  expect(troubles(await reader.pass())).toContain('its certificate is not from a trusted CA');
  writeFileSync(renewed, authority.cert);
  expect((await reader.pass()).errors).toEqual([]);
  const missing = sourceOf({ token, ca_file: '/nowhere/ca.pem' });
  expect(troubles(await missing.pass())).toContain('/nowhere/ca.pem cannot be read');
});

describe('a Vault that', () => {
  test.for<[string, [number, object?, Record<string, string>?], string]>([
    ['is sealed', [503, { errors: ['Vault is sealed'] }], 'answers 503: it is sealed: unseal it'],
    ['is in maintenance', [503, {}], 'answers 503: it is sealed or in maintenance'],
    ['is broken', [500, { errors: ['1 error occurred: internal'] }], 'answers 500: check its log'],
    ['is asked too often', [429, {}, { 'retry-after': '7' }], '(rate limit, 429) and asks to wait 7 s'],
    [
      'redirects',
      [307, {}, { location: 'https://evil.example.test/' }],
      'redirects (307), which is not followed',
    ],
    ['is something else', [200], 'does not answer like Vault (200): is url right?'],
    ['has no such mount', [400, { errors: ['no handler for route "x"'] }], 'nothing is mounted there'],
  ])(
    '%s is an error of the source; bundles that were read stay, and it is asked a few times a poll',
    async ([, outage, words]) => {
      const reader = sourceOf({ token: vault.token(MAY) });
      await reader.pass();
      vault.outage = outage;
      vault.requests();
      const scan = await reader.pass();
      expect(scan).toMatchObject({ changed: [], removed: [], total: 1 });
      expect(troubles(scan)).toMatch(/^unreachable: /);
      expect(troubles(scan)).toContain(words);
      expect(vault.requests().length).toBeLessThan(3);
      // A pass for files in between says the same, so that it is not reported anew.
      expect(await reader.pass(new Set(['/etc/kong/certs']))).toEqual(scan);
      vault.outage = null;
      expect(await reader.pass()).toEqual({ changed: [], removed: [], total: 1, errors: [] });
    },
  );

  it('is not there is reported as such', async () => {
    const { port } = await closedPort();
    const reader = sourceOf({ url: `https://127.0.0.1:${port}`, token: 'hvs.x' });
    expect(troubles(await reader.pass())).toBe(
      `unreachable: Vault at https://127.0.0.1:${port} cannot be reached: connection refused`,
    );
  });

  test.for<[string, [number, object?], string]>([
    [
      'is too large',
      [200, { data: { data: { x: 'x'.repeat(4_200_000) } } }],
      'secret/certs/m cannot be used',
    ],
    [
      'is refused by its storage',
      [500, { errors: ['cipher: message authentication failed'] }],
      'answers 500',
    ],
    ['is answered oddly', [405, { errors: [] }], 'answers 405 for secret/data/certs/m'],
  ])('has one secret that %s shows the others of the folder', async ([, answer, words]) => {
    for (const name of ['a', 'm', 'z'])
      vault.put(`secret/certs/${name}`, { 'tls.crt': chain, 'tls.key': key });
    for (let number = 0; number < 30; number++)
      vault.put(`secret/certs/n${number}`, { 'tls.crt': chain, 'tls.key': key });
    vault.troubles.set('secret/data/certs/m', answer);
    const reader = sourceOf({ secret_path: 'certs/', token: vault.token(MAY) });
    const scan = await reader.pass();
    expect(scan.total).toBe(33);
    expect(troubles(scan)).toContain(words);
    vault.troubles.clear();
    expect(await reader.pass()).toMatchObject({ changed: ['certs/m'], total: 34, errors: [] });
  });

  it('fails again and again is asked no more in the same poll', async () => {
    for (let number = 0; number < 100; number++) {
      vault.put(`secret/certs/n${number}`, { 'tls.crt': chain, 'tls.key': key });
      vault.troubles.set(`secret/data/certs/n${number}`, [500, { errors: [] }]);
    }
    const scan = await sourceOf({ secret_path: 'certs/', token: vault.token(MAY) }).pass();
    expect(troubles(scan)).toMatch(/^unreachable: [^\n]* answers 500: check its log$/);
    expect(vault.requests().length).toBeLessThan(30);
  });

  it('goes away in the middle of a folder leaves known bundles as they are', async () => {
    for (let number = 0; number < 30; number++)
      vault.put(`secret/certs/${number}`, { 'tls.crt': chain, 'tls.key': key });
    const reader = sourceOf({ secret_path: 'certs/', token: vault.token(MAY) });
    await reader.pass();
    for (let number = 0; number < 30; number++)
      vault.put(`secret/certs/${number}`, { 'tls.crt': chain, 'tls.key': key });
    const changed = new Set<string>();
    const asked = vault.seen.length;
    const broken = reader.source.scan();
    await eventually('it is under way', () => vault.seen.length > asked + 5);
    vault.outage = [500, {}];
    for (const name of (await broken).changed) changed.add(name);
    vault.outage = null;
    for (const name of (await reader.source.scan()).changed) changed.add(name);
    expect(changed.size).toBe(30);
  });
});

describe('an answer that is no answer of Vault', () => {
  const HOSTILE: unknown[] = [
    null,
    [],
    5,
    'text',
    {},
    { data: null },
    { data: [] },
    { data: 'x' },
    { data: { keys: null } },
    { data: { keys: [5, null, '', '/', '.', '..', '../', '../../sys/'] } },
    { data: { data: [] } },
    { data: { data: 'x' } },
    { data: { data: { 'tls.crt': { a: 1 }, 'tls.key': 5 } } },
    { data: { data: { cert: [[[]]], key: [null] } } },
    { data: { current_version: 'x', versions: null } },
    { data: { current_version: 1, versions: { 1: null } } },
    { data: { current_version: -1, versions: { '-1': { created_time: {}, deletion_time: [] } } } },
    { data: { ttl: -5, renewable: true } },
    { data: { ttl: 1e300, renewable: true } },
    { auth: [] },
    { auth: { client_token: '' } },
    { data: JSON.parse('{"__proto__": {"data": 1}, "constructor": 5}') as object },
    { errors: [{ a: 1 }, 'x'.repeat(1e6)] },
  ];
  test.for(
    [200, 400, 403, 404].flatMap((status) => HOSTILE.map((body, index) => [status, index, body] as const)),
  )(
    '(status %i, body %i) throws nothing, yields no certificate and leads nowhere else',
    async ([status, , body]) => {
      const token = vault.token(MAY);
      for (const secret_path of ['certs/www', 'certs/']) {
        for (const access of [{ token }, { role_id: 'kong', secret_id: SECRET_ID }]) {
          const reader = sourceOf({ ...access, secret_path });
          vault.outage = [status, body as object];
          const scan = await reader.pass();
          expect(scan.changed.length).toBeLessThanOrEqual(1);
          expect(JSON.stringify(await reader.source.read('certs/www'))).not.toContain('BEGIN');
          vault.outage = null;
        }
      }
      const paths = vault.seen.map(({ path }) => path);
      expect(
        paths.filter((path) => !/^\/v1\/(secret\/|auth\/|sys\/internal\/ui\/mounts\/secret$)/.test(path)),
      ).toEqual([]);
    },
  );
});

describe('a configuration', () => {
  const ok = { url: 'https://vault.example.test:8200', secret_path: 'certs/www', token: 't' };
  test.for<[problem: string, source: object]>([
    ['url: plain http goes only to loopback addresses', { ...ok, url: 'http://vault:8200' }],
    ['token_file: one way to log in is needed', { ...ok, token: null }],
    ['token_file: one way to log in is needed', { ...ok, role: 'kong' }],
    ['token_file: one way to log in is needed', { ...ok, token: null, role: 'kong', role_id: 'kong' }],
    ['token: is a vault reference', { ...ok, token: '{vault://env/token}' }],
    ['secret_id: is a vault reference', { ...ok, token: null, role_id: 'r', secret_id: '{vault://env/id}' }],
  ])('is refused with the field: %s', ([problem, source]) => {
    expect(() => readerOf({ type: 'vault', ...source })).toThrow(`sources[0].${problem}`);
  });

  it('with a vault reference is told which field to use', () => {
    const source = { type: 'vault', ...ok, token: null, role_id: 'r', secret_id: '{vault://env/id}' };
    expect(() => readerOf(source)).toThrow('use secret_id_file');
  });
});

describe('no token or secret is in what is said', () => {
  test.for([200, 204, 301, 307, 400, 401, 403, 404, 405, 412, 429, 472, 500, 502, 503])(
    'when Vault answers %i',
    async (status) => {
      const token = vault.token(MAY);
      const secrets = [token, SECRET_ID, JWT];
      const quote = secrets.join(' ');
      vault.outage = [
        status,
        {
          errors: [`invalid token ${quote}`, `role ${quote} not found`],
          data: quote,
          auth: { client_token: 5, quote },
        },
        { location: `https://evil.example.test/${encodeURIComponent(quote)}`, 'retry-after': quote },
      ];
      const said: unknown[] = [];
      for (const access of [
        { token },
        { role_id: 'kong', secret_id: SECRET_ID },
        { role: 'kong', jwt_file: fileWith(JWT) },
      ]) {
        for (const secret_path of ['certs/www', 'certs/']) {
          const reader = sourceOf({ ...access, secret_path });
          said.push(await reader.pass(), await reader.source.read('certs/www'), reader.source.id);
        }
      }
      for (const secret of secrets) expect(JSON.stringify(said)).not.toContain(secret);
    },
  );
});
