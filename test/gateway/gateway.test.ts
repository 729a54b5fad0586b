import { once } from 'node:events';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type * as http from 'node:http';
import * as https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Authority, type Issued } from '../../src/authority/authority';
import { handshake as shake } from '../../src/verify';
import { startGateway, type Gateway, type GatewayOptions } from './index';
import { ask, eventually, handshake } from './probe';

let authority: Authority;
let gateway: Gateway;

beforeAll(() => {
  authority = Authority.root().intermediate();
});

afterEach(async () => {
  await gateway.stop();
});

const ID = '11111111-1111-4111-8111-111111111111';
const issue = (name: string) => authority.issue({ names: [name] });

async function start(options: GatewayOptions = {}): Promise<Gateway> {
  gateway = await startGateway(options);
  return gateway;
}

function put(issued: Issued, snis: readonly string[], id = ID) {
  return ask(gateway.adminUrl, 'PUT', `/certificates/${id}`, { cert: issued.chain, key: issued.key, snis });
}

function patch(issued: Issued, id = ID) {
  return ask(gateway.adminUrl, 'PATCH', `/certificates/${id}`, { cert: issued.chain, key: issued.key });
}

const nameFor = async (serverName?: string) => (await handshake(gateway.tlsPort, serverName)).name;

describe('which certificate a client gets', () => {
  const entities = ['a.example.test', '*.example.test', 'both.example.*', 'www.shop.*', '*'];

  test.for([
    { asked: 'a.example.test', served: 'a.example.test', because: 'the exact name comes first' },
    { asked: 'b.example.test', served: 'prefix.example.test', because: 'then the first label as *' },
    {
      asked: 'both.example.test',
      served: 'prefix.example.test',
      because: 'which goes before the last label',
    },
    { asked: 'www.shop.de', served: 'www.shop.suffix', because: 'then the last label as *' },
    { asked: 'x.y.example.test', served: 'catch-all', because: '* stands for one label only' },
    { asked: 'example.test', served: 'catch-all', because: 'a name of two labels has no *.test' },
    { asked: 'localhost', served: 'catch-all', because: 'single labels have no wildcards' },
    { asked: undefined, served: 'localhost', because: 'without SNI it is always the default certificate' },
  ])('$asked gets $served: $because', async ({ asked, served }) => {
    await start({ mode: 'database' });
    for (const name of entities) {
      const commonName = name === '*' ? 'catch-all' : name.replace(/^\*/, 'prefix').replace(/\*$/, 'suffix');
      const { chain: cert, key } = issue(commonName);
      await ask(gateway.adminUrl, 'POST', '/certificates', { cert, key, snis: [name] });
    }
    expect(await nameFor(asked)).toBe(served);
  });

  test('an unknown name gets the default certificate where there is no *', async () => {
    await start();
    expect(await nameFor('unknown.example.test')).toBe('localhost');
  });

  test.for([
    { sigalgs: 'ECDSA+SHA256', served: 'ecdsa.example.test' },
    { sigalgs: 'RSA-PSS+SHA256', served: 'rsa.example.test' },
  ])('a client of $sigalgs gets the twin of that type', async ({ sigalgs, served }) => {
    await start({ mode: 'database' });
    const ecdsa = issue('ecdsa.example.test');
    const rsa = authority.issue({ names: ['rsa.example.test'], key: 'rsa-2048' });
    const twins = { cert: ecdsa.chain, key: ecdsa.key, cert_alt: rsa.chain, key_alt: rsa.key };
    await ask(gateway.adminUrl, 'POST', '/certificates', { ...twins, snis: ['a.example.test'] });
    const { name } = await handshake(gateway.tlsPort, 'a.example.test', { sigalgs });
    expect(name).toBe(served);
  });

  test('an RSA certificate stands alone beside an ECDSA default certificate', async () => {
    await start({ mode: 'database' });
    await put(authority.issue({ names: ['rsa.example.test'], key: 'rsa-2048' }), ['a.example.test']);
    const { name } = await handshake(gateway.tlsPort, 'a.example.test', {
      sigalgs: 'ECDSA+SHA256:RSA-PSS+SHA256',
    });
    expect(name).toBe('rsa.example.test');
  });

  test('a vault reference without a value fails the handshake', async () => {
    await start({ mode: 'database' });
    const references = { cert: '{vault://env/cert}', key: '{vault://env/key}' };
    await ask(gateway.adminUrl, 'POST', '/certificates', { ...references, snis: ['a.example.test'] });
    await expect(handshake(gateway.tlsPort, 'a.example.test')).rejects.toThrow();
    expect(await nameFor()).toBe('localhost');
  });
});

