import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { answering, clientOf, cutOff, failureOf, reset, type Answer } from '../../support/admin';
import { testFolder } from '../../support/folders';

const ok: Answer = { status: 200, body: { data: [] } };

describe('an Admin API', () => {
  it.for(['nonsense', 'localhost:8001', 'http://', 'ftp://kong', 'http://user:s3cret@:99999'])(
    'at %j is refused with what to give, and not quoted',
    (url) => {
      expect(() => clientOf(url)).toThrow(/admin\.url.+expected https:\/\/host/);
      expect(() => clientOf(url)).not.toThrow(/s3cret/);
    },
  );

  it('whose CA file is missing is not asked, and the file is named', async () => {
    const caFile = join(testFolder(), 'ca.pem');
    await expect(clientOf('https://127.0.0.1:1', { caFile }).get('/status')).rejects.toThrow(
      `admin.ca_file: ${caFile} cannot be read: it does not exist (yet)`,
    );
  });
});

describe('a request to the Admin API', () => {
  it.for([
    ['kong:p%40ss', 'kong:p@ss'],
    ['kong:100%', 'kong:100%'],
  ])('says who asks, where the address is of %s', async ([part = '', meant = '']) => {
    const { url, received } = await answering([ok]);
    await clientOf(url.replace('http://', `http://${part}@`)).get('/certificates');
    expect(received[0]?.headers.authorization).toBe(`Basic ${Buffer.from(meant).toString('base64')}`);
  });

  it('sends JSON and gets JSON', async () => {
    const { url, received } = await answering([{ status: 201, body: { id: 'a' } }]);
    const answer = await clientOf(url).request('PUT', '/certificates/a', { cert: 'ü' });
    expect(answer).toMatchObject({ status: 201, body: { id: 'a' } });
    expect(received).toMatchObject([
      {
        method: 'PUT',
        url: '/certificates/a',
        body: '{"cert":"ü"}',
        headers: { accept: 'application/json' },
      },
    ]);
    expect(received[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': '13',
    });
  });

  it('sends neither body nor token where there is none', async () => {
    const { url, received } = await answering([ok]);
    await clientOf(url).get('/status');
    expect(received[0]?.headers).not.toHaveProperty('content-type');
    expect(received[0]?.headers).not.toHaveProperty('kong-admin-token');
  });

  it('takes no answer of more than 32 MiB but the whole configuration', async () => {
    const large: Answer = { status: 200, body: { data: 'x'.repeat(33 * 1024 * 1024) } };
    const { url } = await answering([large]);
    const client = clientOf(url, { attempts: 1 });
    await expect(client.get('/certificates?size=1000')).rejects.toThrow(/more than 33554432 bytes/);
    await expect(client.get('/configuration')).rejects.toThrow();
    expect((await client.get('/config')).status).toBe(200);
    expect((await client.request('POST', '/config?check_hash=1', {})).status).toBe(200);
  });

  it('carries the token', async () => {
    const { url, received } = await answering([ok]);
    await clientOf(url, { token: { value: 'let-me-in' } }).get('/status');
    expect(received[0]?.headers).toMatchObject({ 'kong-admin-token': 'let-me-in' });
  });

  it('goes over a unix socket', async () => {
    const path = join(testFolder(), 'admin.sock');
    const { url, received } = await answering([ok], path);
    expect(url).toBe(`unix:${path}`);
    expect(await clientOf(url).get('/status')).toMatchObject({ status: 200 });
    expect(received).toHaveLength(1);
  });

  it('goes to the path below which the Admin API was published', async () => {
    const { url, received } = await answering([ok]);
    await clientOf(`${url}/admin-api/`).get('/status');
    expect(received[0]?.url).toBe('/admin-api/status');
  });

  it('uses one connection for many requests', async () => {
    const { url, server } = await answering([ok]);
    let connections = 0;
    server.on('connection', () => (connections += 1));
    const client = clientOf(url);
    for (let index = 0; index < 5; index++) await client.get('/status');
    expect(connections).toBe(1);
  });

  test.for([
    ['nothing', ''],
    ['a page of HTML', '<html>413</html>'],
    ['half of a JSON text', '{"a":'],
  ])('that is answered with %s has no body', async ([, body]) => {
    const { url } = await answering([{ status: 413, body }]);
    expect(await clientOf(url).get('/config')).toMatchObject({ status: 413, body: null });
  });

  test.for([200, 201, 204, 304, 400, 401, 403, 404, 405, 409, 413])(
    'that is answered with %i is not repeated',
    async (status) => {
      const { url, received } = await answering([{ status }]);
      expect(await clientOf(url).get('/x')).toMatchObject({ status });
      expect(received).toHaveLength(1);
    },
  );
});

describe('a request that may be repeated', () => {
  test.for<[string, Answer]>([
    ['429', { status: 429, headers: { 'retry-after': '0' } }],
    ['500', { status: 500, body: { message: 'An unexpected error occurred' } }],
    ['502', { status: 502 }],
    ['503', { status: 503, headers: { 'retry-after': '0' } }],
    ['504', { status: 504 }],
    ['a connection that is reset', reset],
    ['an answer that is cut off', cutOff],
  ])('is sent again, whole, after %s', async ([, first]) => {
    const { url, received } = await answering([first, ok]);
    const body = { config: 'x'.repeat(100_000) };
    expect(await clientOf(url).request('POST', '/config', body)).toMatchObject({ status: 200 });
    expect(received.map((request) => request.body)).toEqual([JSON.stringify(body), JSON.stringify(body)]);
  });

  it('waits as long as Retry-After says: others are long done with three tries', async () => {
    const patient = await answering([{ status: 503, headers: { 'retry-after': '25' } }]);
    const other = await answering([{ status: 503 }, { status: 503 }, { status: 503 }, ok]);
    const abort = new AbortController();
    const waiting = clientOf(patient.url)
      .request('GET', '/status', undefined, abort.signal)
      .catch((error: unknown) => error as Error);
    expect(await clientOf(other.url, { attempts: 4 }).get('/status')).toMatchObject({ status: 200 });
    expect([patient.received.length, other.received.length]).toEqual([1, 4]);
    abort.abort();
    await waiting;
  });

  it('ignores a Retry-After that is a date', async () => {
    const { url } = await answering([
      { status: 503, headers: { 'retry-after': 'Wed, 21 Oct 2099 07:28:00 GMT' } },
      ok,
    ]);
    expect(await clientOf(url).get('/status')).toMatchObject({ status: 200 });
  });

  it('is sent as often as it may be, and then its failure has a status and a sentence', async () => {
    const { url, received } = await answering([{ status: 503, headers: { 'retry-after': '0' } }]);
    const error = await failureOf(clientOf(url, { attempts: 3 }).get('/status'));
    expect(received).toHaveLength(3);
    expect(error).toMatchObject({ name: 'AdminError', code: 'ADMIN_STATUS', status: 503 });
    expect(error.message).toBe(`the Admin API at ${url} answered GET /status with 503`);
  });

  it('is sent once where it may be sent once', async () => {
    const { url, received } = await answering([{ status: 500 }, ok]);
    await failureOf(clientOf(url, { attempts: 1 }).get('/status'));
    expect(received).toHaveLength(1);
  });
});
