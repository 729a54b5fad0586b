import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, test } from 'vitest';
import { StatusServer, type PolledEntry, type ReportView } from '../../../src/status';
import type { PassStatus, StatusReport } from '../../../src/public';
import { eventually } from '../../support/eventually';
import { testFolder } from '../../support/folders';
import { ask } from '../../support/http';
import { matched, reloaderView, reportView } from '../../support/status-views';

interface Said {
  level: string;
  message: string;
  listen?: string;
  detail?: string;
}

/** A server with a backend of the test's, on a unix socket and on a free port. */
async function serving(
  view: () => ReportView = () => reportView(),
  poll: () => Promise<PolledEntry[]> = () => Promise.resolve([]),
) {
  const said: Said[] = [];
  let views = 0;
  const make = () => {
    const server = new StatusServer({
      backend: {
        view: () => {
          views += 1;
          return view();
        },
        poll,
        reload: () => Promise.resolve(null),
        command: ({ verb, name }) => `${verb} ${name}`,
        history: (query) => Promise.resolve({ entries: [], is_cut: false, query }),
      },
      say: (level, message, fields) => said.push({ level, message, ...fields }),
    });
    onTestFinished(() => server.close());
    return server;
  };
  const server = make();
  const folder = testFolder();
  const socketPath = join(folder, 'status.socket');
  await server.listenOnSocket(socketPath);
  await server.setAddresses(['127.0.0.1:0']);
  const port = Number(server.addresses[0]?.split(':')[1]);
  return {
    server,
    make,
    said,
    asked: () => views,
    folder,
    socket: { socketPath },
    tcp: { host: '127.0.0.1', port },
  };
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    onTestFinished(() => void socket.destroy());
    socket.once('error', reject);
    socket.once('connect', () => resolve(socket.on('error', () => undefined)));
  });
}

const closed = (socket: Socket) =>
  new Promise<string>((resolve) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.once('close', () => resolve(text));
  });

it('is on a unix socket that only its user and group can use', async () => {
  const { socket, folder } = await serving();
  expect(statSync(socket.socketPath).mode & 0o777).toBe(0o660);
  expect(readdirSync(folder)).toEqual(['status.socket']);
  expect(await ask(socket, '/healthz')).toMatchObject({ status: 200, text: 'ok\n' });
});

it('takes the place of what a dead process left there', async () => {
  const { make, folder } = await serving();
  const socketPath = join(folder, 'left.socket');
  writeFileSync(socketPath, '');
  await make().listenOnSocket(socketPath);
  expect((await ask({ socketPath }, '/healthz')).status).toBe(200);
});

it('outlives the end of the server that it took over from, as at a reload', async () => {
  const { server, make, socket } = await serving();
  await make().listenOnSocket(socket.socketPath);
  await server.close();
  expect((await ask(socket, '/healthz')).status).toBe(200);
});

it('says once that it cannot have a socket, and throws nothing', async () => {
  const { make, said, folder } = await serving();
  const server = make();
  for (let poll = 0; poll < 3; poll++) await server.listenOnSocket(join(folder, 'none', 'status.socket'));
  expect(said.filter(({ message }) => message === 'status is not shown')).toHaveLength(1);
});

it('says once that a port is in use, and takes it as soon as it is free', async () => {
  const { server, said } = await serving();
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const address = `127.0.0.1:${(other.address() as AddressInfo).port}`;
  for (let poll = 0; poll < 3; poll++) await server.setAddresses([address]);
  const warnings = said.filter(({ level }) => level === 'warn');
  expect(warnings).toEqual([
    {
      level: 'warn',
      message: 'status is not shown',
      listen: address,
      detail: 'the port is in use; it is tried again until it is free',
    },
  ]);
  await new Promise((resolve) => other.close(resolve));
  await server.setAddresses([address]);
  expect(server.addresses).toEqual([address]);
});

it('leaves an address that is no longer wanted', async () => {
  const { server, tcp } = await serving();
  await server.setAddresses([]);
  await expect(ask(tcp, '/healthz')).rejects.toThrow('ECONNREFUSED');
});

