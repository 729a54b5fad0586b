import { createHash } from 'node:crypto';
import { describe, expect, it, test } from 'vitest';
import { issue } from '../../../support/bundles';
import { httpServer, type Handle } from '../../../support/https-server';
import { readerOf, troubles } from '../../../support/remote-source';

const first = issue();
const second = issue();
const LONG_AGO = 'Mon, 01 Jan 2024 00:00:00 GMT';

const etagOf = (text: string) => `"${createHash('sha256').update(text).digest('hex').slice(0, 16)}"`;

/** A server of files, by path; how it tells their versions is up to `headersOf`. */
async function serving(
  files: Record<string, string>,
  headersOf: (text: string) => Record<string, string> = (text) => ({ etag: etagOf(text) }),
) {
  const handle: Handle = ({ path, headers }, response) => {
    const text = files[path];
    if (text === undefined) {
      response.writeHead(404).end();
      return;
    }
    const own = headersOf(text);
    const isSame =
      (own['etag'] !== undefined && headers['if-none-match'] === own['etag']) ||
      (own['last-modified'] !== undefined && headers['if-modified-since'] === own['last-modified']);
    response.writeHead(isSame ? 304 : 200, own).end(isSame ? undefined : text);
  };
  const server = await httpServer(handle);
  /** Method, path and whether it was conditional, of each request since the last call. */
  const requests = () =>
    server.seen.splice(0).map(({ method, path, headers }) => {
      const isConditional = 'if-none-match' in headers || 'if-modified-since' in headers;
      return `${method} ${path}${isConditional ? ' if changed' : ''}`;
    });
  return { url: server.url, requests };
}

describe('a bundle at one URL', () => {
  it('is read once, and again when it was renewed; unchanged it costs one conditional request', async () => {
    const files = { '/www.pem': first.chain + first.key };
    const { url, requests } = await serving(files);
    const reader = readerOf({ type: 'http', url: `${url}/www.pem` });
    const { id } = reader.source;
    expect(await reader.pass()).toEqual({ changed: [id], removed: [], total: 1, errors: [] });
    expect(reader.texts(id)).toEqual({ cert: first.chain + first.key, key: '' });
    expect(requests()).toEqual(['GET /www.pem']);

    for (let poll = 0; poll < 3; poll++) {
      expect(await reader.pass()).toEqual({ changed: [], removed: [], total: 1, errors: [] });
      expect(requests()).toEqual(['GET /www.pem if changed']);
    }

    files['/www.pem'] = second.chain + second.key;
    expect((await reader.pass()).changed).toEqual([id]);
    expect(reader.texts(id)).toEqual({ cert: second.chain + second.key, key: '' });
    expect(requests()).toEqual(['GET /www.pem if changed']);
  });

  it('is not asked for when a watch of other sources saw something', async () => {
    const { url, requests } = await serving({ '/www.pem': first.chain + first.key });
    const reader = readerOf({ type: 'http', url: `${url}/www.pem` });
    await reader.pass();
    requests();
    expect(await reader.pass(new Set(['/etc/kong/certs']))).toMatchObject({ changed: [], total: 1 });
    expect(requests()).toEqual([]);
  });

  it('is not fetched a second time for the write that follows, but is for one much later', async () => {
    const { url, requests } = await serving({ '/www.pem': first.chain + first.key });
    const { source } = readerOf({ type: 'http', url: `${url}/www.pem` });
    await source.scan();
    await source.read(source.id);
    expect(await source.read(source.id)).toMatchObject({ cert: first.chain + first.key });
    expect(requests()).toEqual(['GET /www.pem']);
    await source.scan();
    expect(await source.read(source.id)).toMatchObject({ cert: first.chain + first.key });
    expect(requests()).toEqual(['GET /www.pem if changed', 'GET /www.pem']);
  });

  test.for<[string, (text: string) => Record<string, string>]>([
    ['a weak ETag', (text) => ({ etag: `W/${etagOf(text)}` })],
    ['Last-Modified alone', () => ({ 'last-modified': LONG_AGO })],
    ['both', (text) => ({ etag: etagOf(text), 'last-modified': LONG_AGO })],
  ])('that has %s costs one conditional request when it is unchanged', async ([, headersOf]) => {
    const { url, requests } = await serving({ '/www.pem': first.chain + first.key }, headersOf);
    const reader = readerOf({ type: 'http', url: `${url}/www.pem` });
    await reader.pass();
    requests();
    expect((await reader.pass()).changed).toEqual([]);
    expect(requests()).toEqual(['GET /www.pem if changed']);
  });

  test.for<[string, () => Record<string, string>]>([
    ['a new ETag', () => ({ etag: `"${performance.now()}"` })],
    ['no validator at all', () => ({})],
  ])('that is the same to the letter is no change, whatever %s says', async ([, headersOf]) => {
    const { url } = await serving({ '/www.pem': first.chain + first.key }, headersOf);
    const reader = readerOf({ type: 'http', url: `${url}/www.pem` });
    expect((await reader.pass()).changed).toHaveLength(1);
    expect((await reader.pass()).changed).toEqual([]);
    expect((await reader.pass()).changed).toEqual([]);
  });

  it('that is written twice within the second of its Last-Modified is not missed', async () => {
    const files = { '/www.pem': first.chain + first.key };
    const now = new Date().toUTCString();
    const { url } = await serving(files, () => ({ 'last-modified': now, etag: '"same size"', date: now }));
    const reader = readerOf({ type: 'http', url: `${url}/www.pem` });
    await reader.pass();
    files['/www.pem'] = second.chain + second.key;
    expect((await reader.pass()).changed).toHaveLength(1);
    expect(reader.texts(reader.source.id)).toMatchObject({ cert: second.chain + second.key });
  });
});

