import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { expect, it } from 'vitest';
import type { IssueOptions } from '../../src/authority/authority';
import type { Output } from '../../src/cli/output';
import { printStatus } from '../../src/cli/status/text';
import type { StatusReport } from '../../src/public';
import { issue, secretsIn } from '../support/bundles';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { ask } from '../support/http';
import { supervised } from '../support/supervised';
import { leafOf } from '../support/tls';

const HOST = 'www.example.test';
const MINUTE_MS = 60_000;
const renewed = (age: number, names = [HOST], more: Partial<IssueOptions> = {}) =>
  issue({ names, notBefore: new Date(Date.now() - age * MINUTE_MS), ...more });

/** Throws where the report is not what docs/status.schema.json says. */
function checkSchema(report: StatusReport): void {
  const ajv = new Ajv({ strict: true, allowUnionTypes: true });
  addFormats(ajv);
  const isValid = ajv.validate(JSON.parse(readFileSync('docs/status.schema.json', 'utf8')) as object, report);
  expect(ajv.errors ?? []).toEqual([]);
  expect(isValid).toBe(true);
}

it.for(['database', 'dbless'] as const)(
  'a certificate that is swapped in and served is in sync, with all three fingerprints (%s)',
  async (mode) => {
    const { certs, becomes, report, poll } = await supervised({ mode });
    const pair = renewed(30);
    writePair(certs, 'www', pair);
    await poll();
    const one = await becomes('it is in sync', ({ state }) => state === 'in_sync');
    const fingerprint = leafOf(pair.cert);
    expect(one).toMatchObject({
      snis: [HOST],
      owner: 'us',
      half: 'main',
      source: { fingerprint_sha256: fingerprint, location: join(certs, 'www.crt') },
      stored: { fingerprint_sha256: fingerprint },
      served: { fingerprint_sha256: fingerprint, verdict: 'served', detail: '' },
      refusal: null,
      renewal_overdue: false,
    });
    expect(one.last_swap_at).not.toBeNull();
    const whole = await report();
    checkSchema(whole);
    expect(whole).toMatchObject({ kong: { mode }, waiting: null });
    expect(whole.reloaders[0]?.events[0]).toMatchObject({
      kind: 'created',
      certificate_id: one.certificate_id,
    });
  },
);

it('a refused renewal is shown on the certificate that it was meant for, until it is repaired', async () => {
  const { certs, becomes, report, poll } = await supervised();
  const good = renewed(60);
  writePair(certs, 'www', good);
  await becomes('it is in sync', ({ state }) => state === 'in_sync');
  const next = renewed(30);
  writePair(certs, 'www', { chain: next.chain, key: renewed(20).key });
  const refused = await becomes(
    'it is refused',
    ({ state, refusal }) => state === 'refused' && refusal !== null,
  );
  expect(refused).toMatchObject({
    refusal: { reason: 'key_mismatch', is_standing: true },
    stored: { fingerprint_sha256: leafOf(good.cert) },
    served: { fingerprint_sha256: leafOf(good.cert) },
  });
  expect(refused.certificate_id).not.toBeNull();
  await eventually('it is told', async () => {
    const shown = await report();
    checkSchema(shown);
    return shown.reloaders[0]?.events[0]?.reason === 'key_mismatch';
  });

  writePair(certs, 'www', next);
  await poll();
  const healed = await becomes('it is in sync again', ({ state }) => state === 'in_sync');
  expect(healed.stored?.fingerprint_sha256).toBe(leafOf(next.cert));
  expect(healed.refusal).toMatchObject({ reason: 'key_mismatch', is_standing: false });
  expect(Date.parse(healed.since)).toBeGreaterThan(Date.parse(refused.since));
});

it('a file that is no longer understood leaves its certificate refused, not without a source', async () => {
  const { certs, becomes } = await supervised();
  writePair(certs, 'www', renewed(60));
  const before = await becomes('it is in sync', ({ state }) => state === 'in_sync');
  writeFileSync(join(certs, 'www.crt'), 'no certificate at all');
  const after = await becomes(
    'it is refused',
    ({ state, refusal }) => state === 'refused' && refusal !== null,
  );
  expect(after).toMatchObject({
    certificate_id: before.certificate_id,
    source: null,
    refusal: { reason: 'unsupported_format', is_standing: true },
  });
});

