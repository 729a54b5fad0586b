import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { digestOf } from '../../../src/certificates';
import { Authority } from '../../../src/authority/authority';
import { handshake, probeName } from '../../../src/verify';
import { UnreachableError } from '../../../src/verify/handshake';
import { covers } from '../../../src/plan/names';
import { authorities, derOf, issue, opened, raw, rawOf } from '../../support/bundles';
import { testFolder } from '../../support/folders';
import { missing, run } from '../../support/tools';
import { behindProxyProtocol, closedPort, tcpServer, tlsServer } from '../../support/tls-server';

const www = issue();
const api = issue({ names: ['api.example.test'] });
const chainOf = (issued: typeof www) => opened(rawOf(issued)).bundle.chain;
const timeoutMs = 20_000;

async function errorOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => new Error('it did not fail'),
    (error: unknown) => error as Error,
  );
}

describe('a handshake', () => {
  test.for(['p256', 'p384', 'rsa-2048', 'ed25519'] as const)(
    'sees the chain of a %s certificate as its bundle is',
    async (key) => {
      const issued = issue({ key });
      const server = await tlsServer(() => issued);
      const sent = await handshake({ ...server, servername: 'www.example.test', timeoutMs });
      expect(digestOf(sent)).toBe(chainOf(issued));
    },
  );

  it('sees what is served for the name that it asks for', async () => {
    const server = await tlsServer((name) => (name === 'api.example.test' ? api : www));
    const seen = async (servername: string) =>
      digestOf(await handshake({ ...server, servername, timeoutMs }));
    expect(await seen('api.example.test')).toBe(chainOf(api));
    expect(await seen('www.example.test')).toBe(chainOf(www));
    expect(server.asked).toEqual(['api.example.test', 'www.example.test']);
  });

  it('can be made without a name', async () => {
    const server = await tlsServer((name) => (name === null ? api : www));
    expect(digestOf(await handshake({ ...server, servername: null, timeoutMs }))).toBe(chainOf(api));
    expect(server.asked).toEqual([]);
  });

  it('sees a leaf alone, a self-signed certificate, and a chain of three', async () => {
    const { cert, key, privateKey } = www;
    const alone = { cert, chain: cert, key, privateKey };
    const self = Authority.root('self.test', { key: privateKey });
    const long = authorities()
      .intermediate.intermediate('Third')
      .issue({ names: ['x.test'] });
    for (const [issued, length] of [
      [alone, 1],
      [{ ...alone, chain: self.cert, cert: self.cert }, 1],
      [long, 3],
    ] as const) {
      const server = await tlsServer(() => issued);
      const sent = await handshake({ ...server, servername: 'x.test', timeoutMs });
      expect(sent).toHaveLength(length);
      expect(sent[0]?.equals(derOf(issued.cert))).toBe(true);
      expect(digestOf(sent)).toBe(opened(raw({ cert: issued.chain, key })).bundle.chain);
    }
  });

  it('sees a chain in the order of its issuers, and what stands in it twice once', async () => {
    const root = Authority.root();
    const lower = root.intermediate('Upper').intermediate('Lower');
    const issued = lower.issue({ names: ['x.test'] });
    const [, first = '', second = ''] =
      issued.chain.match(/-----BEGIN[^]*?-----END CERTIFICATE-----\n/g) ?? [];
    for (const [parts, seen] of [
      [
        [first, second, first],
        [first, second],
      ],
      // A certificate that is sent before the one it issued is not reached.
      [[second, first], [first]],
      [
        [first, second, root.cert],
        [first, second, root.cert],
      ],
    ] as const) {
      const server = await tlsServer(() => ({ chain: issued.cert + parts.join(''), key: issued.key }));
      const sent = await handshake({ ...server, servername: 'x.test', timeoutMs });
      const expected = [issued.cert, ...seen].map(derOf);
      expect(sent.map((der) => der.toString('hex'))).toEqual(expected.map((der) => der.toString('hex')));
    }
  });

  it('is a whole one each time: a swapped certificate is seen at once', async () => {
    let served = www;
    const server = await tlsServer(() => served);
    const seen = async () =>
      digestOf(await handshake({ ...server, servername: 'www.example.test', timeoutMs }));
    expect(await seen()).toBe(chainOf(www));
    served = issue();
    expect(await seen()).toBe(chainOf(served));
  });

  it('accepts a certificate that has expired or is for another name', async () => {
    const expired = issue({
      names: ['other.test'],
      notAfter: new Date(Date.now() - 1000),
      notBefore: new Date(0),
    });
    const server = await tlsServer(() => expired);
    expect(await handshake({ ...server, servername: 'www.example.test', timeoutMs })).toHaveLength(2);
  });

  test.for(['rsa', 'ec'] as const)('can ask for the %s one of twins', async (keyType) => {
    const twins = { ec: issue(), rsa: issue({ key: 'rsa-2048' }) };
    const server = await tlsServer(() => [twins.ec, twins.rsa]);
    const sent = await handshake({ ...server, servername: 'www.example.test', keyType, timeoutMs });
    expect(digestOf(sent)).toBe(chainOf(twins[keyType]));
  });

  describe.skipIf(missing.openssl !== null)(`a key of RSA-PSS alone [${missing.openssl ?? 'found'}]`, () => {
    it('is the rsa one of twins, too', async () => {
      const key = join(testFolder(), 'key.pem');
      const made = ['-newkey', 'rsa-pss', '-pkeyopt', 'rsa_keygen_bits:2048', '-noenc', '-keyout', key];
      const names = ['-subj', '/CN=a.test', '-addext', 'subjectAltName=DNS:a.test'];
      const chain = run('openssl', ['req', '-x509', ...made, ...names]).toString();
      const pss = { chain, key: readFileSync(key, 'utf8') };
      const server = await tlsServer(() => [issue(), pss]);
      const sent = await handshake({ ...server, servername: 'a.test', keyType: 'rsa', timeoutMs });
      expect(sent).toEqual([derOf(chain)]);
    });
  });

  it('sends a PROXY protocol header where the listener expects one', async () => {
    const front = await behindProxyProtocol(await tlsServer(() => www));
    const sent = await handshake({
      ...front,
      proxyProtocol: true,
      servername: 'www.example.test',
      timeoutMs,
    });
    expect(digestOf(sent)).toBe(chainOf(www));
    expect(front.headers).toEqual(['PROXY UNKNOWN']);
  });
});