describe('a change', () => {
  test('is served by every worker before the answer', async () => {
    await start({ mode: 'database', workers: 3 });
    await put(issue('old.example.test'), ['a.example.test']);
    await patch(issue('new.example.test'));
    const names = [
      await nameFor('a.example.test'),
      await nameFor('a.example.test'),
      await nameFor('a.example.test'),
    ];
    expect(names).toEqual(['new.example.test', 'new.example.test', 'new.example.test']);
  });

  test('is not served by a lagging worker before its time', async () => {
    await start({ mode: 'database' });
    await put(issue('old.example.test'), ['a.example.test']);
    gateway.setWorkerLag(1, 3_600_000);
    await patch(issue('new.example.test'));
    const both = async () => new Set([await nameFor('a.example.test'), await nameFor('a.example.test')]);
    expect(await both()).toEqual(new Set(['new.example.test', 'old.example.test']));
    gateway.unfreeze();
    expect(await both()).toEqual(new Set(['new.example.test']));
  });

  test('is served by a lagging worker in the end', async () => {
    await start({ mode: 'database', workers: 1 });
    await put(issue('old.example.test'), ['a.example.test']);
    gateway.setWorkerLag(0, 50);
    await patch(issue('new.example.test'));
    await eventually(async () => (await nameFor('a.example.test')) === 'new.example.test');
  });

  test.for([
    { target: undefined, sentence: 'everything' },
    { target: ID, sentence: 'a certificate by its id' },
    { target: 'a.example.test', sentence: 'a name' },
  ])('is stored but not served while $sentence is frozen', async ({ target }) => {
    await start({ mode: 'database' });
    const renewed = issue('new.example.test');
    await put(issue('old.example.test'), ['a.example.test']);
    gateway.freezeServing(target);
    expect((await patch(renewed)).status).toBe(200);
    expect(gateway.certificates()[0]?.cert).toBe(renewed.chain);
    expect(await nameFor('a.example.test')).toBe('old.example.test');
    gateway.unfreeze();
    expect(await nameFor('a.example.test')).toBe('new.example.test');
  });

  test('of the whole configuration is held back where a name is frozen and ids are random', async () => {
    await start();
    const post = (issued: Issued) =>
      ask(gateway.adminUrl, 'POST', '/config', {
        _format_version: '3.0',
        certificates: [{ cert: issued.chain, key: issued.key, snis: [{ name: '*.example.test' }] }],
      });
    await post(issue('old.example.test'));
    gateway.freezeServing('a.example.test');
    await post(issue('new.example.test'));
    expect(await nameFor('a.example.test')).toBe('old.example.test');
  });

  test('does not matter where something else is served instead', async () => {
    await start({ mode: 'database' });
    await put(issue('old.example.test'), ['a.example.test']);
    const { chain: cert, key } = issue('wrong.example.test');
    gateway.serveInstead({ sni: 'a.example.test', cert, key });
    expect(await nameFor('a.example.test')).toBe('wrong.example.test');
  });

  test('lets old sessions be resumed, which then prove nothing', async () => {
    await start({ mode: 'database' });
    await put(issue('old.example.test'), ['a.example.test']);
    const options = {
      host: '127.0.0.1',
      port: gateway.tlsPort,
      servername: 'a.example.test',
      rejectUnauthorized: false,
    };
    // TLS 1.3 hands out sessions after the handshake.
    const first = connect(options);
    const [session] = (await once(first, 'session')) as [Buffer];
    first.destroy();
    await patch(issue('new.example.test'));
    const second = connect({ ...options, session });
    await once(second, 'secureConnect');
    expect(second.isSessionReused()).toBe(true);
    second.destroy();
    expect(await nameFor('a.example.test')).toBe('new.example.test');
  });

  test('leaves connections and requests in flight alone', async () => {
    await start({ mode: 'database' });
    await put(issue('old.example.test'), ['a.example.test']);
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
    const get = (path: string) =>
      new Promise<{ status: number; port: number; server: string }>((resolve, reject) => {
        const options = {
          port: gateway.tlsPort,
          host: '127.0.0.1',
          servername: 'a.example.test',
          path,
          agent,
        };
        https
          .get(options, (response: http.IncomingMessage) => {
            const { localPort: port = 0 } = response.socket;
            response.resume().on('end', () => {
              resolve({ status: response.statusCode ?? 0, port, server: String(response.headers.server) });
            });
          })
          .on('error', reject);
      });
    const first = await get('/echo');
    const inFlight = get('/slow?ms=300');
    await patch(issue('new.example.test'));
    const second = await inFlight;
    const third = await get('/nothing-here');
    agent.destroy();
    expect([first.status, second.status, third.status]).toEqual([200, 200, 404]);
    expect(new Set([first.port, second.port, third.port]).size).toBe(1);
    expect(third.server).toBe('kong/3.9.1');
  });
});