it('a certificate without a source and a bundle without a certificate are shown as such', async () => {
  const { gateway, certs, certificates, poll, report } = await supervised({ create: false });
  const lonely = renewed(60, ['lonely.example.test']);
  gateway.seed([{ cert: lonely.chain, key: lonely.key, snis: ['lonely.example.test'] }]);
  writePair(certs, 'spare', renewed(90, ['spare.example.test']));
  await eventually('the states are known', async () => {
    await poll();
    const states = (await certificates()).map(({ state, snis }) => `${snis.join()} ${state}`);
    return states.join(', ') === 'lonely.example.test no_source, spare.example.test unused';
  });
  checkSchema(await report());
  const [stored, loose] = await certificates();
  expect(stored).toMatchObject({ source: null, stored: { fingerprint_sha256: leafOf(lonely.cert) } });
  expect(loose).toMatchObject({ certificate_id: null, stored: null, served: null, owner: null });
});

it('the patrol finds a certificate that Kong stores and does not serve', async () => {
  const { gateway, certs, becomes, poll, report } = await supervised();
  writePair(certs, 'www', renewed(60));
  await becomes('it is in sync', ({ state }) => state === 'in_sync');
  const other = renewed(90);
  gateway.serveInstead({ sni: HOST, cert: other.chain, key: other.key });
  await poll();
  const wrong = await becomes('it is seen', ({ state }) => state === 'not_served');
  expect(wrong.served).toMatchObject({ verdict: 'wrong', fingerprint_sha256: leafOf(other.cert) });
  expect(wrong.served?.detail).toContain(leafOf(other.cert));
  checkSchema(await report());
  gateway.unfreeze();
  await poll();
  await becomes('it is in sync again', ({ state }) => state === 'in_sync');
});

it('a configuration that is posted again over what was just swapped in is noticed at the next look', async () => {
  const { gateway, certs, becomes } = await supervised({ mode: 'dbless', pollMs: 1_500 });
  const before = gateway.configurationHash;
  writePair(certs, 'www', renewed(60));
  await becomes('it is in sync', ({ state }) => state === 'in_sync');
  const entry = {
    name: 'ssl-cert-reloader',
    config: { sources: [{ type: 'directory', path: certs, create: true }] },
  };
  const config = JSON.stringify({ _format_version: '3.0', plugins: [entry] });
  // Each post finds the content that the other one has put in.
  const found: string[] = [];
  gateway.beforePost(() => void found.push(gateway.configurationHash));
  const posted = await fetch(`${gateway.adminUrl}/config`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ config }),
  });
  expect(posted.status).toBe(201);
  await eventually('it is there again', () => found.length > 1 && gateway.configurationHash !== before);
  expect(found.map((hash) => hash === before)).toEqual([false, true]);
});

it('without proof by handshakes nothing is claimed about what is served', async () => {
  const { certs, becomes } = await supervised({ config: { verify: { enabled: false } } });
  writePair(certs, 'www', renewed(60));
  expect(await becomes('it is stored', ({ stored }) => stored !== null)).toMatchObject({
    state: 'unproven',
    served: null,
  });
});

it('RSA and ECDSA of one name are asked for each on its own', async () => {
  const { certs, certificates } = await supervised();
  writePair(certs, 'rsa', renewed(60, [HOST], { key: 'rsa-2048' }));
  writePair(certs, 'ec', renewed(50, [HOST], { key: 'p256' }));
  const halves = await eventually('both are in sync', async () => {
    const all = await certificates();
    return all.length === 2 && all.every(({ state }) => state === 'in_sync') ? all : null;
  });
  expect(halves.map(({ half }) => half).sort()).toEqual(['alt', 'main']);
  expect(new Set(halves.map(({ served }) => served?.fingerprint_sha256)).size).toBe(2);
});

it('a folder that is gone is a source that is down', async () => {
  const { certs, report, poll, becomes } = await supervised({ config: { watch: false, interval: 1 } });
  writePair(certs, 'www', renewed(60));
  await becomes('it is found', ({ state }) => state === 'in_sync');
  rmSync(certs, { recursive: true });
  await poll();
  const [source] = (await report()).reloaders[0]?.sources ?? [];
  expect(source).toMatchObject({ up: false, error: { reason: 'unreadable' } });
});

