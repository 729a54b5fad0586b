import { writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import type { Authority } from '../../../../src/authority/authority';
import { issue } from '../../../support/bundles';
import { testFolder } from '../../../support/folders';
import { httpServer, httpsServer, testAuthority, type Handle } from '../../../support/https-server';
import { readerOf, troubles } from '../../../support/remote-source';

const bundle = issue();
const text = bundle.chain + bundle.key;
const names = ['127.0.0.1', 'localhost'];
const TOKEN = 's3cret-t0ken';
const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

const ok: Handle = (_, response) => void response.end(text);

function tokenFile(content: string): string {
  const file = join(testFolder(), 'token');
  writeFileSync(file, content);
  return file;
}

function clientFiles(authority: Authority) {
  const folder = testFolder();
  const client = authority.issue({ names: ['kong-client'] });
  const files = { client_cert_file: join(folder, 'c.pem'), client_key_file: join(folder, 'k.pem') };
  writeFileSync(files.client_cert_file, client.chain);
  writeFileSync(files.client_key_file, client.key);
  return files;
}

it('headers of the configuration and of a file reach the server, and no other one', async () => {
  const other = await httpServer(ok);
  const server = await httpServer((seen, response) => {
    const isAllowed = seen.headers['private-token'] === TOKEN && seen.headers['x-team'] === 'edge';
    response.writeHead(isAllowed ? 302 : 401, isAllowed ? { location: `${other.url}/x` } : {}).end();
  });
  const headers_file = tokenFile('PRIVATE-TOKEN: old\n');
  const reader = readerOf({
    ...{ type: 'http', url: server.url, headers_file, headers: ['X-Team: edge'], allow_http: true },
  });
  expect(troubles(await reader.pass())).toMatch(/^forbidden: .* check token, .* and headers_file$/);
  writeFileSync(headers_file, `PRIVATE-TOKEN: ${TOKEN}\n`);
  await reader.pass();
  expect(server.seen.at(-1)?.headers).toMatchObject({ 'private-token': TOKEN, 'x-team': 'edge' });
  expect(other.seen.every(({ headers }) => !('private-token' in headers) && !('x-team' in headers))).toBe(
    true,
  );
});

it('an answer that is compressed although that was not requested is unpacked', async () => {
  const server = await httpServer((_, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(text));
  });
  const reader = readerOf({ type: 'http', url: server.url });
  const { changed, errors } = await reader.pass();
  expect(errors).toEqual([]);
  expect(reader.texts(changed[0] ?? '')).toMatchObject({ cert: text });
});

describe('credentials', () => {
  test.for<[string, (url: string) => object, string | undefined]>([
    ['none', (url) => ({ url }), undefined],
    ['a token', (url) => ({ url, token: TOKEN }), `Bearer ${TOKEN}`],
    ['a token in a file', (url) => ({ url, token_file: tokenFile(`${TOKEN}\n`) }), `Bearer ${TOKEN}`],
    ['a user with a password', (url) => ({ url, username: 'kong', token: 'pä ss' }), basic('kong', 'pä ss')],
    [
      'a user with a password in a file',
      (url) => ({ url, username: 'kong', token_file: tokenFile('pä€ss word\n') }),
      basic('kong', 'pä€ss word'),
    ],
    [
      'a user and a password in the URL',
      (url) => ({ url: url.replace('//', '//ko%40ng:p%3Ass@') }),
      basic('ko@ng', 'p:ss'),
    ],
  ])('as %s reach the server as they should', async ([, configure, header]) => {
    const server = await httpServer(ok);
    const reader = readerOf({ type: 'http', ...configure(server.url) });
    expect((await reader.pass()).errors).toEqual([]);
    expect(server.seen[0]?.headers.authorization).toBe(header);
  });

  it('in a file are read again for each poll: what renews them writes them in place', async () => {
    const server = await httpServer(ok);
    const file = tokenFile('first');
    const reader = readerOf({ type: 'http', url: server.url, token_file: file });
    await reader.pass();
    writeFileSync(file, 'second');
    await reader.pass();
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer first',
      'Bearer second',
    ]);
  });

  test.for<[string, string, string]>([
    ['is empty', '\n', 'is empty; it should hold a token or password'],
    ['is another file', 'two words\nand a line', 'contains characters that no token has'],
  ])('in a file that %s are an error that names it, and nothing is sent', async ([, content, words]) => {
    const server = await httpServer(ok);
    const file = tokenFile(content);
    const scan = await readerOf({ type: 'http', url: server.url, token_file: file }).pass();
    expect(troubles(scan)).toContain(file);
    expect(troubles(scan)).toContain(words);
    expect(server.seen).toEqual([]);
  });

  it('in a file that is not there yet are an error now and used once it is', async () => {
    const server = await httpServer(ok);
    const file = join(testFolder(), 'token');
    const reader = readerOf({ type: 'http', url: server.url, token_file: file });
    expect(troubles(await reader.pass())).toContain(`${file} cannot be read: it does not exist (yet)`);
    writeFileSync(file, TOKEN);
    expect((await reader.pass()).errors).toEqual([]);
  });

  it('by certificate convince a server that wants one; without it the source says what is missing', async () => {
    const { authority, caFile } = testAuthority();
    const files = clientFiles(authority);
    const options = { identity: authority.issue({ names }), clientCa: authority.cert };
    const server = await httpsServer(options, ok);
    const source = { type: 'http', url: server.url, ca_file: caFile };
    expect((await readerOf({ ...source, ...files }).pass()).errors).toEqual([]);
    expect(server.seen[0]?.client).toBe('kong-client');
    const scan = await readerOf(source).pass();
    expect(troubles(scan)).toContain('does it want a client certificate?');
    expect(server.seen).toHaveLength(1);
  });
});

