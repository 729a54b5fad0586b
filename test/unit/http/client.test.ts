import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { Authority } from '../../../src/authority/authority';
import {
  HttpClient,
  HttpFailure,
  parseAddress,
  readLines,
  SecretReader,
  TlsReader,
  withRetries,
} from '../../../src/http';
import { failureKindOf } from '../../../src/model';
import { testFolder } from '../../support/folders';
import { hostileServer, MISBEHAVIOURS } from '../../support/hostile-server';
import { httpServer, httpsServer, testAuthority } from '../../support/https-server';

type Options = ConstructorParameters<typeof HttpClient>[0];

function clientOf(url: string, options: Partial<Options> = {}): HttpClient {
  const address = parseAddress(url, { allowHttpBy: null, unix: true });
  const client = new HttpClient({
    address,
    subject: 'the server',
    timeoutMs: 30_000,
    maxBytes: 1_000_000,
    ...options,
  });
  onTestFinished(() => client.close());
  return client;
}

async function failureOf(work: Promise<unknown>): Promise<HttpFailure> {
  const error: unknown = await work.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HttpFailure);
  return error as HttpFailure;
}

describe('a request', () => {
  it('sends method, path, headers and a body in pieces, and yields the whole answer', async () => {
    const server = await httpServer((_seen, response) => {
      response.writeHead(207, { 'x-one': '1' });
      response.write('one ');
      response.end('two');
    });
    const client = clientOf(`${server.url}/base/`, { headers: { accept: 'text/plain' } });
    const answer = await client.request({
      method: 'PUT',
      path: '/below?a=b',
      headers: { 'x-two': '2' },
      body: [Buffer.from('a'), Buffer.from('bc')],
    });
    expect(answer).toMatchObject({ status: 207, headers: { 'x-one': '1' } });
    expect(answer.body.toString()).toBe('one two');
    const { method, path, headers, body } = server.seen[0]!;
    expect({ method, path, body }).toEqual({ method: 'PUT', path: '/base/below?a=b', body: 'abc' });
    expect(headers).toMatchObject({ accept: 'text/plain', 'x-two': '2', 'content-length': '3' });
  });

  it('goes over a unix socket', async () => {
    const path = join(testFolder(), 'server.sock');
    const server = createServer((_request, response) => response.end('here'));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    onTestFinished(() => void server.close());
    const { body } = await clientOf(`unix:${path}`).request({ path: '/status' });
    expect(body.toString()).toBe('here');
  });

  it('that waits for a connection is given up in time, too', async () => {
    const server = await httpServer(() => undefined);
    const client = clientOf(server.url, { maxSockets: 1, timeoutMs: 200 });
    const failures = await Promise.all([1, 2, 3].map(() => failureOf(client.request({ path: '/' }))));
    expect(failures.map(({ message }) => message)).toEqual(
      [1, 2, 3].map(() => 'the server: no answer within 0.2 s'),
    );
    expect(server.seen).toHaveLength(1);
  });

  it('never waits for a connection that a stream has', async () => {
    const server = await httpServer(({ path }, response) => {
      response.write('line\n');
      if (path === '/') response.end();
    });
    const client = clientOf(server.url, { maxSockets: 1 });
    const signal = new AbortController();
    const streams = await Promise.all(
      Array.from({ length: 20 }, () => client.open({ path: '/watch', signal: signal.signal })),
    );
    expect((await client.request({ path: '/' })).body.toString()).toBe('line\n');
    signal.abort();
    await Promise.all(streams.map((stream) => new Promise((resolve) => stream.once('close', resolve))));
  });

  it('is given up when the caller does', async () => {
    const server = await httpServer(() => undefined);
    const signal = AbortSignal.timeout(50);
    await expect(clientOf(server.url).request({ signal })).rejects.toHaveProperty('name', 'TimeoutError');
  });

  it('is sent again where the server was just closing the kept connection', async () => {
    let count = 0;
    const server = await httpServer((_seen, response) => {
      count += 1;
      // Resets requests on a kept connection without an answer.
      if (count === 2) response.socket?.resetAndDestroy();
      else response.end(String(count));
    });
    const client = clientOf(server.url);
    await client.request();
    expect((await client.request()).body.toString()).toBe('3');
    // A second post could do harm.
    count = 1;
    const failure = await failureOf(client.request({ method: 'POST' }));
    expect(failure.systemCode).toBe('ECONNRESET');
  });
});

