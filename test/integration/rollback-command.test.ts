import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { HistoryReport } from '../../src/public';
import type { Mode } from '../gateway';
import { issue } from '../support/bundles';
import { cli } from '../support/cli';
import { writePair } from '../support/folders';
import { ask } from '../support/http';
import { supervised } from '../support/supervised';
import { leafOf, servedLeaf } from '../support/tls';

const WWW = 'www.example.test';
const DAY = 86_400_000;
const former = issue({ notAfter: new Date(Date.now() + 60 * DAY) });
const renewed = issue({ notAfter: new Date(Date.now() + 90 * DAY) });

/** A name that was swapped for its renewal just now. */
async function swapped(mode: Mode = 'database', before = former, config: object = {}) {
  const all = await supervised({ mode, config: { interval: 3_600, ...config } });
  const { certs, gateway, becomes } = all;
  writePair(certs, 'www', before);
  await becomes('the first is there', ({ state }) => state === 'in_sync');
  writePair(certs, 'www', renewed);
  await becomes(
    'it is swapped',
    ({ state, stored }) => state === 'in_sync' && stored?.fingerprint_sha256 === leafOf(renewed.cert),
  );
  const rollback = (...args: string[]) => cli('rollback', WWW, '-p', gateway.prefix, ...args);
  const served = () => servedLeaf(gateway.tlsPort, WWW);
  return { ...all, rollback, served };
}

it.for(['database', 'dbless'] as const)(
  'rollback has the former certificate served again, proves it, and it stays so until it is unpinned (%s)',
  async (mode) => {
    const { gateway, socket, becomes, poll, report, rollback, served } = await swapped(mode);
    const { code, stdout, stderr } = await rollback();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/www\.example\.test has its former certificate again.*proven by \d+ handshakes/);
    expect(stdout).toContain(`ssl-cert-reloader unpin www.example.test -p ${gateway.prefix}`);
    expect(await served()).toBe(leafOf(former.cert));

    // The source has the newer one all the while.
    await poll();
    expect(await served()).toBe(leafOf(former.cert));
    const held = await becomes('it waits', ({ hold }) => hold !== undefined);
    expect(held).toMatchObject({ state: 'pending', hold: { kind: 'pinned' } });
    expect(held.note).toContain('was rolled back by an operator');
    const [reloader] = (await report()).reloaders;
    expect(reloader?.pins).toMatchObject([{ name: WWW, is_rollback: true }]);
    expect(reloader?.events[0]).toMatchObject({ kind: 'reverted', snis: [WWW] });
    const status = await cli('status', '-p', gateway.prefix);
    expect(status.stdout).toMatch(/rolled back by an operator, pinned +www\.example\.test/);
    const { entries } = JSON.parse((await ask(socket, '/history')).text) as HistoryReport;
    expect(entries.find(({ kind }) => kind === 'reverted')).toMatchObject({
      by: 'operator',
      fingerprint_sha256: leafOf(former.cert),
      previous_fingerprint_sha256: leafOf(renewed.cert),
      proof: { verdict: 'served' },
    });

    // Twice leads nowhere: what was just taken away does not come back by it.
    const again = await rollback();
    expect(again.code).toBe(1);
    expect(await served()).toBe(leafOf(former.cert));
    await cli('unpin', WWW, '-p', gateway.prefix);
    await becomes('it is renewed', ({ state }) => state === 'in_sync');
    expect(await served()).toBe(leafOf(renewed.cert));
  },
);

it('a name that Kong has in capitals is rolled back, too', async () => {
  const { certs, gateway, becomes } = await supervised({ config: { interval: 3_600 } });
  gateway.seed([{ cert: former.chain, key: former.key, snis: ['WWW.example.test'] }]);
  writePair(certs, 'www', renewed);
  const prefix = ['-p', gateway.prefix];
  await cli('status', '--poll', ...prefix);
  await becomes(
    'it is swapped',
    ({ state, stored }) => state === 'in_sync' && stored?.fingerprint_sha256 === leafOf(renewed.cert),
  );
  expect(await cli('rollback', WWW, ...prefix)).toMatchObject({ code: 0, stderr: '' });
});