test.for(['nonsense', '127.0.0.1', '127.0.0.1:99999', '[127.0.0.1]:80', 'unix:/tmp/x:1'])(
  'says what is wrong with the address %s',
  async (address) => {
    const { server, said } = await serving();
    await server.setAddresses([address]);
    expect(said.at(-1)).toMatchObject({ level: 'warn', listen: address });
    expect(said.at(-1)?.detail).toContain('is not an address with a port, such as 127.0.0.1:8110');
  },
);

test.for<[string, string, string, number, string]>([
  ['another path', 'GET', '/nothing', 404, 'not found; there are /'],
  ['another method', 'POST', '/status', 405, '/status takes GET and HEAD'],
  ['a poll that is not posted', 'GET', '/poll', 405, '/poll takes POST'],
  ['deletion', 'DELETE', '/metrics', 405, '/metrics takes GET and HEAD'],
])('refuses %s with a sentence', async ([, method, path, status, words]) => {
  const { socket, tcp } = await serving();
  for (const to of [socket, tcp]) {
    const answer = await ask(to, path, { method });
    expect(answer.status).toBe(status);
    expect(answer.text).toContain(words);
  }
});

it('takes a poll on the unix socket alone', async () => {
  let polls = 0;
  const { socket, tcp } = await serving(undefined, () => {
    polls += 1;
    return Promise.resolve([{ entry: 'E', report: null, error: 'Kong is away' }]);
  });
  expect(await ask(tcp, '/poll', { method: 'POST' })).toMatchObject({ status: 403 });
  expect(polls).toBe(0);
  expect((await ask(socket, '/poll', { method: 'POST' })).status).toBe(202);
  const waited = await ask(socket, '/poll?wait=1', { method: 'POST' });
  expect(waited.status).toBe(502);
  expect(JSON.parse(waited.text)).toEqual({ reloaders: [{ entry: 'E', error: 'Kong is away' }] });
  expect(polls).toBe(2);
});

test.for(['pin', 'unpin', 'approve', 'rollback'])(
  'carries out %s, on the unix socket alone',
  async (verb) => {
    const { socket, tcp } = await serving();
    const path = `/${verb}?name=www.example.test`;
    expect(await ask(tcp, path, { method: 'POST' })).toMatchObject({ status: 403 });
    const { status, text } = await ask(socket, path, { method: 'POST' });
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual({ done: `${verb} www.example.test` });
  },
);

test.for<[string, number]>([
  ['127.0.0.1', 200],
  ['localhost:8110', 200],
  ['[::1]:8110', 200],
  ['evil.example.com', 421],
  ['localhost.evil.example.com', 421],
])('a request for the host %s gets %i on a loopback address', async ([host, status]) => {
  const { tcp } = await serving();
  expect((await ask(tcp, '/status', { headers: { host } })).status).toBe(status);
});

it('forbids browsers to keep, guess or frame what it shows', async () => {
  const { tcp } = await serving();
  for (const path of ['/status', '/metrics', '/healthz', '/nothing']) {
    const { headers } = await ask(tcp, path);
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(headers['access-control-allow-origin']).toBeUndefined();
  }
});

it('answers 304 while nothing differs', async () => {
  const view = reportView([reloaderView([matched('a')])]);
  const { socket } = await serving(() => view);
  const { headers, text } = await ask(socket, '/status');
  expect(JSON.parse(text)).toMatchObject({ reloaders: [{ certificates: [{ state: 'in_sync' }] }] });
  const etag = String(headers['etag']);
  expect(await ask(socket, '/status', { headers: { 'if-none-match': etag } })).toMatchObject({
    status: 304,
    text: '',
  });
});

it('answers anew when the last of many entries changed', async () => {
  const entries = Array.from({ length: 20 }, (_, index) =>
    reloaderView([], `30fcab31-1feb-514e-86cc-2b5b0223f6d${index}`),
  );
  let revision = '1';
  const { socket } = await serving(() =>
    reportView([...entries.slice(1), { ...reloaderView([], 'last'), revision }]),
  );
  const { headers } = await ask(socket, '/status');
  const etag = String(headers['etag']);
  revision = '2';
  expect((await ask(socket, '/status', { headers: { 'if-none-match': etag } })).status).toBe(200);
});

