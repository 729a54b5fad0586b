import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { issue } from '../support/bundles';
import { eventually } from '../support/eventually';
import { writePair } from '../support/folders';
import { ask } from '../support/http';
import { supervised } from '../support/supervised';

const seriesOf = (text: string, name: string) =>
  text.split('\n').filter((line) => line.startsWith(`kong_ssl_cert_reloader_${name}`));

it.each(['database', 'dbless'] as const)(
  'while Kong is away everything that was known last stays, marked with its time (%s)',
  async (mode) => {
    const { certs, gateway, socket, report, becomes, lines } = await supervised({
      mode,
      ...(mode === 'dbless' ? { config: { write_back: false } } : {}),
    });
    writePair(certs, 'www', issue());
    await becomes('it is served', ({ state }) => state === 'in_sync');
    const before = (await report()).reloaders[0]!;
    expect(before).toMatchObject({ is_current: true });
    const back = gateway.inject({ reset: true, times: Infinity });
    await eventually('it waits for Kong', async () => (await report()).kong === null);
    // Long enough for the reloaders to be stopped and Kong to be searched for anew.
    await eventually('it searches', () => lines.some((line) => line.includes('waiting for Kong')));
    const away = (await report()).reloaders[0]!;
    expect(away).toMatchObject({
      is_current: false,
      certificates: before.certificates.map(({ certificate_id, expires_at }) => ({
        certificate_id,
        state: 'in_sync',
        expires_at,
      })),
    });
    expect(away.known_at).not.toBeNull();
    expect(away.events).toEqual(before.events);
    const metrics = (await ask(socket, '/metrics')).text;
    expect(seriesOf(metrics, 'kong_up')).toEqual(['kong_ssl_cert_reloader_kong_up 0']);
    expect(seriesOf(metrics, 'certificate_not_after_timestamp_seconds{')).toHaveLength(3);
    expect(seriesOf(metrics, 'last_poll_timestamp_seconds')).toHaveLength(1);
    expect((await ask(socket, '/readyz')).status).toBe(503);
    back();
    await eventually('it is current again', async () => (await report()).reloaders[0]?.is_current === true);
    const after = (await report()).reloaders[0]!;
    expect(after.events.map(({ kind }) => kind)).toContain('created');
    expect(after.certificates).toMatchObject([{ since: before.certificates[0]!.since, state: 'in_sync' }]);
    expect(seriesOf((await ask(socket, '/metrics')).text, 'swaps_total{result="served"}')).toEqual([
      'kong_ssl_cert_reloader_swaps_total{result="served"} 1',
    ]);
  },
);

it('a Kong that takes requests and does not answer is shown as away while it is asked', async () => {
  const { certs, gateway, report, becomes } = await supervised({ silentMs: 100 });
  writePair(certs, 'www', issue());
  await becomes('it is served', ({ state }) => state === 'in_sync');
  const answers = gateway.inject({ delayMs: 3_000, times: Infinity });
  await eventually('it is said', async () => (await report()).waiting?.includes('has not answered') === true);
  expect((await report()).reloaders).toMatchObject([
    { is_current: false, certificates: [{ state: 'in_sync' }] },
  ]);
  answers();
  await eventually('it is current again', async () => (await report()).reloaders[0]?.is_current === true);
});

it('an entry that was removed while Kong was away is shown no more', async () => {
  const { certs, gateway, report, becomes } = await supervised();
  writePair(certs, 'www', issue());
  await becomes('it is served', ({ state }) => state === 'in_sync');
  const { entry } = (await report()).reloaders[0]!;
  const back = gateway.inject({ reset: true, times: Infinity });
  await eventually('it waits for Kong', async () => (await report()).kong === null);
  back();
  await fetch(`${gateway.adminUrl}/plugins/${entry}`, { method: 'DELETE' });
  await eventually('it is gone', async () => (await report()).reloaders.length === 0);
});

it('another configuration of an entry shows what the one before it knew until its first pass', async () => {
  const { certs, gateway, report, becomes } = await supervised();
  writePair(certs, 'www', issue());
  await becomes('it is served', ({ state }) => state === 'in_sync');
  const { entry, events } = (await report()).reloaders[0]!;
  writeFileSync(join(certs, 'broken.crt'), 'no certificate');
  const seen: number[] = [];
  await fetch(`${gateway.adminUrl}/plugins/${entry}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ config: { interval: 77 } }),
  });
  await eventually('it runs with it', async () => {
    const [now] = (await report()).reloaders;
    seen.push(now?.certificates.filter(({ state }) => state === 'in_sync').length ?? 0);
    return now?.interval_seconds === 77 && now.is_current;
  });
  expect(new Set(seen)).toEqual(new Set([1]));
  expect((await report()).reloaders[0]!.events).toEqual(expect.arrayContaining([...events]));
});
