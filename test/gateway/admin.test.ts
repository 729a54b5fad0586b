import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Authority, type Issued } from '../../src/authority/authority';
import { startGateway, type Gateway, type GatewayOptions } from './index';
import { isObject, textOf, type JsonObject } from './json';
import { ask, type AdminAnswer } from './probe';

let gateway: Gateway;
let issued: Issued;

beforeAll(() => {
  issued = Authority.root().issue({ names: ['a.example.test'] });
});

afterEach(async () => {
  await gateway.stop();
});

async function start(options: GatewayOptions = {}): Promise<void> {
  gateway = await startGateway(options);
}

const call = (method: string, path: string, body?: unknown) => ask(gateway.adminUrl, method, path, body);
const pair = () => ({ cert: issued.chain, key: issued.key });
const objectOf = (answer: AdminAnswer): JsonObject => (isObject(answer.body) ? answer.body : {});
const dataOf = (answer: AdminAnswer) => objectOf(answer)['data'] as JsonObject[];
const md5 = (text: string) => createHash('md5').update(text).digest('hex');

const EMPTY = '_format_version: "3.0"\n';

describe('the declarative configuration', () => {
  const document = () => ({
    _format_version: '3.0',
    certificates: [
      { ...pair(), tags: ['on', 'true', 'it\'s: "quoted" #1'], snis: [{ name: '*.example.test' }] },
    ],
    services: [{ name: 's1', url: 'https://localhost/base', routes: [{ name: 'r1', paths: ['/r1'] }] }],
    consumers: [{ username: '0123', custom_id: '1e3' }],
    upstreams: [{ name: 'u1', targets: [{ target: '127.0.0.1:80' }] }],
  });

  test('makes the round trip unchanged but for the time of the update', async () => {
    await start();
    expect((await call('POST', '/config', document())).status).toBe(201);
    const exported = await call('GET', '/config');
    const parsed = load(objectOf(exported)['config'] as string) as Record<string, JsonObject[]>;
    for (const certificate of parsed['certificates'] ?? []) certificate['snis'] = null;
    expect((await call('POST', '/config', { config: JSON.stringify(parsed) })).status).toBe(201);
    const again = load(objectOf(await call('GET', '/config'))['config'] as string) as typeof parsed;
    const timeless = (value: unknown) => JSON.stringify(value).replace(/"updated_at":\d+/g, '');
    expect(timeless(again)).toBe(timeless(parsed));
    expect(again['consumers']?.[0]).toMatchObject({ username: '0123', custom_id: '1e3' });
  });

  test('leaves the old one in place where it is refused', async () => {
    await start();
    await call('POST', '/config', document());
    const hash = gateway.configurationHash;
    const refused = await call('POST', '/config', {
      _format_version: '3.0',
      certificates: [{ cert: 'x', key: 'y' }],
    });
    expect(refused.status).toBe(400);
    expect(gateway.configurationHash).toBe(hash);
    expect(gateway.certificates()).toHaveLength(1);
  });

  test.for([
    { given: { bogus: [] }, field: 'bogus', problem: 'unknown field' },
    {
      given: { _format_version: '4.0' },
      field: '_format_version',
      problem: 'expected one of: 1.1, 2.1, 3.0',
    },
    {
      given: { snis: [{ name: 'a.test' }] },
      field: 'snis',
      problem: [{ certificate: 'required field missing' }],
    },
    {
      given: { snis: [{ name: 'a.test', certificate: 'x' }] },
      field: 'snis',
      problem: { 'a.test': ["invalid reference 'certificate: x' (no such entry in 'certificates')"] },
    },
  ])('names the problem of $field', async ({ given, field, problem }) => {
    await start();
    const answer = await call('POST', '/config', { _format_version: '3.0', ...given });
    expect(answer.status).toBe(400);
    expect((objectOf(answer)['fields'] as JsonObject)[field]).toEqual(problem);
  });

  test('is not there with a database', async () => {
    await start({ mode: 'database' });
    const message = 'this endpoint is only available when Kong is configured to not use a database';
    for (const method of ['GET', 'POST']) {
      expect(await call(method, '/config', method === 'GET' ? undefined : {})).toMatchObject({
        status: 400,
        body: { message },
      });
    }
  });

  test('is read from kong.yml at start, and again at a restart, which loses what was posted', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'kong-yml-'));
    const path = join(directory, 'kong.yml');
    const yaml = `${EMPTY}services:\n- name: from-file\n  url: http://127.0.0.1\n`;
    writeFileSync(path, yaml);
    await start({ declarativeConfig: path });
    const { adminUrl, tlsPort } = gateway;
    expect(gateway.configurationHash).toBe(md5(yaml));
    await call('POST', '/config', document());
    expect(gateway.certificates()).toHaveLength(1);
    await gateway.restart();
    rmSync(directory, { recursive: true });
    expect([gateway.adminUrl, gateway.tlsPort]).toEqual([adminUrl, tlsPort]);
    expect(gateway.certificates()).toHaveLength(0);
    expect(dataOf(await call('GET', '/services')).map(({ name }) => name)).toEqual(['from-file']);
    expect(objectOf(await call('GET', '/status'))['configuration_hash']).toBe(md5(yaml));
  });

  test('that is broken keeps the gateway from starting', async () => {
    await start();
    await expect(startGateway({ declarativeConfig: 'certificates: nonsense\n' })).rejects.toThrow(
      'declarative config is invalid',
    );
  });
});

