import {
  copyFileSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ListReport, ReloaderStatus, StatusReport } from '../../src/public';
import { issue, secretsIn } from '../support/bundles';
import { cli, start } from '../support/cli';
import { startGateway } from '../gateway';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { ask } from '../support/http';
import { freePort } from '../support/port';
import { startReceiver } from '../support/receiver';
import { supervised, type SupervisedOptions } from '../support/supervised';

const seriesOf = (text: string, name: string) =>
  text.split('\n').filter((line) => line.startsWith(`kong_ssl_cert_reloader_${name}`));

const knownIn = (prefix: string) =>
  readdirSync(prefix)
    .filter((name) => name.startsWith('ssl-cert-reloader.known-'))
    .map((name) => join(prefix, name));

/** A gateway with a certificate that is served and one that is refused. */
async function world(options: SupervisedOptions = {}) {
  const it = await supervised({ ...options, config: { write_back: false, ...options.config } });
  const [good, bad] = [issue(), issue({ names: ['bad.example.test'] })];
  writePair(it.certs, 'www', good);
  writePair(it.certs, 'bad', { chain: bad.chain, key: good.key });
  await it.becomes('it is served', ({ state }) => state === 'in_sync');
  await it.becomes('the other is refused', ({ state }) => state === 'refused');
  return { ...it, secrets: [good, bad].flatMap(({ key }) => secretsIn(key)) };
}

/** Kong's Admin API answers nobody while the plugin is started anew. */
async function restartedAway(it: Awaited<ReturnType<typeof world>>, meanwhile?: () => void) {
  const back = it.gateway.inject({ reset: true, times: Infinity });
  await it.restart(meanwhile);
  await eventually('it says why', async () => (await it.report()).waiting?.includes('yet') === false);
  return back;
}

/** The patrol may look once more in between. */
const facts = ({ certificates }: Pick<ReloaderStatus, 'certificates'>) =>
  certificates.map((one) => ({
    ...one,
    days_left: 0,
    served: one.served && { ...one.served, checked_at: '' },
  }));