describe('a server that misbehaves', () => {
  const BOUND = 8 * 1024 * 1024;

  test.for(Object.keys(MISBEHAVIOURS))('and %s has the request end, by its limits', async (name) => {
    const server = await hostileServer(MISBEHAVIOURS[name]!);
    const client = clientOf(server.url, { timeoutMs: 250, maxBytes: 100_000, maxRedirects: 5 });
    const result = await client.request({ path: '/secrets' }).then(
      ({ body }) => body.length,
      (error: unknown) => error,
    );
    if (typeof result === 'number') expect(result).toBeLessThanOrEqual(100_000);
    else {
      expect(result).toBeInstanceOf(HttpFailure);
      expect(failureKindOf(result)).not.toBe('mistake');
    }
    // Socket buffers of both sides, and no more.
    expect(server.sent()).toBeLessThan(BOUND);
  });

  test.for(Object.keys(MISBEHAVIOURS))('and %s has a stream end, by its limits', async (name) => {
    const server = await hostileServer(MISBEHAVIOURS[name]!);
    const client = clientOf(server.url, { timeoutMs: 250 });
    const signal = AbortSignal.timeout(1_000);
    let octets = 0;
    const read = async () => {
      const response = await client.open({ signal });
      for await (const line of readLines(response, { maxBytes: 100_000, silenceMs: 250 }))
        octets += line.length;
    };
    const end = await read().catch((error: unknown) => error);
    if (end !== undefined && !signal.aborted) expect(end).toBeInstanceOf(HttpFailure);
    if (octets === 0) expect(server.sent()).toBeLessThan(name.includes('empty lines') ? Infinity : BOUND);
  });
});

describe('whom a client trusts', () => {
  it('is the CA of its file, read again when the file changes', async () => {
    const { authority, caFile } = testAuthority();
    const other = Authority.root('Other CA');
    const server = await httpsServer(
      { identity: authority.issue({ names: ['127.0.0.1'] }) },
      (_seen, response) => {
        response.end('ok');
      },
    );
    const tls = new TlsReader({ caFile, certFile: null, keyFile: null });
    const client = clientOf(server.url, { credentials: { tls: () => tls.read() } });
    const right = readFileSync(caFile, 'utf8');
    expect((await client.request()).status).toBe(200);
    writeFileSync(`${caFile}.new`, other.cert);
    renameSync(`${caFile}.new`, caFile);
    const failure = await failureOf(client.request());
    expect(failure).toMatchObject({ code: 'untrusted', failureKind: 'forbidden' });
    writeFileSync(caFile, right);
    expect((await client.request()).status).toBe(200);
    rmSync(caFile);
    expect(await failureOf(client.request())).toMatchObject({
      code: 'credentials',
      failureKind: 'forbidden',
    });
  });

  it('may have another name than the host', async () => {
    const { authority } = testAuthority();
    const server = await httpsServer(
      { identity: authority.issue({ names: ['kubernetes.example'] }) },
      (_seen, response) => {
        response.end('ok');
      },
    );
    const identity = { ca: authority.cert };
    const without = clientOf(server.url, { credentials: { tls: () => identity } });
    expect((await failureOf(without.request())).why).toBe('its certificate is for another name');
    const named = { ca: authority.cert, serverName: 'kubernetes.example' };
    const client = clientOf(server.url, { credentials: { tls: () => named } });
    expect((await client.request()).status).toBe(200);
  });

  it('sees the client certificate as it is now', async () => {
    const { authority, caFile } = testAuthority();
    const folder = testFolder();
    const [certFile, keyFile] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
    const put = (name: string) => {
      const { chain, key } = authority.issue({ names: [name] });
      writeFileSync(certFile, chain);
      writeFileSync(keyFile, key);
    };
    const server = await httpsServer(
      { identity: authority.issue({ names: ['127.0.0.1'] }), clientCa: authority.cert },
      ({ client }, response) => void response.end(client),
    );
    put('one');
    const tls = new TlsReader({ caFile, certFile, keyFile });
    const client = clientOf(server.url, { credentials: { tls: () => tls.read() } });
    expect((await client.request()).body.toString()).toBe('one');
    put('two');
    expect((await client.request()).body.toString()).toBe('two');
  });
});

