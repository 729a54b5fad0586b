import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { connect } from '../../src/app/connection';
import { compose } from '../../src/app/compose';
import { completeConfig } from '../../src/app/config';
import { startGateway, type Fault, type Mode } from '../gateway';
import { issue } from '../support/bundles';
import { testFolder, writePair } from '../support/folders';
import { leafOf, servedLeaf } from '../support/tls';

const HOST = 'www.example.test';
const renewed = (age: number) => issue({ names: [HOST], notBefore: new Date(Date.now() - age * 60_000) });

/** @param timeout seconds after which a certificate that is not proven within it is rolled back */
async function following(mode: Mode, timeout = 10) {
  const gateway = await startGateway({ mode });
  onTestFinished(() => gateway.stop());
  const certs = testFolder();
  const config = completeConfig({
    sources: [{ type: 'directory', path: certs }],
    verify: { timeout },
  });
  const kong = await connect({ prefix: gateway.prefix }, {});
  onTestFinished(() => kong.client.close());
  const runner = compose(config, kong);
  const put = (pair: ReturnType<typeof renewed>) => writePair(certs, 'www', pair);
  const stored = () => leafOf(gateway.certificates()[0]?.cert ?? '');
  const writes = () => gateway.requests.filter(({ method }) => method !== 'GET').length;
  return { gateway, runner, put, stored, writes, certs: join(certs, 'www.crt') };
}

it.for(['dbless', 'database'] as const)(
  'a certificate that Kong does not serve is rolled back, and tried again only when it changes or somebody asks (%s)',
  async (mode) => {
    const { gateway, runner, put, stored, writes } = await following(mode, 3);
    const good = renewed(60);
    put(good);
    await runner.pass('start');
    gateway.freezeServing();
    const next = renewed(30);
    put(next);
    const { events } = await runner.pass('poll');
    expect(events[0]?.outcome).toMatchObject({
      kind: 'rolled_back',
      restored: true,
      proof: { verdict: 'wrong' },
    });
    expect(stored()).toBe(leafOf(good.cert));

    gateway.unfreeze();
    gateway.clearRequests();
    await runner.pass('poll');
    expect(writes()).toBe(0);
    expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(good.cert));

    await runner.pass('trigger');
    expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(next.cert));
  },
);

it('the names of an expired certificate of another writer do not go back to it', async () => {
  const { gateway, runner, put } = await following('database', 3);
  const notAfter = new Date(Date.now() - 60_000);
  const names = [HOST, 'api.example.test'];
  const ended = issue({ names, notBefore: new Date(Date.now() - 600_000), notAfter });
  const id = '11111111-1111-4111-8111-111111111111';
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ cert: ended.chain, key: ended.key, snis: names });
  await fetch(`${gateway.adminUrl}/certificates/${id}`, { method: 'PUT', headers, body });
  gateway.freezeServing();
  put(renewed(30));
  const { events } = await runner.pass('start');
  const detail = expect.stringContaining('the previous one has expired, so this one stays') as string;
  expect(events[0]?.outcome).toMatchObject({ kind: 'swapped', proof: { verdict: 'wrong', detail } });
  expect(gateway.certificates().map((one) => one.names)).toContainEqual([HOST]);
});

it('a certificate that only one of the workers serves is rolled back', async () => {
  const { gateway, runner, put, stored } = await following('database', 3);
  const good = renewed(60);
  put(good);
  await runner.pass('start');
  gateway.setWorkerLag(1, 60_000);
  put(renewed(30));
  const { events } = await runner.pass('poll');
  expect(events[0]?.outcome).toMatchObject({ kind: 'rolled_back', proof: { verdict: 'wrong' } });
  expect(stored()).toBe(leafOf(good.cert));
});

it('a worker that is a little late is waited for', async () => {
  const { gateway, runner, put } = await following('database');
  put(renewed(60));
  await runner.pass('start');
  gateway.setWorkerLag(1, 200);
  const next = renewed(30);
  put(next);
  const { events } = await runner.pass('poll');
  expect(events[0]?.outcome).toMatchObject({ kind: 'swapped', proof: { verdict: 'served' } });
  expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(next.cert));
});

const FAULTS: [string, Fault][] = [
  ['an answer that gets lost', { method: 'PATCH', afterExecute: true, reset: true }],
  ['a Kong that is busy for a moment', { method: 'PATCH', status: 503, headers: { 'retry-after': '0' } }],
  ['a connection that breaks', { method: 'PATCH', reset: true }],
];

it.for(FAULTS)('%s costs nothing', async ([, fault]) => {
  const { gateway, runner, put } = await following('database');
  put(renewed(60));
  await runner.pass('start');
  gateway.inject(fault);
  const next = renewed(30);
  put(next);
  const { events } = await runner.pass('poll');
  expect(events.map(({ outcome }) => outcome.kind)).toEqual(['swapped']);
  expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(next.cert));
});

it('several gateways with one database make one effective write of a renewal', async () => {
  const { gateway, runner, put, certs } = await following('database');
  put(renewed(60));
  await runner.pass('start');
  const config = completeConfig({
    sources: [{ type: 'file', cert: certs, key: certs.replace('.crt', '.key') }],
  });
  const others = await Promise.all(
    [1, 2, 3].map(async () => {
      const kong = await connect({ prefix: gateway.prefix }, {});
      onTestFinished(() => kong.client.close());
      return compose(config, kong);
    }),
  );
  for (const other of others) await other.pass('start');
  const next = renewed(30);
  put(next);
  gateway.clearRequests();
  for (const one of [runner, ...others]) await one.pass('poll');
  expect(gateway.requests.filter(({ method }) => method === 'PATCH')).toHaveLength(1);
  expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(next.cert));
});