describe('a file of the configuration that', () => {
  const write = (content: string) => tokenFile(content);
  const other = issue();
  test.for<[string, () => object, string]>([
    ['is empty and named as CA', () => ({ ca_file: write('') }), 'holds no certificate in PEM'],
    ['is a key and named as CA', () => ({ ca_file: write(bundle.key) }), 'holds no certificate in PEM'],
    [
      'is empty and named as client certificate',
      () => ({ client_cert_file: write(''), client_key_file: write(bundle.key) }),
      'holds no certificate in PEM',
    ],
    [
      'is no key and named as one',
      () => ({ client_cert_file: write(bundle.chain), client_key_file: write(bundle.chain) }),
      'holds no private key in PEM',
    ],
    [
      "is another certificate's key",
      () => ({ client_cert_file: write(bundle.chain), client_key_file: write(other.key) }),
      'are not a client certificate with its key: the key does not belong to the certificate',
    ],
    [
      'is a damaged key',
      () => ({ client_cert_file: write(bundle.chain), client_key_file: write(bundle.key.slice(0, 90)) }),
      'are not a client certificate with its key: one of them is damaged, or the key is encrypted',
    ],
  ])('%s is an error that names it, and nothing is sent', async ([, files, words]) => {
    const { authority } = testAuthority();
    const server = await httpsServer({ identity: authority.issue({ names }) }, ok);
    const named = files() as Record<string, string>;
    const said = troubles(await readerOf({ type: 'http', url: server.url, token: TOKEN, ...named }).pass());
    expect(said).toMatch(/^unreadable: /);
    expect(said).toContain(words);
    expect(Object.values(named).some((file) => said.includes(file))).toBe(true);
    expect(server.seen).toEqual([]);
  });
});

const hasIpv6 = networkInterfaces()['lo']?.some(({ address }) => address === '::1') ?? false;

