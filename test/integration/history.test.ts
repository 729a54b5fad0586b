import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { HistoryReport } from '../../src/public';
import { historyPath } from '../../src/history';
import { issue, secretsIn } from '../support/bundles';
import { cli } from '../support/cli';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { ask } from '../support/http';
import { supervised } from '../support/supervised';

const YEAR = 365 * 86_400_000;

/** A certificate's life as the status listener tells it, the oldest first. */
const lifeOf =
  (socket: { socketPath: string }, query = '') =>
  async () =>
    (JSON.parse((await ask(socket, `/history${query}`)).text) as HistoryReport).entries.toReversed();

it.each(['database', 'dbless'] as const)('the life of a certificate is told (%s)', async (mode) => {
  const { certs, gateway, socket, becomes, supervisor } = await supervised({ mode });
  const now = Date.now();
  const [first, second, third] = [1, 2, 3].map((years) => issue({ notAfter: new Date(now + years * YEAR) }));
  writePair(certs, 'www', first!);
  const { certificate_id: id } = await becomes('it is served', ({ state }) => state === 'in_sync');
  writePair(certs, 'www', second!);
  await becomes('the renewal is served', ({ expires_at: at }) => Date.parse(at ?? '') > now + 1.9 * YEAR);
  writeFileSync(join(certs, 'www.key'), third!.key);
  const life = lifeOf(socket, '?name=www.example.test');
  await eventually('the refusal is told', async () => (await life()).some(({ kind }) => kind === 'refused'));
  writePair(certs, 'www', third!);
  await becomes('it is mended', ({ state }) => state === 'in_sync');
  const told = await eventually('all is told', async () => {
    const entries = await life();
    return entries.length >= 4 ? entries : undefined;
  });
  expect(told.map(({ kind, by, certificate_id: of }) => [kind, by, of])).toEqual([
    ['created', 'us', id],
    ['swapped', 'us', id],
    ['refused', null, id],
    ['swapped', 'us', id],
  ]);
  expect(told[1]).toMatchObject({
    previous_fingerprint_sha256: told[0]!.fingerprint_sha256,
    location: join(certs, 'www.crt'),
    proof: { verdict: 'served' },
  });
  const text = readFileSync(historyPath(gateway.prefix), 'utf8');
  for (const { key } of [first!, second!, third!])
    for (const secret of secretsIn(key)) expect(text).not.toContain(secret);

  // Without the process, and with a line that it could not finish.
  await supervisor.stop();
  appendFileSync(historyPath(gateway.prefix), '{"at":"2026-');
  const ran = await cli('history', 'www.example.test', '-p', gateway.prefix);
  expect(ran.code).toBe(0);
  expect(ran.stderr).toContain('instead');
  expect(ran.stdout.split('\n').filter((line) => /created|swapped|refused/.test(line))).toHaveLength(4);
});

it('changes that other writers make in Kong are recorded, also those made while Kong was away', async () => {
  const { certs, gateway, socket, becomes, poll, report } = await supervised();
  writePair(certs, 'www', issue());
  await becomes('it is served', ({ state }) => state === 'in_sync');
  const other = issue({ names: ['other.example.test'] });
  const post = await fetch(`${gateway.adminUrl}/certificates`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ cert: other.chain, key: other.key, snis: ['other.example.test'] }),
  });
  const { id } = (await post.json()) as { id: string };
  await poll();
  const back = gateway.inject({ reset: true, times: Infinity });
  await eventually('it waits for Kong', async () => (await report()).kong === null);
  back();
  await fetch(`${gateway.adminUrl}/certificates/${id}`, { method: 'DELETE' });
  const told = await eventually('all is told', async () => {
    await poll();
    const entries = await lifeOf(socket, '?name=other.example.test')();
    return entries.length >= 2 ? entries : undefined;
  });
  expect(told.map(({ kind, by, certificate_id: of }) => [kind, by, of])).toEqual([
    ['appeared', 'other', id],
    ['vanished', 'other', id],
  ]);
});

it('a history that cannot be written is logged once, and certificates are swapped anyway', async () => {
  const path = join(testFolder(), 'missing', 'history');
  const { certs, socket, becomes, lines } = await supervised({ config: { history: { file: path } } });
  writePair(certs, 'www', issue());
  await becomes('it is served', ({ state }) => state === 'in_sync');
  expect(lines.filter((line) => line.includes('the history cannot be written'))).toHaveLength(1);
  expect(await lifeOf(socket)()).toEqual([]);
});

it('a run of sync is told by the plugin that runs beside it', async () => {
  const { certs, gateway, socket } = await supervised({ config: { mode: 'observe' } });
  writePair(certs, 'www', issue());
  const file = join(testFolder(), 'reloader.yml');
  writeFileSync(file, `sources: [{ type: directory, path: ${certs} }]`);
  expect((await cli('sync', '-c', file, '-p', gateway.prefix)).code).toBe(0);
  const told = await eventually('it is told', async () => {
    const entries = await lifeOf(socket, '?name=www.example.test')();
    return entries.find(({ kind }) => kind === 'created');
  });
  expect(told).toMatchObject({ entry: 'reloader.yml', by: 'us' });
});