it('an expired certificate is not restored, and nothing is pinned', async () => {
  const { certs, gateway, becomes, report } = await supervised();
  const expired = issue({ notAfter: new Date(Date.now() - DAY) });
  gateway.seed([{ cert: expired.chain, key: expired.key, snis: [WWW] }]);
  writePair(certs, 'www', renewed);
  await becomes('it is swapped', ({ state }) => state === 'in_sync');
  const { code, stderr } = await cli('rollback', WWW, '-p', gateway.prefix);
  expect([code, stderr]).toEqual([1, expect.stringContaining('; it is not restored')]);
  expect(await servedLeaf(gateway.tlsPort, WWW)).toBe(leafOf(renewed.cert));
  expect((await report()).reloaders[0]?.pins).toBeUndefined();
});

it('a former certificate that lacks a name of today is not restored', async () => {
  const { certs, becomes, rollback, served } = await swapped();
  const wider = issue({ names: [WWW, 'new.example.test'], notAfter: new Date(Date.now() + 91 * DAY) });
  writePair(certs, 'www', wider);
  await becomes('it has both names', ({ snis, state }) => state === 'in_sync' && snis.length === 2);
  const { code, stderr } = await rollback();
  expect([code, stderr]).toEqual([1, expect.stringContaining('does not cover new.example.test')]);
  expect(await served()).toBe(leafOf(wider.cert));
});

it('one that Kong then does not serve is taken away again, and nothing stays pinned', async () => {
  const { gateway, report, rollback, served } = await swapped('database', former, {
    verify: { timeout: 2 },
  });
  gateway.freezeServing();
  const { code, stderr } = await rollback();
  expect([code, stderr]).toEqual([1, expect.stringMatching(/is not served.*the newer one is back/)]);
  gateway.unfreeze();
  expect(await served()).toBe(leafOf(renewed.cert));
  expect((await report()).reloaders[0]?.pins).toBeUndefined();
});

it('a certificate that this process never swapped cannot be rolled back, and the error says what to do', async () => {
  const { certs, gateway, becomes, report } = await supervised();
  writePair(certs, 'www', former);
  await becomes('it is there', ({ state }) => state === 'in_sync');
  const { code, stderr } = await cli('rollback', WWW, '-p', gateway.prefix);
  expect([code, stderr]).toEqual([1, expect.stringContaining('allow_downgrade')]);
  expect((await report()).reloaders[0]?.pins).toBeUndefined();
  // A pin of before stays as it was.
  await cli('pin', WWW, '-p', gateway.prefix);
  await cli('rollback', WWW, '-p', gateway.prefix);
  const [pin] = (await report()).reloaders[0]?.pins ?? [];
  expect([pin?.name, pin?.is_rollback]).toEqual([WWW, undefined]);
});

it('a certificate is rolled back even if the pins cannot be kept, and that is reported', async () => {
  const { gateway, rollback, served } = await swapped();
  const path = join(gateway.prefix, 'ssl-cert-reloader.holds');
  rmSync(path, { force: true });
  mkdirSync(join(path, 'in the way'), { recursive: true });
  const { code, stdout } = await rollback();
  expect([code, stdout]).toEqual([0, expect.stringContaining('it lasts only until this process ends')]);
  expect(await served()).toBe(leafOf(former.cert));
});

it('rollback is taken on the unix socket alone', async () => {
  const { supervisor } = await supervised({ config: { status: { listen: '127.0.0.1:0' } } });
  await expect.poll(() => supervisor.statusAddresses[0]).toBeDefined();
  const { status } = await fetch(`http://${supervisor.statusAddresses[0]}/rollback?name=${WWW}`, {
    method: 'POST',
  });
  expect(status).toBe(403);
});