it.skipIf(!hasIpv6)('an address of IPv6 is asked (skipped where the machine has none)', async () => {
  const server = createServer((_, response) => void response.end(text)).listen(0, '::1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  expect((await readerOf({ type: 'http', url: `http://[::1]:${port}/www.pem` }).pass()).errors).toEqual([]);
});

describe('a redirect', () => {
  const redirect = (to: () => string, status = 302): Handle => {
    return (_, response) => void response.writeHead(status, { location: to() }).end();
  };

  async function twoHosts(status = 302) {
    const { authority, caFile } = testAuthority();
    const identity = authority.issue({ names });
    const options = { identity, clientCa: authority.cert, isClientOptional: true };
    const target = await httpsServer(options, ok);
    const asked = await httpsServer(
      options,
      redirect(() => `${target.url}/real.pem`, status),
    );
    return { target, asked, caFile, authority };
  }

  test.for([301, 302, 303, 307, 308])('with status %i is followed to https', async (status) => {
    const { target, asked, caFile } = await twoHosts(status);
    const reader = readerOf({ type: 'http', url: `${asked.url}/www.pem`, ca_file: caFile });
    expect((await reader.pass()).errors).toEqual([]);
    expect(reader.texts(reader.source.id)).toEqual({ cert: text, key: '' });
    expect(target.seen.map(({ path }) => path)).toEqual(['/real.pem']);
  });

  it('to another host takes neither token nor client certificate there', async () => {
    const { target, asked, caFile, authority } = await twoHosts();
    const credentials = { token: TOKEN, ...clientFiles(authority) };
    await readerOf({ type: 'http', url: asked.url, ca_file: caFile, ...credentials }).pass();
    expect(asked.seen[0]).toMatchObject({
      client: 'kong-client',
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    expect(target.seen[0]?.client).toBeNull();
    expect(JSON.stringify(target.seen)).not.toContain(TOKEN);
    expect(target.seen[0]?.headers).not.toHaveProperty('authorization');
  });

  it('on the same host takes the token along', async () => {
    const { authority, caFile } = testAuthority();
    const server = await httpsServer({ identity: authority.issue({ names }) }, ({ path }, response) => {
      if (path === '/real.pem') response.end(text);
      else response.writeHead(302, { location: '/real.pem' }).end();
    });
    await readerOf({ type: 'http', url: `${server.url}/www.pem`, ca_file: caFile, token: TOKEN }).pass();
    expect(server.seen.map(({ path, headers }) => [path, headers.authorization])).toEqual([
      ['/www.pem', `Bearer ${TOKEN}`],
      ['/real.pem', `Bearer ${TOKEN}`],
    ]);
  });

  it('to plain http is not followed', async () => {
    const target = await httpServer(ok);
    const asked = await httpServer(redirect(() => target.url));
    const scan = await readerOf({ type: 'http', url: asked.url, token: TOKEN }).pass();
    expect(troubles(scan)).toContain('redirects to an address that is not https, which is not followed');
    expect(target.seen).toEqual([]);
  });

  it('in a circle ends after five', async () => {
    const { authority, caFile } = testAuthority();
    const server = await httpsServer(
      { identity: authority.issue({ names }) },
      redirect(() => '/again'),
    );
    const scan = await readerOf({ type: 'http', url: server.url, ca_file: caFile }).pass();
    expect(troubles(scan)).toContain('redirects more than 5 times');
    expect(server.seen).toHaveLength(6);
  });

  test.for(['', 'https://', 'javascript:alert(1)'])('to "%s" is an error', async (to) => {
    const server = await httpServer(redirect(() => to));
    expect(troubles(await readerOf({ type: 'http', url: server.url }).pass())).toContain('unreachable: ');
  });
});

describe('a configuration', () => {
  const url = 'https://certs.example.test/www.pem';
  test.for<[problem: string, source: object]>([
    ['url: plain http goes only to loopback addresses', { url: 'http://certs.example.test/www.pem' }],
    ['url: it is not a valid URL', { url: 'https://' }],
    ['key_url: has to be on the server of url', { url, key_url: 'https://other.example.test/www.key' }],
    ['key_url: plain http goes only to loopback', { url, key_url: 'http://certs.example.test/www.key' }],
    ['token_file: required with username', { url, username: 'kong' }],
    ['client_key_file: a client certificate and its key go together', { url, client_cert_file: '/c.pem' }],
    ['client_cert_file: a client certificate and its key go', { url, client_key_file: '/k.pem' }],
    ['token: is a vault reference, which Kong resolves only', { url, token: '{vault://env/token}' }],
  ])('is refused with the field: %s', ([problem, source]) => {
    expect(() => readerOf({ type: 'http', ...source })).toThrow(`sources[0].${problem}`);
  });

  it('with a vault reference is told which field to use', () => {
    const token = '{vault://env/token}';
    expect(() => readerOf({ type: 'http', url, token })).toThrow('use token_file');
  });

  test.for(['http://127.0.0.1/www.pem', 'http://localhost:8080/www.pem', 'http://[::1]/www.pem'])(
    'may name %s',
    (loopback) => {
      expect(readerOf({ type: 'http', url: loopback }).source.id).toBe(`http:${new URL(loopback).href}`);
    },
  );

  it('shows neither user, password nor query in the id, which tells two queries apart anyway', () => {
    const idOf = (address: string) => readerOf({ type: 'http', url: address }).source.id;
    const id = idOf('https://kong:hunter2@certs.example.test/www.pem?sig=abc123');
    expect(id).toMatch(/^http:https:\/\/certs\.example\.test\/www\.pem\?…\([0-9a-f]{8}\)$/);
    expect(id).not.toBe(idOf('https://certs.example.test/www.pem?sig=other'));
  });
});

describe('no token or password is in what is said', () => {
  const SECRETS = [TOKEN, 'hunter2', 'q-s1gnature', Buffer.from(`kong:${TOKEN}`).toString('base64')];
  /** A server that quotes all it was sent, in every way there is. */
  const quoting = (status: number): Handle => {
    return ({ path, headers }, response) => {
      const quote = `${path} ${headers.authorization ?? ''} ${SECRETS.join(' ')}`;
      const location = `http://evil.example.test/${encodeURIComponent(quote)}`;
      response.writeHead(status, quote.replace(/[^ -~]/g, ''), {
        location,
        'x-quote': quote,
        etag: `"${quote}"`,
      });
      response.end(`<html>${quote}</html>`);
    };
  };

  test.for([200, 302, 307, 400, 401, 403, 404, 418, 429, 500, 503])(
    'when the server answers %i',
    async (status) => {
      const { url } = await httpServer(quoting(status));
      const withQuery = `${url}/www.pem?signature=q-s1gnature`;
      const said: unknown[] = [];
      for (const source of [
        { url: withQuery, token: TOKEN },
        { url: withQuery, username: 'kong', token: TOKEN },
        { url: withQuery.replace('//', '//kong:hunter2@') },
      ]) {
        const reader = readerOf({ type: 'http', ...source });
        said.push(await reader.pass(), await reader.pass(), reader.source.id, await reader.source.read(''));
      }
      const words = JSON.stringify(said.map((one) => hideTexts(one)));
      for (const secret of SECRETS) expect(words).not.toContain(secret);
    },
  );

  /** The bundle's own text is what the source is for. */
  const hideTexts = (what: unknown) =>
    typeof what === 'object' && what !== null && 'cert' in what ? { ...what, cert: '', key: '' } : what;
});
