import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Issued } from '../../../src/authority/authority';
import type { Change } from '../../../src/model';
import { aged, kongWith, pairOf, send, updating, write, writtenOf, type Kong } from './harness';

const COUNT = 250;
const old = aged(30, 'a.test');
const renewed = aged(1, 'a.test');
const theirs = aged(2, 'a.test');
const idOf = (index: number) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;

// However slow this machine is, a page is as fresh as it would be on one at rest.
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** A Kong with a database and many certificates, in an order of its own. */
async function kongWithMany(): Promise<Kong> {
  const kong = await kongWith('database');
  const { chain: cert, key } = old;
  kong.stand.seed(
    Array.from({ length: COUNT }, (_, index) => ({ id: idOf(index), cert, key, snis: [`${index}.test`] })),
  );
  await kong.gateway.certificates.refresh();
  while (kong.gateway.certificates.stored.size < COUNT) await kong.gateway.certificates.refresh();
  kong.stand.clearRequests();
  return kong;
}

const reads = (kong: Kong) => kong.stand.requests.filter(({ method }) => method === 'GET').length;

const updates = (kong: Kong, indices: readonly number[]): (readonly [Change, Issued])[] =>
  indices.map((index) => [updating(kong.stored(idOf(index)), renewed), renewed]);

const ALL = Array.from({ length: COUNT }, (_, index) => index).reverse();

it('many certificates are read fifty at a time before they are written, and before they are restored', async () => {
  const kong = await kongWithMany();
  const before = kong.state();
  const written = writtenOf(await write(kong.gateway, updates(kong, ALL)));
  expect(written).toHaveLength(COUNT);
  expect(kong.writes()).toBe(COUNT);
  expect(reads(kong)).toBeLessThan(10);
  kong.stand.clearRequests();
  const restored = await kong.gateway.restore(written);
  expect(restored.map(({ kind }) => kind)).toEqual(written.map(() => 'restored'));
  expect(reads(kong)).toBeLessThan(10);
  expect(kong.state()).toEqual(before);
});

it('what somebody else has written to one of many stays', async () => {
  const kong = await kongWithMany();
  const changes = updates(kong, ALL);
  const [first, second] = [idOf(120), idOf(121)];
  await send(kong.stand.adminUrl, 'PATCH', `/certificates/${first}`, pairOf(theirs));
  const results = await write(kong.gateway, changes);
  const overtaken = results.filter(({ kind }) => kind !== 'written');
  expect(overtaken).toMatchObject([{ kind: 'conflict', change: { certificate: { id: first } } }]);
  await send(kong.stand.adminUrl, 'PATCH', `/certificates/${second}`, pairOf(theirs));
  await kong.gateway.restore(results.filter((result) => result.kind === 'written'));
  const certOf = (id: string) => kong.state().find((row) => row.id === id)?.cert;
  expect([first, second].map(certOf)).toEqual([theirs.chain.trim(), theirs.chain.trim()]);
  expect(certOf(idOf(122))).toBe(old.chain.trim());
});

it('a name that moves between two of many is in one of them in the end', async () => {
  const kong = await kongWithMany();
  const [from, to] = [idOf(7), idOf(200)];
  const changes = updates(
    kong,
    ALL.filter((index) => ![7, 200].includes(index)),
  );
  changes.push(
    [updating(kong.stored(to), renewed, { moveSnis: [{ name: '7.test', from }] }), renewed],
    [updating(kong.stored(from), renewed), renewed],
  );
  const written = writtenOf(await write(kong.gateway, changes));
  const snisOf = (id: string) =>
    written.find(({ change }) => change.kind === 'update' && change.certificate.id === id)?.snis;
  expect(snisOf(from)).toEqual([]);
  expect(snisOf(to)).toEqual(['200.test', '7.test']);
});

it('a certificate that was split off from one of many is gone once all are restored', async () => {
  const kong = await kongWithMany();
  const before = kong.state();
  const split = { id: '00000000-0000-4000-8000-00000000005a', snis: ['0.test'] };
  const changes = updates(kong, ALL.slice(0, -1));
  changes.push([updating(kong.stored(idOf(0)), renewed, { split }), renewed]);
  const written = writtenOf(await write(kong.gateway, changes));
  expect(kong.state()).toHaveLength(COUNT + 1);
  await kong.gateway.restore(written);
  expect(kong.state()).toEqual(before);
});

it('what somebody else writes while the gate waits stays', async () => {
  const kong = await kongWith('database', [{ id: idOf(1), issued: old, snis: ['a.test'] }]);
  const change = updating(kong.stored(idOf(1)), renewed);
  const prepare = async () => {
    while (reads(kong) === 0) await new Promise(setImmediate);
    // By then the first answer has arrived as well.
    for (let time = 0; time < 5; time++) await kong.gateway.certificates.readOne(idOf(1));
    vi.advanceTimersByTime(5_000);
    await send(kong.stand.adminUrl, 'PATCH', `/certificates/${idOf(1)}`, pairOf(theirs));
    return pairOf(renewed);
  };
  const { certificates } = await kong.gateway.write({ certificates: [change], caCertificates: [] }, prepare);
  expect(certificates).toMatchObject([{ kind: 'conflict' }]);
  expect(kong.state()[0]?.cert).toBe(theirs.chain.trim());
});
