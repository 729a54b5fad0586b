import { existsSync, mkdirSync, chmodSync, symlinkSync } from 'node:fs';
import { createServer, connect, type AddressInfo, type Server, Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { X509Certificate } from 'node:crypto';
import { HttpClient, type HttpFailure, parseAddress, type PeerRules } from '../../../src/http';
import { peerCheck } from '../../../src/http/peer';
import { ownersOfPeer } from '../../../src/http/socket-owner';
import { testFolder } from '../../support/folders';
import { httpServer, httpsServer, testAuthority } from '../../support/https-server';
import { startStranger } from '../../support/stranger';

const isLinux = existsSync('/proc/net/tcp');
const SECRET = 'a-token-that-nobody-else-may-see';

function clientOf(
  url: string,
  peer: Partial<PeerRules> = {},
  isUnverified = false,
  allowHttp = false,
): HttpClient {
  const client = new HttpClient({
    address: parseAddress(url, { allowHttp, allowHttpBy: null, unix: true }),
    subject: 'the server',
    credentials: { headers: () => ({ authorization: `Bearer ${SECRET}` }) },
    timeoutMs: 30_000,
    maxBytes: 1_000,
    isUnverified,
    peer: { advice: 'do something else', ...peer },
  });
  onTestFinished(() => client.close());
  return client;
}

const failureOf = (client: HttpClient): Promise<HttpFailure> =>
  client.request({ path: '/' }).then(
    () => Promise.reject(new Error('it succeeded')),
    (error: unknown) => error as HttpFailure,
  );

async function listening(host: string, options: { ipv6Only?: boolean } = {}): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => undefined));
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen({ host, port: 0, ...options }, resolve);
  });
  onTestFinished(() => void server.close());
  return server;
}

function connected(port: number, host: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host });
    onTestFinished(() => void socket.destroy());
    socket.on('error', reject);
    socket.once('connect', () => resolve(socket));
  });
}

describe.runIf(isLinux)('the owner of the other end', () => {
  test.for([
    ['127.0.0.1', '127.0.0.1'],
    ['0.0.0.0', '127.0.0.1'],
    ['127.0.0.2', '127.0.0.2'],
    ['::1', '::1'],
    ['::', '::1'],
    ['::', '127.0.0.1'],
  ] as const)('of a listener at %s that is asked at %s is found', async ([host, at]) => {
    const server = await listening(host);
    const { port } = server.address() as AddressInfo;
    const socket = await connected(port, at);
    expect(await ownersOfPeer(socket)).toEqual(new Set([process.geteuid!()]));
  });

  it('is found for many connections at once', async () => {
    const server = await listening('127.0.0.1');
    const { port } = server.address() as AddressInfo;
    const sockets = await Promise.all(Array.from({ length: 50 }, () => connected(port, '127.0.0.1')));
    const owners = await Promise.all(sockets.map(ownersOfPeer));
    expect(new Set(owners.map((found) => [...(found ?? [])].join()))).toEqual(
      new Set([String(process.geteuid!())]),
    );
  });

  it('is not known of a connection that has ended', async () => {
    const server = await listening('127.0.0.1');
    const { port } = server.address() as AddressInfo;
    const socket = await connected(port, '127.0.0.1');
    socket.destroy();
    expect(await ownersOfPeer(socket)).toBeNull();
  });
});

describe.runIf(isLinux)('a stranger who listens where somebody else should', () => {
  it('on a port gets nothing, and the sentence says who it is and what helps', async () => {
    const stranger = await startStranger();
    const failure = await failureOf(clientOf(`http://127.0.0.1:${stranger.port}`));
    expect(failure).toMatchObject({ code: 'untrusted', failureKind: 'forbidden' });
    expect(failure.message).toMatch(/^the server: a process of user \d+ answers there.* do something else$/);
    expect(await stranger.heard()).toBe('');
  });

  it('with localhost for a name, too', async () => {
    const stranger = await startStranger(0, '127.0.0.1');
    expect((await failureOf(clientOf(`http://localhost:${stranger.port}`))).code).toBe('untrusted');
    expect(await stranger.heard()).toBe('');
  });

  it('on a unix socket gets nothing, nor by a link to the right one', async () => {
    const folder = testFolder();
    chmodSync(folder, 0o755);
    const open = join(folder, 'open');
    mkdirSync(open);
    chmodSync(open, 0o777);
    const path = join(open, 'kong.sock');
    const stranger = await startStranger(path);
    expect((await failureOf(clientOf(`unix:${path}`))).code).toBe('untrusted');
    symlinkSync(path, join(folder, 'link.sock'));
    expect((await failureOf(clientOf(`unix:${join(folder, 'link.sock')}`))).code).toBe('untrusted');
    expect(await stranger.heard()).toBe('');
  });

  it('may be one that is trusted', async () => {
    const stranger = await startStranger();
    const users = () => new Set([65_534, ...(process.getuid === undefined ? [] : [process.getuid()])]);
    expect((await clientOf(`http://127.0.0.1:${stranger.port}`, { users }).request()).status).toBe(200);
    expect(await stranger.heard()).toContain(SECRET);
  });

  it('is taken where the operator allows plain http as it is', async () => {
    const stranger = await startStranger();
    const client = clientOf(`http://127.0.0.1:${stranger.port}`, {}, false, true);
    expect((await client.request()).status).toBe(200);
  });
});

describe('this user', () => {
  it('may listen, with every connection', async () => {
    const server = await httpServer((_seen, response) => void response.end('ok'));
    const client = clientOf(server.url);
    const answers = await Promise.all(Array.from({ length: 30 }, () => client.request()));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  });
});

describe('plain http that is only for this machine', () => {
  const check = peerCheck(parseAddress('http://localhost:8001', { allowHttpBy: null }), false, undefined)!;
  const ends = (localAddress: string, remoteAddress: string | undefined) =>
    Object.defineProperties(new Socket(), {
      localAddress: { value: localAddress },
      remoteAddress: { value: remoteAddress },
    });

  test.for([
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:127.0.0.1', '::ffff:127.0.0.1'],
    ['::1', '::1'],
    ['192.0.2.7', '192.0.2.7'],
  ] as const)('goes from %s to %s', async ([from, to]) => {
    await expect(check(ends(from, to))).resolves.toBeUndefined();
  });

  test.for([
    ['192.0.2.7', '192.0.2.8'],
    ['::1', '2001:db8::1'],
    ['192.0.2.7', undefined],
  ] as const)('never goes from %s to %s, whatever name led there', async ([from, to]) => {
    await expect(check(ends(from, to))).rejects.toMatchObject({
      code: 'untrusted',
      failureKind: 'forbidden',
    });
  });
});

describe('a certificate that is not verified', () => {
  it('may be a pinned one', async () => {
    const { authority } = testAuthority();
    const identity = authority.issue({ names: ['localhost'] });
    const server = await httpsServer({ identity }, (_seen, response) => void response.end('ok'));
    const nobody = { users: () => new Set<number>() };
    const pinned = () => [new X509Certificate(identity.cert).raw];
    expect((await clientOf(server.url, { ...nobody, pinned }, true).request()).status).toBe(200);
  });

  it.runIf(isLinux)('of a stranger is sent nothing', async () => {
    const stranger = await startStranger();
    // It does not even speak TLS; nothing that follows the handshake can reach it.
    const failure = await failureOf(clientOf(`https://127.0.0.1:${stranger.port}`, {}, true));
    expect(failure.failureKind).not.toBe('mistake');
    expect(await stranger.heard()).not.toContain(SECRET);
  });
});
