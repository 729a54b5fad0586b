import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, test } from 'vitest';
import { openAny } from '../../../../src/certificates';
import type { RawBundle } from '../../../../src/model';
import { issue, refusalOf } from '../../../support/bundles';
import { eventually } from '../../../support/eventually';
import { httpServer, httpsServer, testAuthority } from '../../../support/https-server';
import { readerOf, troubles } from '../../../support/remote-source';
import { closedPort, tcpServer } from '../../../support/tls-server';

const bundle = issue();
const text = bundle.chain + bundle.key;

const answers = (status: number, body: string | Buffer = '', headers: Record<string, string> = {}) => {
  return (response: ServerResponse) => void response.writeHead(status, headers).end(body);
};

const TROUBLES: [what: string, answer: (response: ServerResponse) => void, trouble: string][] = [
  ['asks for credentials', answers(401), 'forbidden: URL does not accept the credentials (401)'],
  ['does not let it be seen', answers(403), 'forbidden: URL does not permit access (403)'],
  ['does not have it', answers(404), 'unreadable: URL does not exist (yet): the server answers 404'],
  ['has it no more', answers(410), 'unreadable: URL does not exist (yet): the server answers 410'],
  ['is asked too often', answers(429, '', { 'retry-after': '30' }), 'answers 429 and asks to wait 30 s'],
  ['is broken', answers(500, 'stack trace'), 'unreachable: URL cannot be read: the server answers 500'],
  ['is down behind its proxy', answers(502), 'the server answers 502'],
  ['is in maintenance', answers(503), 'the server answers 503'],
  ['answers with a part', answers(206, text), 'the server answers 206'],
  ['answers with nothing', answers(204), 'the server answers 204'],
  ['says "not modified" unasked', answers(304), 'the server answers 304'],
  [
    'answers compressed in an unknown way',
    answers(200, 'x', { 'content-encoding': 'br' }),
    'unsupported_format: URL sends an answer that is compressed',
  ],
  [
    'says that it compressed and did not',
    answers(200, 'x', { 'content-encoding': 'gzip' }),
    'incomplete: URL sends an answer that cannot be unpacked',
  ],
  [
    'answers with what unpacks to far too much',
    answers(200, gzipSync(Buffer.alloc(64 * 1_048_576)), { 'content-encoding': 'gzip' }),
    'too_large: URL unpacks to more than 1 MiB',
  ],
  ['answers far too much', answers(200, 'x'.repeat(1_048_577)), 'too_large: URL cannot be used'],
  [
    'never ends',
    (response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', more);
      more();
    },
    'too_large: URL cannot be used: the answer has more than 1048576 bytes',
  ],
  [
    'breaks off',
    (response) => {
      response.writeHead(200, { 'content-length': text.length });
      response.write(text.slice(0, 300));
      setImmediate(() => response.destroy());
    },
    'unreachable: URL cannot be reached: the connection was reset, or the answer cut off',
  ],
  ['says nothing', () => undefined, 'unreachable: URL cannot be reached: no answer within 1 s'],
  [
    'sends an octet now and then',
    (response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write('-'), 100);
      response.on('close', () => clearInterval(timer));
    },
    'unreachable: URL cannot be reached: no answer within 1 s',
  ],
];

