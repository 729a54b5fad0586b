import { writeFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { Authority } from '../../../src/authority/authority';
import { kongMessage } from '../../../src/gateway/admin/client';
import { answering, clientOf, failureOf, type Answer } from '../../support/admin';
import { issue, secretsIn } from '../../support/bundles';
import { eventually } from '../../support/eventually';
import { testFolder } from '../../support/folders';

const ok: Answer = { status: 200, body: { data: [] } };
const { key } = issue();

describe('an Admin API that does not answer', () => {
  it('because nobody listens is told apart from one that refuses', async () => {
    const { url, server } = await answering([ok]);
    await new Promise((resolve) => server.close(resolve));
    const error = await failureOf(clientOf(url, { attempts: 1 }).get('/status'));
    expect(error).toMatchObject({ code: 'ADMIN_UNREACHABLE', status: null });
    expect(error.message).toBe(
      `the Admin API at ${url} does not answer GET /status: connection refused (is Kong running, and is admin_listen on?)`,
    );
    expect(error.cause).toBeInstanceOf(Error);
  });

  it('because its socket is not there says so', async () => {
    const error = await failureOf(clientOf(`unix:${testFolder()}/no.sock`, { attempts: 1 }).get('/status'));
    expect(error.message).toContain('the socket does not exist');
  });

  it('in time is given up', async () => {
    const { url } = await answering([() => undefined]);
    const error = await failureOf(clientOf(url, { attempts: 1, timeoutMs: 50 }).get('/status'));
    expect(error.message).toContain('no answer within 0.05 s');
  });

  it('is not waited for once the caller gives up: during the request', async () => {
    const { url, received } = await answering([() => undefined]);
    const abort = new AbortController();
    const request = clientOf(url).request('GET', '/status', undefined, abort.signal);
    const failed = request.catch((error: unknown) => error as Error);
    await eventually('the request arrives', () => received.length === 1);
    abort.abort();
    expect((await failed) as Error).toMatchObject({ name: 'AbortError' });
    expect(received).toHaveLength(1);
  });

  it('is not waited for when the caller gives up: between two tries', async () => {
    const { url, received } = await answering([{ status: 503, headers: { 'retry-after': '25' } }]);
    const abort = new AbortController();
    const failed = clientOf(url)
      .request('GET', '/status', undefined, abort.signal)
      .catch((error: unknown) => error as Error);
    await eventually('the request arrives', () => received.length === 1);
    abort.abort();
    expect(await failed).toMatchObject({ name: 'AbortError' });
  });
});

describe('an error of the Admin API', () => {
  it('never quotes what was sent or answered', async () => {
    const { url } = await answering([{ status: 500, body: { message: key, key } }]);
    const error = await failureOf(
      clientOf(url, { token: { value: 'let-me-in' } }).request('PUT', '/certificates/a', { key }),
    );
    const text = `${error.message} ${String(error.stack)} ${JSON.stringify(error)}`;
    for (const secret of [...secretsIn(key), 'let-me-in']) expect(text).not.toContain(secret);
  });

  it('does not quote a password in the address', async () => {
    const { url } = await answering([{ status: 500 }]);
    const error = await failureOf(
      clientOf(url.replace('http://', 'http://admin:s3cret@'), { attempts: 1 }).get('/'),
    );
    expect(error.message).not.toContain('s3cret');
  });

  test.for<[string, unknown, string]>([
    ['its message', { message: 'schema violation (cert: invalid)' }, 'schema violation (cert: invalid)'],
    ['nothing where there is none', {}, 'no message'],
    ['nothing where there is no body', null, 'no message'],
    ['no PEM', { message: `invalid: ${key}` }, 'its message quotes the PEM and is left out'],
    ['500 letters at most', { message: 'x'.repeat(1000) }, `${'x'.repeat(500)}…`],
    [
      'nothing of its flattened errors',
      { message: 'no', flattened_errors: [{ entity: { key } }], fields: { key } },
      'no',
    ],
  ])("says in Kong's words: %s", ([, body, words]) => {
    expect(kongMessage(body)).toBe(words);
  });
});

describe('an Admin API with TLS', () => {
  const ca = Authority.root();

  async function secured(names: string[]) {
    const { chain, key: tlsKey } = ca.issue({ names });
    const server = createTlsServer({ cert: chain, key: tlsKey }, (_, response) => response.end('{}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return (server.address() as AddressInfo).port;
  }

  it('needs no trust on loopback, where nobody else can be', async () => {
    const port = await secured(['localhost']);
    expect(await clientOf(`https://127.0.0.1:${port}`).get('/status')).toMatchObject({ status: 200 });
  });

  it('is trusted by the CA that was given', async () => {
    const port = await secured(['127.0.0.1']);
    const caFile = join(testFolder(), 'ca.pem');
    writeFileSync(caFile, ca.cert);
    expect(await clientOf(`https://127.0.0.1:${port}`, { caFile }).get('/status')).toMatchObject({
      status: 200,
    });
  });

  it('of another CA than the one that was given is not trusted', async () => {
    const port = await secured(['127.0.0.1']);
    const caFile = join(testFolder(), 'ca.pem');
    writeFileSync(caFile, Authority.root().cert);
    const client = clientOf(`https://127.0.0.1:${port}`, { caFile, attempts: 1 });
    expect(await failureOf(client.get('/status'))).toMatchObject({ code: 'ADMIN_UNREACHABLE' });
  });
});
