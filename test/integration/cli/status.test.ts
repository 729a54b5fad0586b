import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, relative } from 'node:path';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import type { LifeLevel } from '../../../src/model';
import type { CertificateStatus, StatusReport } from '../../../src/public';
import { cli, start } from '../../support/cli';
import { eventually } from '../../support/eventually';
import { testFolder } from '../../support/folders';

const days = (count: number) => new Date(Date.now() + count * 86_400_000).toISOString();

function certificate(name: string, more: Partial<CertificateStatus> = {}): CertificateStatus {
  const leaf = { fingerprint_sha256: 'AA:BB', serial: '01', not_before: days(-30), not_after: days(60) };
  return {
    certificate_id: `id of ${name}`,
    half: 'main',
    snis: [name],
    owner: 'other',
    state: 'in_sync',
    since: days(-1),
    source: { ...leaf, source: 'directory:/certs', location: `/certs/${name}.crt` },
    stored: leaf,
    served: {
      fingerprint_sha256: 'AA:BB',
      not_after: days(60),
      checked_at: days(0),
      verdict: 'served',
      detail: '',
    },
    refusal: null,
    write_failure: null,
    expires_at: days(60),
    expiry: 'fresh',
    days_left: 60,
    renewal_due_at: days(30),
    renewal_overdue: false,
    last_swap_at: null,
    ...more,
  } as CertificateStatus;
}

/** It ends in so many days. */
const ending = (count: number, expiry: LifeLevel): Partial<CertificateStatus> => ({
  days_left: Math.floor(count),
  expires_at: days(count),
  expiry,
});

function report(...certificates: CertificateStatus[]): StatusReport {
  return {
    version: '1.2.3',
    generated_at: days(0),
    started_at: days(-1),
    kong: { admin_url: 'http://127.0.0.1:8001', mode: 'database' },
    waiting: null,
    reloaders: [
      {
        entry: 'the entry',
        mode: 'apply',
        interval_seconds: 300,
        last_pass: { cause: 'poll', started_at: days(0), duration_ms: 12, error: null },
        last_success_at: days(0),
        known_at: days(0),
        is_current: true,
        sources: [{ id: 'directory:/certs', up: true, bundles: 1, error: null }],
        certificates,
        events: [],
      },
    ],
  };
}

const REFUSED = certificate('refused.example.test', {
  state: 'refused',
  refusal: { reason: 'key_mismatch', message: 'the key is of another', at: days(0), is_standing: true },
});

/** Something that answers on the socket of a prefix. */
async function answering(answer: StatusReport | RequestListener, port?: number) {
  const prefix = testFolder();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
    if (typeof answer === 'function') answer(request, response);
    else response.end(JSON.stringify(answer));
  });
  await new Promise<void>((done) => {
    if (port === undefined) server.listen(join(prefix, 'ssl-cert-reloader-status.socket'), done);
    else server.listen(port, '127.0.0.1', done);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { prefix, asked, server };
}

describe('the status', () => {
  it('is a table with the most urgent first', async () => {
    const { prefix } = await answering(
      report(
        certificate('well.example.test'),
        certificate('unused.example.test', {
          state: 'unused',
          certificate_id: null,
          ...ending(3, 'critical'),
        }),
        certificate('soon.example.test', ending(5, 'ends_soon')),
        REFUSED,
        certificate('gone.example.test', { state: 'no_source', ...ending(-2, 'expired') }),
        certificate('wrong.example.test', { state: 'not_served' }),
      ),
    );
    const { code, stdout, stderr } = await cli('status', '-p', prefix);
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    const order = [...stdout.matchAll(/(\w+)\.example\.test +\d{4}/g)].map(([, name]) => name);
    expect(order).toEqual(['gone', 'wrong', 'refused', 'soon', 'well', 'unused']);
    expect(stdout).toContain('the key is of another (key_mismatch)');
    expect(stdout).toMatch(
      /^1 expired \(gone\.example\.test\) · 1 not served \(wrong\.example\.test\) · 1 ends in 4 days, \d{4}-\d\d-\d\dT\d\d:\d\dZ \(soon\.example\.test\) · 1 refused \(refused\.example\.test\) .*exit code 2/m,
    );
    expect(stdout).toMatch(/^expired +gone\.example\.test/m);
    expect(stdout).not.toContain('\x1b');
  });

  test.for([
    ['all is well', report(certificate('a')), 0],
    [
      'a certificate that nothing renews, with time left',
      report(certificate('a', { state: 'no_source' })),
      0,
    ],
    ['a bundle that nobody asks for', report(certificate('a', { state: 'unused' })), 0],
    ['a refusal', report(REFUSED), 2],
    ['a swap that is to come', report(certificate('a', { state: 'pending' })), 2],
    ['one that is not served', report(certificate('a', { state: 'not_served' })), 2],
    ['one that ends soon', report(certificate('a', ending(13, 'ends_soon'))), 2],
    ['one of six days that is fresh', report(certificate('a', ending(5, 'fresh'))), 0],
    ['one whose renewal is due, with time left', report(certificate('a', ending(29, 'renewal_due'))), 0],
    ['one that has expired', report(certificate('a', { state: 'no_source', ...ending(-1, 'expired') })), 2],
    ['a renewal that is overdue', report(certificate('a', { renewal_overdue: true })), 2],
    ['a Kong that does not answer', { ...report(certificate('a')), kong: null, waiting: 'refused' }, 2],
    ['nothing that runs', { ...report(), reloaders: [], waiting: 'no entry' }, 2],
  ] as const)('ends for %s as documented', async ([, what, expected]) => {
    const { prefix } = await answering(what);
    expect(await cli('status', '-p', prefix)).toMatchObject({ code: expected, stderr: '' });
  });

  it('says that a source is down', async () => {
    const well = report(certificate('a'));
    const error = { reason: 'unreadable' as const, message: '/certs cannot be read', since: days(0) };
    const [reloader] = well.reloaders;
    const sources = [{ id: 'directory:/certs', up: false, bundles: 0, error }];
    const { prefix } = await answering({ ...well, reloaders: [{ ...reloader!, sources }] });
    const { code, stdout } = await cli('status', '-p', prefix);
    expect(code).toBe(2);
    expect(stdout).toContain('directory:/certs: /certs cannot be read');
  });

  it('is passed on as JSON', async () => {
    const { prefix } = await answering(report(REFUSED));
    const { code, stdout } = await cli('status', '-p', prefix, '--json');
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      version: '1.2.3',
      reloaders: [{ certificates: [{ state: 'refused' }] }],
    });
  });

  it('can be asked for at an address', async () => {
    const { server } = await answering(report(certificate('a')), 0);
    const { port } = server.address() as AddressInfo;
    for (const url of [`http://127.0.0.1:${port}`, `127.0.0.1:${port}`, `http://127.0.0.1:${port}/status`]) {
      expect(await cli('status', '--url', url)).toMatchObject({ code: 0, stderr: '' });
    }
  });

  it('is found by a prefix or socket that is named from the current folder', async () => {
    const { prefix } = await answering(report(certificate('a')));
    const here = relative('.', prefix);
    expect(await cli('status', '-p', here)).toMatchObject({ code: 0, stderr: '' });
    const socket = join(here, 'ssl-cert-reloader-status.socket');
    expect(await cli('status', '--socket', socket)).toMatchObject({ code: 0, stderr: '' });
  });

  it('is that of after a pass with --poll', async () => {
    const { prefix, asked } = await answering(report(certificate('a')));
    await cli('status', '-p', prefix, '--poll');
    expect(asked).toEqual(['POST /poll?wait=1', 'GET /status']);
  });

  it('is watched: a change is shown, and an interruption ends with what was seen last', async () => {
    let now = report(certificate('a.example.test'));
    const { prefix, asked } = await answering((_, response) => response.end(JSON.stringify(now)));
    const watch = start(['status', '-p', prefix, '--watch', '--json']);
    await eventually('it is shown', () => watch.stdout.includes('a.example.test'));
    await eventually('it asks again', () => asked.length > 1);
    now = report(REFUSED);
    await eventually('the change is shown', () => watch.stdout.includes('refused.example.test'));
    watch.child.kill('SIGINT');
    const { code, stdout } = await watch.ended;
    expect(code).toBe(2);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toHaveLength(2);
  });
});