describe('a server that', () => {
  test.for(TROUBLES)('%s is an error of the source, and its repair is taken', async ([, answer, trouble]) => {
    let isWell = false;
    const { url } = await httpServer((_, response) => (isWell ? answers(200, text) : answer)(response));
    // One that is slow to answer is told from one that does not in tests of the latter alone.
    const timeout = trouble.includes('no answer within 1 s') ? 1 : 60;
    const reader = readerOf({ type: 'http', url: `${url}/www.pem`, timeout });
    const scan = await reader.pass();
    expect(scan).toMatchObject({ changed: [], removed: [], total: 1 });
    expect(troubles(scan)).toContain(trouble.replace('URL', `${url}/www.pem`));
    isWell = true;
    await eventually('it is taken', async () => (await reader.pass()).errors.length === 0);
    expect(reader.texts(reader.source.id)).toEqual({ cert: text, key: '' });
  });

  it('goes away takes nothing away: bundles that were read stay, and it is asked once a poll', async () => {
    let isWell = true;
    const { url, seen } = await httpServer((_, response) =>
      (isWell ? answers(200, text) : answers(503))(response),
    );
    const reader = readerOf({ type: 'http', url: `${url}/www.pem` });
    await reader.pass();
    isWell = false;
    seen.length = 0;
    const scan = await reader.pass();
    expect(scan).toMatchObject({ changed: [], removed: [], total: 1 });
    // A pass for files in between says the same, so that it is not reported anew.
    expect(await reader.pass(new Set(['/etc/kong/certs']))).toEqual(scan);
    expect(seen).toHaveLength(1);
  });

  it('is not there, or does not speak TLS, is reported as such', async () => {
    const { port } = await closedPort();
    const closed = readerOf({ type: 'http', url: `https://127.0.0.1:${port}/www.pem` });
    expect(troubles(await closed.pass())).toContain('unreachable: ');
    expect(troubles(await closed.pass())).toContain('connection refused');
    const plain = await tcpServer((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const wrong = readerOf({ type: 'http', url: `https://127.0.0.1:${plain.port}/www.pem` });
    expect(troubles(await wrong.pass())).toContain('it does not speak TLS there');
    const ssh = await tcpServer((socket) => void socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
    const other = readerOf({ type: 'http', url: `http://127.0.0.1:${ssh.port}/www.pem` });
    expect(troubles(await other.pass())).toContain('its answer is not HTTP; is the port right?');
  });

  it('answers with a login page is not taken for a certificate', async () => {
    const page = '<!DOCTYPE html><html><body>Sign in</body></html>';
    const { url } = await httpServer((_, response) => answers(200, page)(response));
    const reader = readerOf({ type: 'http', url: `${url}/www.pem` });
    await reader.pass();
    const opened = await openAny(reader.bundles.get(reader.source.id) as RawBundle);
    expect(refusalOf(opened)).toMatchObject({ reason: 'unsupported_format' });
    expect(refusalOf(opened).message).toContain('is a login needed?');
  });
});

describe('a server whose certificate', () => {
  const { names } = { names: ['127.0.0.1', 'localhost'] };

  it('is of the given CA is trusted', async () => {
    const { authority, caFile } = testAuthority();
    const { url } = await httpsServer({ identity: authority.issue({ names }) }, (_, r) =>
      answers(200, text)(r),
    );
    const reader = readerOf({ type: 'http', url: `${url}/www.pem`, ca_file: caFile });
    expect((await reader.pass()).errors).toEqual([]);
    expect(reader.texts(reader.source.id)).toEqual({ cert: text, key: '' });
  });

  it('is of another CA is not trusted, though it is on loopback', async () => {
    const { authority } = testAuthority();
    const other = testAuthority();
    const server = await httpsServer({ identity: authority.issue({ names }) }, (_, r) =>
      answers(200, text)(r),
    );
    for (const more of [{}, { ca_file: other.caFile }]) {
      const scan = await readerOf({ type: 'http', url: server.url, ...more }).pass();
      expect(troubles(scan)).toContain('its certificate is not from a trusted CA');
    }
    expect(server.seen).toEqual([]);
  });

  test.for([
    ['is for another name', { names: ['vault.example.test'] }, 'its certificate is for another name'],
    ['has expired', { names, notAfter: new Date(Date.now() - 1000) }, 'its certificate has expired'],
  ] as const)('%s is not', async ([, options, words]) => {
    const { authority, caFile } = testAuthority();
    const server = await httpsServer({ identity: authority.issue(options) }, (_, r) => answers(200, text)(r));
    const scan = await readerOf({ type: 'http', url: server.url, ca_file: caFile }).pass();
    expect(troubles(scan)).toContain(words);
    expect(server.seen).toEqual([]);
  });
});