describe('entities in a database', () => {
  test('survive a restart', async () => {
    await start({ mode: 'database' });
    await call('POST', '/certificates', { ...pair(), snis: ['a.example.test'] });
    await gateway.restart();
    expect(gateway.certificates()).toMatchObject([{ names: ['a.example.test'] }]);
  });

  test('come in pages, each once', async () => {
    await start({ mode: 'database' });
    gateway.seed(Array.from({ length: 25 }, (_, index) => ({ ...pair(), snis: [`${index}.example.test`] })));
    const ids: unknown[] = [];
    const sizes: number[] = [];
    for (let next: unknown = '/certificates?size=10'; typeof next === 'string';) {
      const page: AdminAnswer = await call('GET', next);
      sizes.push(dataOf(page).length);
      ids.push(...dataOf(page).map(({ id }) => id));
      next = objectOf(page)['next'];
    }
    expect(sizes).toEqual([10, 10, 5]);
    expect(new Set(ids).size).toBe(25);
  });

  test.for([
    { query: 'size=0', code: 9 },
    { query: 'size=1001', code: 9 },
    { query: 'size=many', code: 9 },
    { query: 'offset=nonsense', code: 7 },
  ])('refuse the page ?$query', async ({ query, code }) => {
    await start({ mode: 'database' });
    expect(await call('GET', `/certificates?${query}`)).toMatchObject({ status: 400, body: { code } });
  });

  test.for([
    { tags: 'a', found: 2 },
    { tags: 'a,b', found: 1 },
    { tags: 'b/c', found: 2 },
    { tags: 'd', found: 0 },
  ])('are found by the tags $tags', async ({ tags, found }) => {
    await start({ mode: 'database' });
    const without = { ...pair(), snis: [] };
    gateway.seed([
      { ...without, tags: ['a', 'b'] },
      { ...without, tags: ['a', 'c'] },
    ]);
    expect(dataOf(await call('GET', `/certificates?tags=${encodeURIComponent(tags)}`))).toHaveLength(found);
  });

  test('SNIs are unique, need their certificate and go with it', async () => {
    await start({ mode: 'database' });
    const made = objectOf(await call('POST', '/certificates', { ...pair(), snis: ['a.example.test'] }));
    const certificate = { id: made['id'] };
    expect((await call('POST', '/snis', { name: 'a.example.test', certificate })).status).toBe(409);
    const unknown = { id: '22222222-2222-4222-8222-222222222222' };
    expect(await call('POST', '/snis', { name: 'b.example.test', certificate: unknown })).toMatchObject({
      status: 400,
      body: { code: 4, fields: { certificate: unknown } },
    });
    expect((await call('PUT', '/snis/b.example.test', { certificate })).status).toBe(200);
    expect(await call('GET', '/certificates/b.example.test')).toMatchObject({
      body: { snis: ['a.example.test', 'b.example.test'] },
    });
    await call('DELETE', `/certificates/${textOf(made['id'])}`);
    expect(dataOf(await call('GET', '/snis'))).toEqual([]);
  });

  test('other types are kept as they are given', async () => {
    await start({ mode: 'database' });
    await call('POST', '/services', { name: 's1', url: 'http://localhost:8080/x', tags: ['t'] });
    await call('POST', '/services/s1/routes', { name: 'r1', paths: ['/r1'] });
    expect(await call('GET', '/services/s1')).toMatchObject({
      body: { host: 'localhost', port: 8080, path: '/x', retries: 5 },
    });
    expect(dataOf(await call('GET', '/services/s1/routes'))).toMatchObject([
      { name: 'r1', strip_path: true },
    ]);
    expect(await call('PATCH', '/routes/r1', { strip_path: false })).toMatchObject({ status: 200 });
    expect((await call('DELETE', '/services/nothing-like-it')).status).toBe(204);
    expect((await call('GET', '/consumers')).body).toEqual({ data: [], next: null });
  });
});