it('neither status nor metrics hold a key', async () => {
  const { certs, becomes, socket, lines } = await supervised();
  const pair = renewed(60);
  const broken = renewed(30);
  writePair(certs, 'www', pair);
  await becomes('it is in sync', ({ state }) => state === 'in_sync');
  writePair(certs, 'www', { chain: broken.chain + broken.key.slice(0, 80), key: broken.key });
  writePair(certs, 'other', { chain: broken.key, key: broken.key });
  await becomes('something is refused', ({ refusal }) => refusal?.is_standing === true);
  const shown = [
    ...(await Promise.all(['/status', '/metrics'].map(async (path) => (await ask(socket, path)).text))),
    ...lines,
  ].join('\n');
  for (const secret of [...secretsIn(pair.key), ...secretsIn(broken.key)])
    expect(shown).not.toContain(secret);
});

const hasPromtool = spawnSync('promtool', ['--version']).error === undefined;

it.skipIf(!hasPromtool)(
  'promtool finds nothing wrong with the metrics (needs promtool of Debian package prometheus)',
  async () => {
    const { certs, becomes, socket } = await supervised();
    writePair(certs, 'www', renewed(30));
    await becomes('it is in sync', ({ state }) => state === 'in_sync');
    const { text } = await ask(socket, '/metrics');
    const { stdout, stderr, status } = spawnSync('promtool', ['check', 'metrics'], {
      input: text,
      encoding: 'utf8',
    });
    expect({ stdout, stderr, status }).toEqual({ stdout: '', stderr: '', status: 0 });
  },
);

it('the status shows what clients without SNI get, and why the declarative file is not up to date', async () => {
  const folder = testFolder();
  const [first, second] = [renewed(60), renewed(10)];
  writePair(folder, 'default', first);
  const files = { cert: join(folder, 'default.crt'), key: join(folder, 'default.key') };
  const file = join(folder, 'kong.yml');
  writeFileSync(
    file,
    `certificates:\n- cert: "{vault://env/cert}"\n  key: "{vault://env/key}"\n  snis: [{ name: ${HOST} }]\n`,
  );
  const { report, poll, certs, becomes, gateway } = await supervised({
    mode: 'dbless',
    config: { interval: 1, write_back: true, write_back_file: file },
    gateway: { defaultCertificate: files },
  });
  const shown = async () => (await report()).reloaders[0];
  await eventually('it is in sync', async () => (await shown())?.default_certificate?.state === 'in_sync');

  writePair(folder, 'default', second);
  writePair(certs, 'www', renewed(30));
  await becomes('it is swapped', ({ state }) => state === 'in_sync');
  await poll();
  const status = await eventually('it is seen', async () => {
    const now = await shown();
    return now?.default_certificate?.state === 'reload_pending' && now.declarative_file?.left.length === 1
      ? now
      : null;
  });
  expect(status.default_certificate).toMatchObject({
    files: [
      {
        location: files.cert,
        fingerprint_sha256: leafOf(second.cert),
        served_without_sni_sha256: leafOf(first.cert),
      },
    ],
    reloaded_at: null,
    detail: expect.stringContaining('run kong reload') as string,
  });
  expect(status.declarative_file).toMatchObject({
    file,
    trouble: null,
    left: [{ why: 'its cert in the file is a reference, or is not plain text' }],
  });
  checkSchema(await report());

  expect(await gateway.reload()).toBe(true);
  await poll();
  await eventually(
    'it is in sync again',
    async () => (await shown())?.default_certificate?.state === 'in_sync',
  );
});

it('a gateway that cannot get the Lease shows that it writes nothing, and keeps trying', async () => {
  const { certs, report, becomes, socket, gateway } = await supervised({
    config: { leader_election: { enabled: true } },
  });
  const pair = renewed(1);
  writePair(certs, 'www', pair);
  const pending = await becomes('it is seen', ({ state }) => state === 'pending');
  const shown = await eventually('the error is shown', async () => {
    const found = await report();
    return found.reloaders[0]?.leader?.error == null ? null : found;
  });
  checkSchema(shown);
  expect(shown.reloaders[0]?.leader).toMatchObject({ is_leader: false, holder: null });
  expect(pending.source?.fingerprint_sha256).toBe(leafOf(pair.cert));
  expect((await ask(socket, '/metrics')).text).toMatch(/^kong_ssl_cert_reloader_leader\{entry=".+"\} 0$/m);
  const lines: string[] = [];
  printStatus(shown, {
    paint: (_: string, text: string) => text,
    print: (line: string) => lines.push(line),
  } as unknown as Output);
  expect(lines.join('\n')).toContain('writes nothing  the Lease cannot be acquired');
  expect(gateway.entities('certificates')).toEqual([]);
});