describe('a server whose validators never change', () => {
  it('is asked for the whole where somebody wants to know, and the renewal is found', async () => {
    const files = { '/www.pem': first.chain + first.key };
    const { url, requests } = await serving(files, () => ({ etag: '"1"', 'last-modified': LONG_AGO }));
    const reader = readerOf({ type: 'http', url: `${url}/www.pem` });
    await reader.pass();
    requests();
    expect((await reader.pass(undefined, { whole: true })).changed).toEqual([]);
    files['/www.pem'] = second.chain + second.key;
    expect((await reader.pass()).changed).toEqual([]);
    expect((await reader.pass(undefined, { whole: true })).changed).toEqual([reader.source.id]);
    expect(requests()).toEqual(['GET /www.pem', 'GET /www.pem if changed', 'GET /www.pem']);
    expect(reader.texts(reader.source.id)).toMatchObject({ cert: second.chain + second.key });
  });
});

describe('a bundle whose issuers are at a URL of their own', () => {
  const intermediate = first.chain.slice(first.cert.length);

  it('brings them along, and a change of theirs is found', async () => {
    const files = { '/tls.crt': first.cert, '/tls.key': first.key, '/chain.pem': intermediate };
    const { url, requests } = await serving(files);
    const urls = { url: `${url}/tls.crt`, key_url: `${url}/tls.key`, chain_url: `${url}/chain.pem` };
    const reader = readerOf({ type: 'http', ...urls });
    await reader.pass();
    const raw = { cert: first.cert, key: first.key, issuers: [intermediate] };
    expect(reader.bundles.get(reader.source.id)).toMatchObject(raw);
    requests();
    expect((await reader.pass()).changed).toEqual([]);
    expect(requests().every((request) => request.endsWith(' if changed'))).toBe(true);
    files['/chain.pem'] = `${intermediate}\n`;
    expect((await reader.pass()).changed).toEqual([reader.source.id]);
    expect(reader.bundles.get(reader.source.id)).toMatchObject({ issuers: [`${intermediate}\n`] });
  });

  it('is not taken from another server, which would get the credentials', () => {
    const urls = { url: 'https://a.test/tls.crt', chain_url: 'https://b.test/chain.pem' };
    expect(() => readerOf({ type: 'http', ...urls })).toThrow(
      'sources[0].chain_url: has to be on the server of url',
    );
  });
});

describe('certificate and key at a URL each', () => {
  it('are read together when one of them was renewed', async () => {
    const files = { '/tls.crt': first.chain, '/tls.key': first.key };
    const { url, requests } = await serving(files);
    const reader = readerOf({ type: 'http', url: `${url}/tls.crt`, key_url: `${url}/tls.key` });
    const { id } = reader.source;
    await reader.pass();
    expect(reader.texts(id)).toEqual({ cert: first.chain, key: first.key });
    expect(requests().sort()).toEqual(['GET /tls.crt', 'GET /tls.key']);

    expect((await reader.pass()).changed).toEqual([]);
    expect(requests().sort()).toEqual(['GET /tls.crt if changed', 'GET /tls.key if changed']);

    files['/tls.crt'] = second.chain;
    expect((await reader.pass()).changed).toEqual([id]);
    expect(reader.texts(id)).toEqual({ cert: second.chain, key: first.key });
    files['/tls.key'] = second.key;
    expect((await reader.pass()).changed).toEqual([id]);
    expect(reader.texts(id)).toEqual({ cert: second.chain, key: second.key });
  });

  it('lose no renewal when the second request fails', async () => {
    const files: Record<string, string> = { '/tls.crt': first.chain, '/tls.key': first.key };
    const { url } = await serving(files);
    const reader = readerOf({ type: 'http', url: `${url}/tls.crt`, key_url: `${url}/tls.key` });
    await reader.pass();
    files['/tls.crt'] = second.chain;
    delete files['/tls.key'];
    expect(troubles(await reader.pass())).toContain('unreadable: ');
    files['/tls.key'] = second.key;
    expect((await reader.pass()).changed).toEqual([reader.source.id]);
    expect(reader.texts(reader.source.id)).toEqual({ cert: second.chain, key: second.key });
  });
});

it('a renewal that could not be read right before its write is read at the next poll', async () => {
  const files: Record<string, string> = { '/www.pem': first.chain + first.key };
  const { url } = await serving(files);
  const reader = readerOf({ type: 'http', url: `${url}/www.pem` });
  await reader.pass();
  await reader.pass();
  delete files['/www.pem'];
  expect(await reader.source.read(reader.source.id)).toMatchObject({ reason: 'unreadable' });
  files['/www.pem'] = first.chain + first.key;
  expect((await reader.pass()).changed).toEqual([reader.source.id]);
});