it('a watch ends when nobody reads it any more', async () => {
  let asked = 0;
  // Something new each time: it is by writing that it learns that nobody reads.
  const { prefix } = await answering((_, response) =>
    response.end(JSON.stringify(report(certificate(`host-${asked++}.example.test`)))),
  );
  const watch = start(['status', '-p', prefix, '--watch']);
  watch.child.stdout?.once('data', () => watch.child.stdout?.destroy());
  await watch.ended;
});

it('a watch that waits for an answer ends at once when it is interrupted', async () => {
  const { prefix, asked } = await answering(() => undefined);
  const watch = start(['status', '-p', prefix, '--watch']);
  await eventually('it asks', () => asked.length > 0);
  watch.child.kill('SIGINT');
  expect(await watch.ended).toEqual({ code: 1, stdout: '', stderr: '' });
});

it('a watch with --json has a line of JSON for a plugin that goes away, too', async () => {
  const watch = start(['status', '-p', '/nowhere', '--watch', '--json']);
  await eventually('it is told', () => watch.stdout.includes('\n'));
  watch.child.kill('SIGINT');
  const { code, stdout } = await watch.ended;
  expect(code).toBe(1);
  expect((JSON.parse(stdout) as { error: string }).error).toContain('the socket does not exist');
});

test.for([
  ['no socket', ['status', '-p', '/nowhere'], 'the socket does not exist'],
  ['no listener', ['status', '--url', 'http://127.0.0.1:1'], 'nothing listens there'],
  ['no address', ['status', '--url', 'http://'], 'Give http://HOST:PORT'],
  ['plain http to another host', ['status', '--url', 'http://192.0.2.1:1'], 'or set --allow-http'],
  [
    'credentials',
    ['status', '--url', 'http://u:s3cret@127.0.0.1:1'],
    'can be seen by every user of this machine',
  ],
] as const)('%s ends with 1 and a sentence', async ([, args, sentence]) => {
  const { code, stderr } = await cli(...args);
  expect(code).toBe(1);
  expect(stderr).toContain(sentence);
  expect(stderr).not.toContain('s3cret');
});

test.for([
  ['something else', (_, response) => response.end('hello'), 'did not answer with a status'],
  ['a refusal', (_, response) => response.writeHead(503).end(), 'with 503'],
] as [string, RequestListener, string][])('%s that answers ends with 1', async ([, answer, sentence]) => {
  const { prefix } = await answering(answer);
  const { code, stderr } = await cli('status', '-p', prefix);
  expect(code).toBe(1);
  expect(stderr).toContain(sentence);
});