describe.each(['database', 'dbless'] as const)('a restart of the plugin while Kong is away (%s)', (mode) => {
  it('shows what was known last, with its time, until a pass replaces it', async () => {
    const port = await freePort();
    const it = await world({ mode, config: { status: { listen: `127.0.0.1:${port}` } } });
    const before = (await it.report()).reloaders[0]!;
    const details = async () => {
      const page = await fetch(
        `http://127.0.0.1:${port}/certificates?open=${before.certificates[0]!.certificate_id}`,
      );
      const { names, issuer, key_type } = ((await page.json()) as ListReport).opened!;
      return { names, issuer, key_type };
    };
    const opened = await details();
    const back = await restartedAway(it);
    const away = await it.report();
    expect(away.kong).toBeNull();
    const [known] = away.reloaders;
    expect(known).toMatchObject({ entry: before.entry, mode: 'apply', is_current: false, last_pass: null });
    expect(Date.parse(known!.known_at!)).toBeGreaterThanOrEqual(Date.parse(before.known_at!));
    expect(facts(known!)).toEqual(facts(before));
    expect(known!.sources).toEqual(before.sources);
    expect(known!.events).toEqual(before.events);

    const metrics = (await ask(it.socket, '/metrics')).text;
    expect(seriesOf(metrics, 'kong_up')).toEqual(['kong_ssl_cert_reloader_kong_up 0']);
    expect(seriesOf(metrics, 'certificate_not_after_timestamp_seconds{')).toHaveLength(3);
    expect(seriesOf(metrics, 'certificate_trouble_since_timestamp_seconds{')).toEqual([
      expect.stringContaining('reason="key_mismatch"') as string,
    ]);
    expect(seriesOf(metrics, 'knowledge_current')).toEqual([expect.stringMatching(/ 0$/) as string]);
    expect(seriesOf(metrics, 'knowledge_timestamp_seconds{')).toHaveLength(1);
    expect((await ask(it.socket, '/readyz')).status).toBe(503);
    // The page is where it was, though its address is in Kong.
    const page = await fetch(`http://127.0.0.1:${port}/certificates?q=bad.example`);
    expect(await page.json()).toMatchObject({
      matching: 1,
      troubles: [{ kind: 'kong_away' }, { kind: 'refused', names: ['bad.example.test'] }],
    });
    expect(await details()).toEqual(opened);
    const ran = await cli('status', '-p', it.gateway.prefix);
    expect(ran.code).toBe(2);
    expect(ran.stdout).toContain(`at ${known!.known_at!}`);
    expect(ran.stdout).toContain('www.example.test');

    back();
    await eventually('it is current', async () => (await it.report()).reloaders[0]?.is_current === true);
    const after = await it.becomes('it is served', ({ state }) => state === 'in_sync');
    expect(after.last_swap_at).toBe(
      before.certificates.find(({ state }) => state === 'in_sync')!.last_swap_at,
    );
    const refused = (await it.certificates()).find(({ state }) => state === 'refused')!;
    expect(refused.since).toBe(before.certificates.find(({ state }) => state === 'refused')!.since);
  });

  it('a file with anything else in it is left alone, with one line in the log', async () => {
    const it = await world({ mode });
    for (const spoil of [
      (path: string) => writeFileSync(path, readFileSync(path).subarray(0, -20)),
      (path: string) => writeFileSync(path, readFileSync(path, 'utf8').replaceAll('"in_sync"', '"fine"')),
      (path: string) => writeFileSync(path, '{"format":1}\n{"end":0}\n'),
      (path: string) => writeFileSync(path, ''),
      (path: string) => writeFileSync(path, Buffer.alloc(33 * 1024 * 1024, '{"a":1}\n')),
      (path: string) => {
        const elsewhere = join(testFolder(), 'elsewhere');
        copyFileSync(path, elsewhere);
        rmSync(path);
        symlinkSync(elsewhere, path);
      },
      (path: string) => linkSync(path, join(testFolder(), 'linked')),
    ]) {
      it.lines.length = 0;
      let path = '';
      const back = await restartedAway(it, () => {
        [path = ''] = knownIn(it.gateway.prefix);
        spoil(path);
      });
      expect((await it.report()).reloaders).toEqual([]);
      expect((await ask(it.socket, '/metrics')).status).toBe(200);
      expect(
        it.lines.filter((line) => line.includes('what an earlier process kept cannot be used')),
      ).toHaveLength(1);
      back();
      await eventually('it is current', async () => (await it.report()).reloaders[0]?.is_current === true);
      await it.becomes('it is served', ({ state }) => state === 'in_sync');
    }
  });
});

it('the file has no key, is for its owner alone, and goes with the entry', async () => {
  const it = await world();
  const { entry } = (await it.report()).reloaders[0]!;
  await it.restart();
  const [path = ''] = knownIn(it.gateway.prefix);
  const text = readFileSync(path, 'utf8');
  for (const secret of it.secrets) expect(text).not.toContain(secret);
  expect(text).not.toContain('PRIVATE');
  await fetch(`${it.gateway.adminUrl}/plugins/${entry}`, { method: 'DELETE' });
  await eventually('it is removed', () => !existsSync(path));
});

it('history.max_mb: 0 keeps nothing', async () => {
  const it = await world({ config: { history: { max_mb: 0 } } });
  await it.supervisor.stop();
  expect(knownIn(it.gateway.prefix)).toEqual([]);
});

it('another Kong does not inherit what was known', async () => {
  const it = await world();
  await it.restart(() => {
    const [path = ''] = knownIn(it.gateway.prefix);
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replaceAll(it.gateway.adminUrl, 'http://elsewhere:8001'));
  });
  await eventually('it is current', async () => (await it.report()).reloaders[0]?.is_current === true);
  expect((await it.report()).reloaders[0]!.certificates.map(({ last_swap_at: at }) => at)).toEqual([
    null,
    null,
  ]);
});