describe('a token', () => {
  it('that is not accepted is read again, and the request sent once more where it is another one', async () => {
    const file = join(testFolder(), 'token');
    writeFileSync(file, 'old\n');
    const secret = new SecretReader({ file });
    // Even if the stamps are unchanged.
    const kept: { token: string } = { token: secret.readToken() };
    const server = await httpServer(({ headers }, response) => {
      response.statusCode = headers['authorization'] === 'Bearer new' ? 200 : 401;
      response.end();
    });
    const client = clientOf(server.url, {
      credentials: {
        headers: () => ({ authorization: `Bearer ${kept.token}` }),
        forget: () => {
          secret.forget();
          kept.token = secret.readToken();
        },
      },
    });
    expect((await client.request()).status).toBe(401);
    expect(server.seen).toHaveLength(1);
    writeFileSync(file, 'new\n');
    expect((await client.request()).status).toBe(200);
    expect(server.seen).toHaveLength(3);
  });
});

describe('a redirect', () => {
  async function pair(location: (other: string, home: string) => string) {
    const { authority } = testAuthority();
    const identity = authority.issue({ names: ['127.0.0.1'] });
    const other = await httpsServer({ identity }, (_seen, response) => void response.end('there'));
    const home = await httpsServer({ identity }, ({ path }, response) => {
      if (path !== '/') {
        response.end('home');
        return;
      }
      response.writeHead(302, { location: location(other.url, home.url) });
      response.end();
    });
    const tls = { ca: authority.cert };
    const client = clientOf(home.url, {
      maxRedirects: 3,
      credentials: { tls: () => tls, headers: () => ({ authorization: 'Bearer secret-token' }) },
    });
    return { client, home, other };
  }

  it('to another place takes no credentials along', async () => {
    const { client, other } = await pair((url) => `${url}/file`);
    const answer = await client.request();
    expect(answer.body.toString()).toBe('there');
    expect(answer.isHome).toBe(false);
    expect(JSON.stringify(other.seen)).not.toContain('secret-token');
  });

  it('within the same place does', async () => {
    const { client, home } = await pair(() => '/elsewhere');
    expect((await client.request()).body.toString()).toBe('home');
    expect(home.seen.map(({ headers }) => headers['authorization'])).toEqual([
      'Bearer secret-token',
      'Bearer secret-token',
    ]);
  });

  test.for<[what: string, location: () => string]>([
    ['plain http', () => 'http://127.0.0.1:1/'],
    ['another scheme', () => 'file:///etc/passwd'],
    ['nowhere', () => ''],
    ['nonsense', () => 'http://['],
  ])('to %s is not followed, and its target is not quoted', async ([, location]) => {
    const { client } = await pair(location);
    const failure = await failureOf(client.request());
    expect(failure.failureKind).toBe('forbidden');
    if (location() !== '') expect(failure.message).not.toContain(location());
  });

  it('is an answer like others where none are followed', async () => {
    const server = await httpServer((_seen, response) => {
      response.writeHead(307, { location: '/' }).end();
    });
    expect((await clientOf(server.url).request()).status).toBe(307);
    expect(server.seen).toHaveLength(1);
  });
});

describe('a request that failed', () => {
  const failing = (kind: 'away' | 'forbidden' | 'refused', times: number) => {
    const calls = { count: 0 };
    const work = () => {
      calls.count += 1;
      if (calls.count <= times) return Promise.reject(new HttpFailure('x', { code: 'status', kind }));
      return Promise.resolve('done');
    };
    return { calls, work };
  };

  it('is repeated where nobody answered, as often as is allowed', async () => {
    const once = failing('away', 1);
    await expect(withRetries({ attempts: 2 }, once.work)).resolves.toBe('done');
    const twice = failing('away', 2);
    await expect(withRetries({ attempts: 2 }, twice.work)).rejects.toBeInstanceOf(HttpFailure);
    expect(twice.calls.count).toBe(2);
  });

  test.for(['forbidden', 'refused'] as const)('is not repeated where it was %s', async (kind) => {
    const { calls, work } = failing(kind, 1);
    await expect(withRetries({ attempts: 4 }, work)).rejects.toBeInstanceOf(HttpFailure);
    expect(calls.count).toBe(1);
  });
});
