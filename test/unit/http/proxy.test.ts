import { describe, expect, it, onTestFinished, test } from 'vitest';
import { Authority } from '../../../src/authority/authority';
import { HttpClient, HttpFailure, parseAddress, parseProxy } from '../../../src/http';
import { hostileServer, MISBEHAVIOURS } from '../../support/hostile-server';
import { httpsServer } from '../../support/https-server';
import { proxyServer } from '../../support/proxy-server';

const HOST = 'vault.example';
const authority = Authority.root('Test CA');

async function throughProxy(proxyUrl: string, { timeoutMs = 30_000 } = {}) {
  const server = await httpsServer({ identity: authority.issue({ names: [HOST] }) }, (_seen, response) => {
    response.end('behind');
  });
  const address = parseAddress(`https://${HOST}:${server.port}/v1`, { allowHttpBy: null });
  const identity = { ca: authority.cert };
  const client = new HttpClient({
    address,
    subject: 'the server',
    credentials: { tls: () => identity, headers: () => ({ 'x-vault-token': 'secret-token' }) },
    proxy: parseProxy(proxyUrl, address),
    timeoutMs,
    maxBytes: 1_000,
  });
  onTestFinished(() => client.close());
  return { client, server };
}

const failureOf = (client: HttpClient): Promise<HttpFailure> =>
  client.request({ path: '/' }).then(
    () => Promise.reject(new Error('it succeeded')),
    (error: unknown) => error as HttpFailure,
  );

describe('a request through a proxy', () => {
  it('asks it to connect by name, and keeps the connection', async () => {
    const proxy = await proxyServer();
    const { client, server } = await throughProxy(proxy.url);
    for (const path of ['/one', '/two'])
      expect((await client.request({ path })).body.toString()).toBe('behind');
    expect(proxy.asked).toEqual([{ target: `${HOST}:${server.port}`, authorization: undefined }]);
    expect(server.seen.map(({ path }) => path)).toEqual(['/v1/one', '/v1/two']);
  });

  it('shows the proxy nothing of what is sent, and the server nothing of its password', async () => {
    const proxy = await proxyServer();
    const { client, server } = await throughProxy(`http://us%40er:pass%3Aword@127.0.0.1:${proxy.port}`);
    await client.request();
    const authorization = `Basic ${Buffer.from('us@er:pass:word').toString('base64')}`;
    expect(proxy.asked[0]?.authorization).toBe(authorization);
    expect(proxy.carried()).not.toContain('secret-token');
    expect(JSON.stringify(server.seen)).not.toContain('Basic');
  });

  it('that speaks TLS itself', async () => {
    const proxy = await proxyServer({ identity: authority.issue({ names: ['127.0.0.1'] }) });
    const { client } = await throughProxy(proxy.url);
    expect((await client.request()).status).toBe(200);
  });

  it('still wants the right certificate of the server', async () => {
    const proxy = await proxyServer();
    const other = Authority.root('Other CA');
    const server = await httpsServer({ identity: other.issue({ names: [HOST] }) }, (_seen, response) => {
      response.end();
    });
    const address = parseAddress(`https://${HOST}:${server.port}`, { allowHttpBy: null });
    const identity = { ca: authority.cert };
    const client = new HttpClient({
      address,
      subject: 'the server',
      credentials: { tls: () => identity },
      proxy: parseProxy(proxy.url, address),
      timeoutMs: 30_000,
      maxBytes: 1_000,
    });
    onTestFinished(() => client.close());
    expect((await failureOf(client)).code).toBe('untrusted');
    expect(server.seen).toEqual([]);
  });

  test.for([
    [407, 'forbidden', 'does not accept the user and password in proxy'],
    [403, 'forbidden', 'does not allow a connection to vault.example'],
    [502, 'away', 'cannot reach vault.example'],
    [200.5, 'forbidden', 'does it support CONNECT?'],
  ] as const)('is refused with %s', async ([status, kind, words]) => {
    const proxy = await proxyServer({ refuse: () => (status === 200.5 ? 404 : status) });
    const { client } = await throughProxy(`http://user:pass-word@127.0.0.1:${proxy.port}`);
    const failure = await failureOf(client);
    expect(failure.failureKind).toBe(kind);
    expect(failure.message).toContain(words);
    expect(failure.message).not.toContain('pass-word');
  });

  it('names the proxy where that is away', async () => {
    const { client } = await throughProxy('http://127.0.0.1:1');
    expect((await failureOf(client)).message).toBe(
      'the server: the proxy http://127.0.0.1:1 cannot be reached: connection refused',
    );
  });

  test.for(Object.keys(MISBEHAVIOURS))('that %s ends in time', async (name) => {
    const proxy = await hostileServer(MISBEHAVIOURS[name]!);
    const { client } = await throughProxy(proxy.url, { timeoutMs: 250 });
    expect(await failureOf(client)).toBeInstanceOf(HttpFailure);
    expect(proxy.sent()).toBeLessThan(8 * 1024 * 1024);
  });
});