it('a webhook is told of a trouble once, however often the plugin is started anew, and that it is over', async () => {
  const receiver = await startReceiver();
  const it = await world({ config: { alerts: { webhook: receiver.url, grace: 0 } } });
  const told = () =>
    receiver.received.flatMap(({ body }) =>
      (body as { alerts: { status: string; kind: string }[] }).alerts.map(
        ({ status, kind }) => `${status} ${kind}`,
      ),
    );
  await eventually('it is told, and that is written down', () =>
    readdirSync(it.gateway.prefix).some((name) => name.startsWith('ssl-cert-reloader.told-')),
  );
  expect(told()).toEqual(['firing refused']);
  for (const isAway of [false, true, false]) {
    const back = isAway ? await restartedAway(it) : await it.restart().then(() => () => undefined);
    back();
    await eventually('it is current', async () => (await it.report()).reloaders[0]?.is_current === true);
    await it.poll();
  }
  const mended = issue({ names: ['bad.example.test'] });
  await it.restart(() => writePair(it.certs, 'bad', mended));
  await eventually('the end is told', () => told().length > 1);
  expect(told()).toEqual(['firing refused', 'resolved refused']);
});

it('a run with a configuration file shows and tells what it knows without Kong, also after kill -9', async () => {
  const receiver = await startReceiver();
  const [certs, kept, port] = [testFolder(), testFolder(), await freePort()];
  const gateway = await startGateway({ mode: 'database' });
  onTestFinished(() => gateway.stop());
  const file = join(testFolder(), 'reloader.yml');
  const config = {
    admin: { url: gateway.adminUrl },
    sources: [{ type: 'directory', path: certs, create: true }],
    status: { listen: `127.0.0.1:${port}` },
    history: { file: join(kept, 'history') },
    alerts: { webhook: receiver.url, grace: 0 },
  };
  writeFileSync(file, JSON.stringify(config));
  const [good, bad] = [issue(), issue({ names: ['bad.example.test'] })];
  writePair(certs, 'www', good);
  writePair(certs, 'bad', { chain: bad.chain, key: good.key });
  const run = () => start(['run', '-c', file, '-p', gateway.prefix]);
  const told = () => receiver.received.flatMap(({ body }) => (body as { alerts: { kind: string }[] }).alerts);
  const report = async () => (await (await fetch(`http://127.0.0.1:${port}/status`)).json()) as StatusReport;
  const is = (one: StatusReport) => one.reloaders[0]?.certificates.map(({ state }) => state).join();

  const first = run();
  await eventually('it is told', () => told().length === 1);
  await eventually('all of it is written down', () => {
    const [path] = knownIn(kept);
    return path !== undefined && readFileSync(path, 'utf8').includes('"in_sync"');
  });
  expect(statSync(knownIn(kept)[0]!).mode & 0o777).toBe(0o600);
  first.child.kill('SIGKILL');
  await first.ended;
  gateway.inject({ reset: true, times: Infinity });
  run();
  const away = await eventually('it is shown', async () => {
    const seen = await report().catch(() => null);
    return seen !== null && is(seen) !== undefined ? seen : undefined;
  });
  expect(away).toMatchObject({
    kong: null,
    reloaders: [{ is_current: false, certificates: [{ state: 'in_sync' }, { state: 'refused' }] }],
  });
  await eventually('that is told', () => told().length > 1);
  expect(told().map(({ kind }) => kind)).toEqual(['refused', 'passes_failing']);
});

it('a run that never met Kong has its page and says so, too', async () => {
  const receiver = await startReceiver();
  const port = await freePort();
  const file = join(testFolder(), 'reloader.yml');
  const config = {
    admin: { url: `http://127.0.0.1:${await freePort()}` },
    sources: [{ type: 'directory', path: testFolder() }],
    status: { listen: `127.0.0.1:${port}` },
    alerts: { webhook: receiver.url, grace: 0 },
  };
  writeFileSync(file, JSON.stringify(config));
  start(['run', '-c', file, '-p', testFolder()]);
  await eventually('it is told', () => receiver.received.length > 0);
  expect(receiver.received[0]!.body).toMatchObject({ alerts: [{ kind: 'passes_failing' }] });
  const page = await fetch(`http://127.0.0.1:${port}/status`);
  expect(await page.json()).toMatchObject({ kong: null, reloaders: [] });
});