describe('faults', () => {
  const post = () => call('POST', '/certificates', { ...pair(), snis: [] });

  test('answer in place of the gateway as often as asked', async () => {
    await start({ mode: 'database' });
    gateway.inject({
      method: 'POST',
      path: /^\/certificates/,
      times: 2,
      status: 429,
      headers: { 'retry-after': '1' },
    });
    const [first, second, third] = [await post(), await post(), await post()];
    expect([first.status, second.status, third.status]).toEqual([429, 429, 201]);
    expect(first.headers['retry-after']).toBe('1');
    expect(gateway.certificates()).toHaveLength(1);
  });

  test('cut the connection before the request is executed', async () => {
    await start({ mode: 'database' });
    gateway.inject({ reset: true });
    await expect(post()).rejects.toThrow();
    expect(gateway.certificates()).toHaveLength(0);
  });

  test('lose the answer of an executed request', async () => {
    await start({ mode: 'database' });
    gateway.inject({ reset: true, afterExecute: true });
    await expect(post()).rejects.toThrow();
    expect(gateway.certificates()).toHaveLength(1);
    expect(gateway.requests.map(({ status }) => status)).toEqual([0]);
  });

  test('only delay where nothing else is asked for', async () => {
    await start({ mode: 'database' });
    gateway.inject({ delayMs: 50 });
    expect((await post()).status).toBe(201);
  });

  test('let another writer in before a write', async () => {
    await start();
    const other = `${EMPTY}# the other writer\n`;
    const takeBack = gateway.beforePost(async () => {
      await call('POST', '/config', { config: other });
    });
    await call('POST', '/config', { config: EMPTY });
    takeBack();
    expect(gateway.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /config',
      'POST /config',
    ]);
    expect(gateway.configurationHash).toBe(md5(EMPTY));
    gateway.clearRequests();
    expect(gateway.requests).toEqual([]);
  });
});

test('the Admin API can listen on a unix socket', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'admin-'));
  await start({ adminListen: `unix:${join(directory, 'admin.sock')}` });
  expect((await call('GET', '/status')).status).toBe(200);
  rmSync(directory, { recursive: true });
});

test('the effective configuration stands in .kong_env', async () => {
  await start({ mode: 'database', env: { log_level: 'info', custom: 'x' } });
  const path = join(gateway.prefix, '.kong_env');
  expect(statSync(path).mode & 0o777).toBe(0o640);
  const lines = readFileSync(path, 'utf8').split('\n');
  expect(lines).toContain(`admin_listen = ${gateway.adminUrl.replace('http://', '')}`);
  expect(lines).toContain(`proxy_listen = 127.0.0.1:${gateway.tlsPort} ssl, 127.0.0.1:${gateway.httpPort}`);
  for (const line of ['database = postgres', 'role = traditional', 'log_level = info', 'custom = x']) {
    expect(lines).toContain(line);
  }
});
