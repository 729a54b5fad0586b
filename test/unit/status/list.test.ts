import { gunzipSync } from 'node:zlib';
import { request } from 'node:http';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import type { CertificateStatus, ListReport } from '../../../src/public';
import { StatusServer, type ReportView } from '../../../src/status';
import { listReport, parseListQuery } from '../../../src/status/list';
import { certificate, inDays } from '../../support/statuses';
import { issue, opened as openedBundle, rawOf } from '../../support/bundles';
import { ask } from '../../support/http';
import { matched, reloaderView, reportView } from '../../support/status-views';

const named = (name: string, more: Partial<CertificateStatus> = {}, days = 60) =>
  certificate({ certificate_id: name, snis: [`${name}.example.test`], ...more }, days);

const ALL = [
  named('quiet'),
  named('expired', { state: 'no_source', source: null, since: inDays(-9) }, -1),
  named('soon', {}, 14),
  named('late', { since: inDays(-3) }, 20),
  named('frozen', { state: 'not_served' }, 80),
  named('secret-token', { half: 'alt', state: 'unproven' }, 70),
  named('loose', { certificate_id: null, state: 'unused', stored: null }, -5),
];

const viewOf = (certificates: readonly CertificateStatus[] = ALL, entry = 'E') => ({
  ...reloaderView([], entry),
  certificates: () => certificates,
});

const list = (text: string, view: ReportView = reportView([viewOf()])) =>
  listReport(view, parseListQuery(new URLSearchParams(text)));
const names = ({ certificates }: ListReport) => certificates.map(({ snis }) => snis[0]?.split('.')[0]);

describe('a page of the certificates', () => {
  test.for<[asked: string, found: string[]]>([
    ['', ['expired', 'frozen', 'soon', 'late', 'secret-token', 'quiet', 'loose']],
    ['sort=name', ['expired', 'frozen', 'late', 'loose', 'quiet', 'secret-token', 'soon']],
    ['sort=expiry&limit=3', ['loose', 'expired', 'soon']],
    ['sort=since&limit=2&offset=5', ['late', 'expired']],
    ['state=not_served', ['frozen']],
    ['state=not_served&state=unused', ['frozen', 'loose']],
    ['expiry=expired', ['expired']],
    ['expiry=overdue', ['late']],
    ['expiry=ends_soon&expiry=expired', ['expired', 'soon']],
    ['source=', ['expired']],
    ['source=directory:/certs&q=FROZEN', ['frozen']],
    ['q=not+served', ['frozen']],
    ['q=frozen+soon', []],
    ['entry=another', []],
    [
      'sort=nonsense&limit=-1&offset=x',
      ['expired', 'frozen', 'soon', 'late', 'secret-token', 'quiet', 'loose'],
    ],
  ])('%s holds %j', async ([asked, found]) => {
    expect(names(await list(asked))).toEqual(found);
  });

  it('says what there is to say of all certificates, whatever is asked for', async () => {
    const { counts, troubles, matching, certificates } = await list('q=frozen');
    expect(counts).toMatchObject({
      total: 7,
      states: { in_sync: 3, no_source: 1, not_served: 1, unproven: 1, unused: 1 },
      lives: { expired: 1, ends_soon: 1 },
      late: 1,
    });
    expect(counts.next_end).toBe(named('soon', {}, 14).expires_at);
    expect(troubles.map(({ kind }) => kind)).toEqual(['expired', 'not_served', 'ending', 'overdue']);
    expect([matching, certificates.length]).toEqual([1, 1]);
  });

  it('has the same certificate of two entries twice, each with its entry', async () => {
    const both = reportView([viewOf([named('a')], 'E1'), viewOf([named('a')], 'E2')]);
    expect((await list('', both)).certificates.map(({ entry, link }) => [entry, link])).toEqual([
      ['E1', 'a'],
      ['E2', 'a'],
    ]);
    expect((await list('entry=E2', both)).certificates.map(({ entry }) => entry)).toEqual(['E2']);
  });

  it('has everything of the one that is opened, also its issuer and its chain', async () => {
    const view = reloaderView([matched('a')]);
    const { bundle } = openedBundle(rawOf(issue({ names: ['a.test', 'b.test'] })));
    const stored = { content: bundle.content, chain: bundle.chain, leaf: bundle.leaf, reach: bundle.reach };
    const facts = [...view.facts()].map((one) => ({ ...one, stored: { ...stored, vaultReference: false } }));
    const { opened } = await list('open=a&limit=0', reportView([{ ...view, facts: () => facts }]));
    expect(opened).toMatchObject({
      certificate: { certificate_id: 'a', link: 'a', entry: 'E', state: 'in_sync' },
      names: ['a.test', 'b.test'],
      chain: [{ name: expect.stringContaining('Intermediate') as string }],
      has_root: false,
    });
    expect(opened?.issuer).toBe(opened?.chain[0]?.name);
    expect(opened?.key_type).toMatch(/^(ec|rsa) \d+$/);
    expect((await list('open=secret-token+alt')).opened?.certificate.snis).toEqual([
      'secret-token.example.test',
    ]);
    expect((await list('open=gone')).opened).toBeNull();
  });
});

async function serving(view: ReportView) {
  const server = new StatusServer({
    backend: {
      view: () => view,
      poll: () => Promise.resolve([]),
      reload: () => Promise.resolve(null),
      command: ({ verb, name }) => `${verb} ${name}`,
      history: () => Promise.resolve({ entries: [], is_cut: false }),
    },
    say: () => undefined,
  });
  onTestFinished(() => server.close());
  await server.setAddresses(['127.0.0.1:0']);
  return { host: '127.0.0.1', port: Number(server.addresses[0]?.split(':')[1]) };
}

it('the server answers it, and 304 while nothing differs', async () => {
  const to = await serving(reportView([viewOf()]));
  const { status, headers, text } = await ask(to, '/certificates?limit=2');
  expect(status).toBe(200);
  const report = JSON.parse(text) as ListReport;
  expect(names(report)).toEqual(['expired', 'frozen']);
  // A field named like a secret would be removed.
  expect(text).not.toContain('[removed]');
  const known = { headers: { 'if-none-match': String(headers['etag']) } };
  expect((await ask(to, '/certificates?limit=2', known)).status).toBe(304);
  expect((await ask(to, '/certificates?limit=3', known)).status).toBe(200);
});

it.each(['/', '/status', '/certificates', '/metrics'])(
  'who takes gzip gets %s compressed, and the same',
  async (path) => {
    const many = Array.from({ length: 300 }, (_, index) => named(`host-${index}`));
    const to = await serving(reportView([viewOf(many)]));
    const plain = await ask(to, path);
    const { headers, bytes } = await new Promise<{ headers: Record<string, unknown>; bytes: Buffer }>(
      (resolve, reject) => {
        request({ ...to, path, headers: { 'accept-encoding': 'br, gzip' }, agent: false }, (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('end', () => resolve({ headers: response.headers, bytes: Buffer.concat(parts) }));
        })
          .on('error', reject)
          .end();
      },
    );
    expect(headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'accept-encoding' });
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(gunzipSync(bytes).toString()).toBe(plain.text);
    expect(bytes.length).toBeLessThan(Buffer.byteLength(plain.text) / 2);
  },
);
