import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { CertificateStatus, HistoryReport } from '../../src/public';
import { issue } from '../support/bundles';
import { cli } from '../support/cli';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { ask } from '../support/http';
import { supervised } from '../support/supervised';
import { leafOf, servedLeaf } from '../support/tls';

const WWW = 'www.example.test';
const DAY = 86_400_000;
const first = issue({ notAfter: new Date(Date.now() + 60 * DAY) });
const renewed = issue({ notAfter: new Date(Date.now() + 90 * DAY) });
/** Always. */
const FROZEN = [{ start: '* * * * *', minutes: 10, time_zone: 'Europe/Berlin' }];

async function withFirst(config: object = {}) {
  const all = await supervised({ config });
  const { gateway } = all;
  gateway.seed([{ cert: first.chain, key: first.key, snis: [WWW] }]);
  return all;
}

const storyOf = async (socket: { socketPath: string }) => {
  const report = JSON.parse((await ask(socket, '/history')).text) as HistoryReport;
  return report.entries.toReversed().map(({ kind, by }) => [kind, by]);
};

it('a name that is pinned stays as it is until it is unpinned, and everybody is told', async () => {
  const { certs, gateway, socket, becomes, report } = await withFirst();
  const prefix = ['-p', gateway.prefix];
  expect(await cli('pin', WWW, '--until', '2h', ...prefix)).toMatchObject({ code: 0, stderr: '' });
  writePair(certs, 'www', renewed);
  const held = await becomes('it is held back', ({ hold }) => hold !== undefined);
  expect(held).toMatchObject({ state: 'pending', hold: { kind: 'pinned' } });
  expect(await servedLeaf(gateway.tlsPort, WWW)).toBe(leafOf(first.cert));
  expect((await report()).reloaders[0]?.pins).toMatchObject([{ name: WWW }]);
  const { stdout } = await cli('status', ...prefix);
  expect(stdout).toMatch(/pinned +www\.example\.test until/);
  expect(stdout).toContain(`ssl-cert-reloader unpin www.example.test -p ${gateway.prefix}`);
  // Also for a deploy hook that makes a pass of its own.
  const file = join(testFolder(), 'reloader.yml');
  writeFileSync(file, `sources: [{ type: directory, path: ${certs} }]`);
  const synced = await cli('sync', '-c', file, ...prefix);
  expect([synced.code, synced.stdout]).toEqual([
    3,
    expect.stringContaining('www.example.test is pinned until'),
  ]);
  expect(await servedLeaf(gateway.tlsPort, WWW)).toBe(leafOf(first.cert));
  expect(await cli('unpin', WWW, ...prefix)).toMatchObject({ code: 0, stderr: '' });
  await becomes('it is swapped', ({ state }) => state === 'in_sync');
  expect(await servedLeaf(gateway.tlsPort, WWW)).toBe(leafOf(renewed.cert));
  const story = await storyOf(socket);
  expect(story).toEqual(
    expect.arrayContaining([
      ['pinned', 'operator'],
      ['seen', null],
      ['unpinned', 'operator'],
      ['swapped', 'us'],
    ]),
  );
  expect(await cli('unpin', WWW, ...prefix)).toMatchObject({ code: 1 });
});

it('a broken renewal of a pinned name is refused anyway', async () => {
  const { certs, gateway, becomes } = await withFirst();
  const prefix = ['-p', gateway.prefix];
  expect(await cli('pin', WWW, ...prefix)).toMatchObject({ code: 0, stderr: '' });
  writePair(certs, 'www', { chain: renewed.chain, key: first.key });
  const isRefused = ({ state, refusal }: CertificateStatus) =>
    state === 'refused' && refusal?.reason === 'key_mismatch';
  await becomes('it is refused', isRefused);
  await cli('status', '--poll', ...prefix);
  await becomes('it stays refused', isRefused);
  writePair(certs, 'www', renewed);
  await becomes('the mended one waits', ({ hold }) => hold?.kind === 'pinned');
  const { stdout } = await cli('status', ...prefix);
  expect(stdout.match(/is pinned/g)).toHaveLength(1);
});

it('an approval holds for the certificate, though somebody creates its name in Kong before the next poll', async () => {
  const { certs, gateway, becomes, poll } = await supervised({ config: { mode: 'approve' } });
  const prefix = ['-p', gateway.prefix];
  await poll();
  writePair(certs, 'www', renewed);
  await becomes('it waits to be created', ({ hold }) => hold?.kind === 'approval');
  gateway.seed([{ cert: first.chain, key: first.key, snis: [WWW] }]);
  expect(await cli('approve', WWW, ...prefix)).toMatchObject({ code: 0, stderr: '' });
  await becomes('it is swapped', ({ state }) => state === 'in_sync');
  expect(await servedLeaf(gateway.tlsPort, WWW)).toBe(leafOf(renewed.cert));
});

it('in mode approve a renewal waits for a person', async () => {
  const { certs, gateway, becomes, socket } = await withFirst({ mode: 'approve' });
  const prefix = ['-p', gateway.prefix];
  writePair(certs, 'www', renewed);
  await becomes('it waits', ({ hold }) => hold?.kind === 'approval');
  const { stdout, code } = await cli('status', ...prefix);
  expect([code, stdout]).toEqual([2, expect.stringContaining('1 to be approved')]);
  expect(await cli('approve', 'other.example.test', ...prefix)).toMatchObject({ code: 1 });
  expect(await cli('approve', WWW, ...prefix)).toMatchObject({ code: 0, stderr: '' });
  await becomes('it is swapped', ({ state }) => state === 'in_sync');
  expect(await storyOf(socket)).toEqual(
    expect.arrayContaining([
      ['approved', 'operator'],
      ['swapped', 'us'],
    ]),
  );
});

it('a freeze holds a renewal back, and gives way to an urgent one, which is said', async () => {
  const { certs, gateway, becomes, lines } = await withFirst({ freeze: FROZEN });
  const ending = issue({
    names: ['soon.example.test'],
    notBefore: new Date(Date.now() - 80 * DAY),
    notAfter: new Date(Date.now() + DAY),
  });
  gateway.seed([{ cert: ending.chain, key: ending.key, snis: ['soon.example.test'] }]);
  writePair(certs, 'www', renewed);
  writePair(certs, 'soon', issue({ names: ['soon.example.test'] }));
  await becomes('the one waits', ({ snis, hold }) => snis[0] === WWW && hold?.kind === 'frozen');
  await becomes(
    'the other is swapped',
    ({ snis, state }) => snis[0] === 'soon.example.test' && state === 'in_sync',
  );
  const swap = await eventually('it is said', () =>
    lines.find((line) => line.includes('certificate swapped')),
  );
  expect(swap).toContain('made in a freeze, since only ');
  const planned = await cli('plan', '-p', gateway.prefix);
  expect(planned.code).toBe(2);
  expect(planned.stdout).toMatch(/waits +www\.example\.test.*changes are frozen until/s);
});

it.each(['/pin', '/unpin', '/approve', '/reload'])('%s is taken on the unix socket alone', async (path) => {
  const { supervisor } = await supervised({ config: { status: { listen: '127.0.0.1:0' } } });
  const address = await eventually('it listens', () => supervisor.statusAddresses[0]);
  const { status } = await fetch(`http://${address}${path}?name=${WWW}`, { method: 'POST' });
  expect(status).toBe(403);
});