describe('a handshake fails', () => {
  it('as unreachable where nobody listens', async () => {
    const error = await errorOf(handshake({ ...(await closedPort()), servername: 'a.test', timeoutMs }));
    expect(error).toBeInstanceOf(UnreachableError);
    expect(error.message).toContain('ECONNREFUSED');
  });

  it('as unreachable where the host name leads nowhere', async () => {
    const error = await errorOf(
      handshake({ host: 'nowhere.invalid', port: 443, servername: 'a.test', timeoutMs }),
    );
    expect(error).toBeInstanceOf(UnreachableError);
  });

  // A typo among the listeners must not look like a wrong certificate: every swap would be rolled back.
  it('as unreachable where there is no such port', async () => {
    const error = await errorOf(
      handshake({ host: '127.0.0.1', port: 84_433, servername: 'a.test', timeoutMs }),
    );
    expect(error).toBeInstanceOf(UnreachableError);
    expect(error.message).toBe('there is no port 84433');
  });

  it('where the server says nothing, after the time that it has', async () => {
    const server = await tcpServer(() => undefined);
    const error = await errorOf(handshake({ ...server, servername: 'a.test', timeoutMs: 1_500 }));
    expect(error).not.toBeInstanceOf(UnreachableError);
    expect(error.message).toBe('no handshake within 1.5 s');
  });

  it('where the server keeps sending bytes that lead nowhere, after the time that it has', async () => {
    const server = await tcpServer((socket) => {
      // The head of a handshake record of 16 KiB, then a byte at a time.
      socket.write(Buffer.from([0x16, 0x03, 0x03, 0x40, 0x00]));
      const drip = setInterval(() => socket.write(Buffer.from([0x02])), 20);
      socket.on('close', () => clearInterval(drip));
    });
    const error = await errorOf(handshake({ ...server, servername: 'a.test', timeoutMs: 1_500 }));
    expect(error.message).toBe('no handshake within 1.5 s');
  });

  test.for<[string, (socket: Socket) => void]>([
    ['closes at once', (socket) => socket.end()],
    ['resets', (socket) => socket.once('data', () => socket.resetAndDestroy())],
    ['speaks HTTP', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['closes after the first bytes', (socket) => socket.once('data', () => socket.destroy())],
    ['sends an alert', (socket) => socket.end(Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x70]))],
  ])('where the server %s, which is not the same as nobody listening', async ([, serve]) => {
    const error = await errorOf(handshake({ ...(await tcpServer(serve)), servername: 'a.test', timeoutMs }));
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(UnreachableError);
    expect(error.message).not.toBe('it did not fail');
  });

  it('where the listener expects a PROXY header and gets none', async () => {
    const front = await behindProxyProtocol(await tlsServer(() => www));
    const error = await errorOf(handshake({ ...front, servername: 'a.test', timeoutMs: 1_500 }));
    expect(error.message).not.toBe('it did not fail');
  });

  it('where there is no certificate of the key type that is asked for', async () => {
    const server = await tlsServer(() => www);
    const error = await errorOf(handshake({ ...server, servername: 'a.test', keyType: 'rsa', timeoutMs }));
    expect(error.message).not.toBe('it did not fail');
  });
});

describe('the name that a probe asks for', () => {
  test.for([
    ['www.example.test', 'www.example.test'],
    ['localhost', 'localhost'],
    ['*.example.test', 'ssl-cert-reloader-probe.example.test'],
    ['example.*', 'example.ssl-cert-reloader-probe'],
    ['*', 'ssl-cert-reloader-probe.invalid'],
  ])('for the SNI %s is %s', ([sni = '', name]) => {
    expect(probeName(sni)).toBe(name);
    expect(covers({ names: [sni] }, probeName(sni)) || sni.endsWith('*')).toBe(true);
  });
});