describe('the default certificate', () => {
  const files = (issued: Issued) => {
    const paths = {
      cert: `${gateway.prefix}/ssl/kong-default.crt`,
      key: `${gateway.prefix}/ssl/kong-default.key`,
    };
    writeFileSync(paths.cert, issued.chain);
    writeFileSync(paths.key, issued.key);
  };

  test('takes effect at a reload', async () => {
    await start();
    files(issue('renewed.example.test'));
    expect(await nameFor()).toBe('localhost');
    expect(await gateway.reload()).toBe(true);
    expect(await nameFor()).toBe('renewed.example.test');
  });

  test('may be one of each type of key', async () => {
    const pairs = [
      authority.issue({ names: ['rsa.example.test'], key: 'rsa-2048' }),
      authority.issue({ names: ['ec.example.test'] }),
    ];
    const folder = mkdtempSync(join(tmpdir(), 'gateway-default-'));
    const paths = (ending: string) => pairs.map((_, index) => join(folder, `${index}.${ending}`));
    for (const [index, { chain, key }] of pairs.entries()) {
      writeFileSync(join(folder, `${index}.crt`), chain);
      writeFileSync(join(folder, `${index}.key`), key);
    }
    await start({ defaultCertificate: { cert: paths('crt').join(','), key: paths('key').join(',') } });
    const served = async (keyType: 'rsa' | 'ec') => {
      const [leaf] = await shake({
        host: '127.0.0.1',
        port: gateway.tlsPort,
        servername: null,
        keyType,
        timeoutMs: 5_000,
      });
      return new X509Certificate(leaf as Buffer).subject;
    };
    expect(await served('rsa')).toContain('rsa.example.test');
    expect(await served('ec')).toContain('ec.example.test');
    rmSync(folder, { recursive: true });
  });

  test('takes effect at SIGHUP to the process in nginx.pid', async () => {
    await start();
    files(issue('renewed.example.test'));
    process.kill(process.pid, 'SIGHUP');
    await eventually(async () => (await nameFor()) === 'renewed.example.test');
  });

  test('stays where the new pair does not match', async () => {
    await start();
    files({ ...issue('renewed.example.test'), key: issue('other.example.test').key });
    expect(await gateway.reload()).toBe(false);
    expect(await nameFor()).toBe('localhost');
  });
});

describe('a reload without a database', () => {
  const posted = async () =>
    (
      await ask(gateway.adminUrl, 'POST', '/config', {
        _format_version: '3.0',
        routes: [{ paths: ['/posted'] }],
      })
    ).status;
  const routes = () => gateway.entities('routes').map((row) => row['paths']);

  test('reads the declarative configuration again, and what was posted since is lost', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gateway-reload-'));
    const file = join(folder, 'kong.yml');
    writeFileSync(file, '_format_version: "3.0"\nroutes:\n- paths: [/file]\n');
    await start({ declarativeConfig: file });
    expect(await posted()).toBe(201);
    expect(await gateway.reload()).toBe(true);
    expect(routes()).toEqual([['/file']]);
    rmSync(folder, { recursive: true });
  });

  test('keeps what was posted where .kong_env does not name one', async () => {
    await start();
    expect(await posted()).toBe(201);
    expect(await gateway.reload()).toBe(true);
    expect(routes()).toEqual([['/posted']]);
  });
});
