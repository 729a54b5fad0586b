import { execFileSync } from 'node:child_process';
import { createServer } from 'node:https';
import { createServer as createSocket, type AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { Webhook } from '../../../src/alerts';
import { authorities, issue, secretsIn } from '../../support/bundles';
import { testFolder } from '../../support/folders';
import { startReceiver } from '../../support/receiver';

type Settings = ConstructorParameters<typeof Webhook>[0];

function webhook(settings: Partial<Settings>, timeoutMs?: number): Webhook {
  const complete = { headers: [], allow_http: false, ...settings };
  const hook = new Webhook(complete, (address) => address, timeoutMs);
  onTestFinished(() => hook.close());
  return hook;
}

function file(text: string): string {
  const path = join(testFolder(), 'file');
  writeFileSync(path, text);
  return path;
}

describe('a webhook', () => {
  it('gets JSON, the headers that are configured and the token of the file', async () => {
    const { url, received } = await startReceiver();
    const hook = webhook({
      webhook: `${url}/hook?x=1`,
      headers: ['X-Team: gateway: one'],
      token_file: file('t0ken\n'),
    });
    expect(await hook.post({ a: 1 })).toEqual({ kind: 'delivered' });
    expect(received).toMatchObject([
      {
        method: 'POST',
        path: '/hook?x=1',
        headers: {
          'content-type': 'application/json',
          'x-team': 'gateway: one',
          authorization: 'Bearer t0ken',
        },
        body: { a: 1 },
      },
    ]);
  });

  it('gets no private key, token or password, whoever put it into a sentence', async () => {
    const { url, received } = await startReceiver();
    const { key } = issue();
    const description = `${key} was sent with X-Vault-Token: s3cr3t to https://kong:s3cr3t@vault.test`;
    await webhook({ webhook: url }).post({ alerts: [{ description }] });
    const got = JSON.stringify(received[0]?.body);
    expect(got).toContain('[private key removed]');
    for (const secret of [...secretsIn(key), 's3cr3t']) expect(got).not.toContain(secret);
  });

  it('whose address would come out of a pipe that nobody writes to is tried again', async () => {
    const webhook_file = join(testFolder(), 'pipe');
    execFileSync('mkfifo', [webhook_file]);
    expect(await webhook({ webhook_file }).post({})).toMatchObject({ kind: 'later' });
  });

  it('gets the name and password of its address, unless a header says who asks', async () => {
    const { url, received } = await startReceiver();
    const address = url.replace('http://', 'http://team:p%40ss@');
    await webhook({ webhook: address }).post({});
    await webhook({ webhook: address, headers: ['Authorization: Basic own'] }).post({});
    await webhook({ webhook: url.replace('http://', 'http://team:100%@') }).post({});
    expect(received.map(({ headers }) => headers.authorization)).toEqual([
      `Basic ${Buffer.from('team:p@ss').toString('base64')}`,
      'Basic own',
      `Basic ${Buffer.from('team:100%').toString('base64')}`,
    ]);
  });

  it('is found by a file, which may change', async () => {
    const { url, received } = await startReceiver();
    const path = file(`${url}/one\n`);
    const hook = webhook({ webhook_file: path });
    await hook.post({});
    writeFileSync(path, `${url}/two`);
    await hook.post({});
    expect(received.map((one) => one.path)).toEqual(['/one', '/two']);
  });

  it('is trusted by the CA of the file, and not without it', async () => {
    const server = issue({ names: ['localhost'] });
    const listening = createServer({ cert: server.chain, key: server.key }, (_, response) => response.end());
    await new Promise<void>((done) => listening.listen(0, '127.0.0.1', done));
    onTestFinished(() => void listening.close());
    const address = `https://localhost:${(listening.address() as AddressInfo).port}/`;
    const ca_file = file(authorities().root.cert);
    expect(await webhook({ webhook: address, ca_file }).post({})).toEqual({ kind: 'delivered' });
    expect(await webhook({ webhook: address }).post({})).toMatchObject({
      kind: 'later',
      error: expect.stringContaining('not from a trusted CA') as string,
    });
  });

  test.for<[number, 'delivered' | 'later' | 'never']>([
    [200, 'delivered'],
    [204, 'delivered'],
    [302, 'later'],
    [400, 'never'],
    [401, 'later'],
    [404, 'later'],
    [413, 'never'],
    [422, 'never'],
    [429, 'later'],
    [500, 'later'],
    [503, 'later'],
  ])('that answers %d: %s', async ([status, kind]) => {
    const { url } = await startReceiver((response) => response.writeHead(status).end());
    const delivery = await webhook({ webhook: url }).post({});
    expect(delivery.kind).toBe(kind);
    if (delivery.kind !== 'delivered') expect(delivery.error).toBe(`the webhook answered ${status}`);
  });

  it('that redirects is not followed', async () => {
    const other = await startReceiver();
    const { url } = await startReceiver((response) => response.writeHead(307, { location: other.url }).end());
    await webhook({ webhook: url, token_file: file('t0ken') }).post({});
    expect(other.received).toEqual([]);
  });

  test.for([
    ['7', 7_000],
    ['0', 1_000],
    ['soon', null],
  ] as const)('that wants to be left alone for "%s" seconds is', async ([value, afterMs]) => {
    const { url } = await startReceiver((response) =>
      response.writeHead(429, { 'retry-after': value }).end(),
    );
    expect(await webhook({ webhook: url }).post({})).toMatchObject({ kind: 'later', afterMs });
  });

  it('that hangs is given up', async () => {
    const { url } = await startReceiver(() => undefined);
    expect(await webhook({ webhook: url }, 50).post({})).toEqual({
      kind: 'later',
      error: 'the webhook cannot be reached: no answer within 0.05 s',
      afterMs: null,
    });
  });

  it('whose answer never ends has taken it', async () => {
    const { url } = await startReceiver((response) => void response.write('…'.repeat(100_000)));
    expect(await webhook({ webhook: url }).post({})).toEqual({ kind: 'delivered' });
  });

  it('that answers garbage is tried again, and nothing of it is told', async () => {
    const server = createSocket((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end('SECRET GARBAGE\r\n\r\n'));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    onTestFinished(() => void server.close());
    const delivery = await webhook({
      webhook: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    }).post({});
    expect(delivery.kind).toBe('later');
    expect(JSON.stringify(delivery)).not.toContain('GARBAGE');
  });

  it('that nobody listens at is tried again', async () => {
    const { url, server } = await startReceiver();
    await new Promise((done) => server.close(done));
    expect(await webhook({ webhook: url }).post({})).toMatchObject({
      kind: 'later',
      error: 'the webhook cannot be reached: connection refused',
    });
  });
});

describe('plain http', () => {
  test.for([
    'http://alerts.example.test/secret',
    'http://127.0.0.1.example.test/secret',
    'http://10.0.0.1/secret',
  ])('to another host is refused: %s', async (address) => {
    const delivery = await webhook({ webhook: address }).post({});
    expect(delivery).toMatchObject({
      kind: 'later',
      error: expect.stringContaining('use https, or set alerts.allow_http') as string,
    });
  });

  it('to another host is allowed where that is set', async () => {
    const delivery = await webhook({ webhook: 'http://alerts.invalid/', allow_http: true }).post({});
    expect(delivery).toMatchObject({ error: expect.stringContaining('cannot be reached') as string });
  });
});

describe('the log about a webhook', () => {
  const SECRET = 's3cr3t';

  it('is its host alone', () => {
    expect(webhook({ webhook: `https://u:${SECRET}@hooks.example.test/${SECRET}?${SECRET}` }).name).toBe(
      'https://hooks.example.test',
    );
    expect(webhook({ webhook_file: '/run/webhook' }).name).toBe('/run/webhook');
  });

  test.for<[string, () => Partial<Settings>]>([
    ['something that is not an address', () => ({ webhook_file: file(`${SECRET} is no address`) })],
    ['an address of another kind', () => ({ webhook_file: file(`ftp://${SECRET}/`) })],
    ['a file that is not there', () => ({ webhook: 'https://127.0.0.1:1/', token_file: '/nowhere/token' })],
    [
      'a header that cannot be sent',
      () => ({ webhook: 'http://127.0.0.1:1/', headers: [`X-Token: ${SECRET}\u0000`] }),
    ],
    [
      'a token that cannot be sent',
      () => ({ webhook: 'http://127.0.0.1:1/', token_file: file(`${SECRET}\n${SECRET}`) }),
    ],
    ['a CA file without a CA', () => ({ webhook: `https://127.0.0.1:1/${SECRET}`, ca_file: file(SECRET) })],
  ])('has no secret in it: %s', async ([, settings]) => {
    const delivery = await webhook(settings()).post({});
    expect(delivery.kind).toBe('later');
    expect(JSON.stringify(delivery)).not.toContain(SECRET);
  });
});