it('answers a HEAD like a GET, without the body', async () => {
  const { socket } = await serving();
  for (const path of ['/status', '/metrics', '/healthz']) {
    expect(await ask(socket, path, { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
  }
});

test.for<[string, Partial<ReportView>, string]>([
  ['Kong does not answer', { kong: null, waiting: 'connection refused' }, 'connection refused'],
  ['no entry is enabled', { reloaders: [] }, 'no enabled global entry'],
  ['no pass succeeded', {}, 'entry E: no pass succeeded yet'],
])('is not ready while %s', async ([, part, words]) => {
  const { tcp } = await serving(() => ({ ...reportView([reloaderView([])]), ...part }));
  const { status, text } = await ask(tcp, '/readyz');
  expect(status).toBe(503);
  expect(text).toContain(words);
  expect((await ask(tcp, '/healthz')).status).toBe(200);
});

it('is ready from the first pass that succeeds until two intervals without one', async () => {
  let last = Date.now();
  // What an earlier process knew does not make this one ready.
  let pass: PassStatus | null = null;
  const { tcp } = await serving(() => {
    const view = {
      ...reloaderView([]),
      interval_seconds: 300,
      last_pass: pass,
      last_success_at: new Date(last).toISOString(),
    };
    return reportView([view]);
  });
  expect((await ask(tcp, '/readyz')).status).toBe(503);
  pass = { cause: 'start', started_at: new Date(last).toISOString(), duration_ms: 5, error: null };
  expect((await ask(tcp, '/readyz')).status).toBe(200);
  last = Date.now() - 590_000;
  expect((await ask(tcp, '/readyz')).status).toBe(200);
  last = Date.now() - 610_000;
  expect(await ask(tcp, '/readyz')).toMatchObject({ status: 503 });
});

it('drops a client that sends its request a byte at a time', async () => {
  const { tcp } = await serving();
  const socket = await open(tcp.port);
  socket.write('GET /status HTTP/1.1\r\nhost: localhost\r\n');
  const drip = setInterval(() => socket.write('x'), 100);
  onTestFinished(() => clearInterval(drip));
  expect(await closed(socket)).toContain('408');
});

it('refuses a header that has no end', async () => {
  const { tcp } = await serving();
  const socket = await open(tcp.port);
  socket.write(`GET /status HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(64 * 1024)}\r\n\r\n`);
  expect(await closed(socket)).toMatch(/^HTTP\/1.1 4/);
});

it('does not take a body without end', async () => {
  const { socket } = await serving();
  const sent = ask(socket, '/poll?wait=1', { method: 'POST', body: 'x'.repeat(10 * 1024 * 1024) });
  // Either the answer comes first, or the connection ends.
  await sent.catch(() => undefined);
  expect((await ask(socket, '/healthz')).status).toBe(200);
});

it('answers others while clients never read what they asked for', async () => {
  const view = reportView([reloaderView(Array.from({ length: 4_000 }, (_, index) => matched(`c${index}`)))]);
  const { tcp } = await serving(() => view);
  const hanging = await Promise.all(Array.from({ length: 6 }, () => open(tcp.port)));
  for (const socket of hanging) socket.pause().write('GET /status HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const [status, metrics, health] = await Promise.all(
    ['/status', '/metrics', '/healthz'].map((path) => ask(tcp, path)),
  );
  expect([status?.status, metrics?.status, health?.status]).toEqual([200, 200, 200]);
  expect(JSON.parse(status?.text ?? '')).toMatchObject({ reloaders: [{ entry: 'E' }] });
});

it('drops those who never read, however many, and then answers others again', async () => {
  const all = Array.from({ length: 10_000 }, (_, index) => matched(`c${index}`));
  const view = reportView([reloaderView(all)]);
  const { tcp, socket } = await serving(() => view);
  const hanging = await Promise.all(Array.from({ length: 8 }, () => open(tcp.port)));
  for (const one of hanging) one.pause().write('GET /status HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const status = async () => (await ask(tcp, '/status', { method: 'HEAD' })).status;
  await eventually('there is no place for others', async () => (await status()) === 503);
  expect((await ask(tcp, '/healthz')).status).toBe(200);
  // Clients on the network never keep the socket busy.
  expect((await ask(socket, '/status', { method: 'HEAD' })).status).toBe(200);
  await eventually('there is', async () => (await status()) === 200, 40_000);
});

it('sends the certificates whole, however many pieces that takes', async () => {
  const all = Array.from({ length: 2_000 }, (_, index) => matched(`c${index}`));
  const view = reportView([
    reloaderView(all, 'first'),
    reloaderView([], 'empty'),
    reloaderView([matched('z')], 'last'),
  ]);
  const { socket } = await serving(() => view);
  const report = JSON.parse((await ask(socket, '/status')).text) as StatusReport;
  expect(report).toMatchObject({
    version: '1.2.3',
    reloaders: [{ entry: 'first' }, { entry: 'empty', certificates: [] }, { entry: 'last' }],
  });
  expect(report.reloaders[0]?.certificates.map((one) => one.certificate_id)).toEqual(
    all.map(({ certificate }) => certificate.id),
  );
});

it('gives those who scrape at the same time one and the same text', async () => {
  let views = 0;
  const view = reportView([reloaderView(Array.from({ length: 4_000 }, (_, index) => matched(`c${index}`)))]);
  const { socket } = await serving(() => {
    views += 1;
    return view;
  });
  await ask(socket, '/metrics');
  views = 0;
  const texts = await Promise.all(Array.from({ length: 5 }, () => ask(socket, '/metrics')));
  expect(new Set(texts.map(({ text }) => text)).size).toBe(1);
  expect(views).toBeLessThan(5);
});

it('goes on answering though many went away before their answer was there', async () => {
  const all = Array.from({ length: 4_000 }, (_, index) => matched(`c${index}`));
  const view = reportView([reloaderView(all)]);
  const { tcp, socket, said, asked } = await serving(() => view);
  for (let scrape = 0; scrape < 10; scrape++) {
    const gone = await open(tcp.port);
    const before = asked();
    gone.write('GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await eventually('it is asked', () => asked() > before);
    gone.destroy();
    // This one waits for the same text as the other did, so that it is over for both.
    expect((await ask(socket, '/metrics')).status).toBe(200);
  }
  expect((await ask(socket, '/status')).status).toBe(200);
  expect(said.filter(({ message }) => message === 'a status request failed')).toEqual([]);
});

it('says 500 and goes on where the status itself cannot be made', async () => {
  const { socket, said } = await serving(() => {
    throw new Error('it is broken');
  });
  expect((await ask(socket, '/status')).status).toBe(500);
  expect(said.at(-1)).toMatchObject({ message: 'a status request failed', detail: 'it is broken' });
  await eventually('it goes on', async () => (await ask(socket, '/healthz')).status === 200);
});

it('breaks an answer off, or says 500 in plain text, where a certificate cannot be shown', async () => {
  const broken = (after: number) => {
    const one = reloaderView(Array.from({ length: after }, (_, index) => matched(`c${index}`)));
    const certificates = function* () {
      yield* one.certificates();
      throw new Error('it is broken');
    };
    return serving(() => reportView([{ ...one, certificates }]));
  };
  const headers = { 'accept-encoding': 'gzip' };
  const early = await broken(0);
  const { status, headers: answered, text } = await ask(early.socket, '/status', { headers });
  expect(status).toBe(500);
  expect(answered).not.toMatchObject({ 'content-encoding': 'gzip' });
  expect(answered).not.toHaveProperty('etag');
  expect(text).toContain('the log says why');
  const late = await broken(3_000);
  for (const more of [{}, { headers }]) await expect(ask(late.socket, '/status', more)).rejects.toThrow();
  expect((await ask(late.socket, '/healthz')).status).toBe(200);
});

it.each([
  ['', undefined, '## Meaning'],
  ['', 'zh-CN,zh;q=0.9,en;q=0.8', '## 含义'],
  ['', 'fr, en;q=0.5, zh;q=0.2', '## Meaning'],
  ['?lang=zh', 'en', '## 含义'],
  ['?lang=en-GB', 'zh', '## Meaning'],
  ['?lang=tlh', 'zh', '## 含义'],
])('a runbook asked for with %j by a reader of %s has %s', async (query, languages, heading) => {
  const { tcp } = await serving();
  const headers = languages === undefined ? {} : { 'accept-language': languages };
  const { text } = await ask(tcp, `/runbooks/KongCertificateRefused${query}`, { headers });
  expect(text.split('\n')).toContain(heading);
});
