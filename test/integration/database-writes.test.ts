import { expect, it, onTestFinished, vi } from 'vitest';
import { DatabaseGateway } from '../../src/gateway';
import { deterministicId, type Change, type StoredCertificate } from '../../src/model';
import type { Issued } from '../../src/authority/authority';
import { startGateway } from '../gateway';
import { answering, clientOf, reset } from '../support/admin';
import { issue, opened, rawOf } from '../support/bundles';

const issued = issue();
const creating = (name: string): Change => {
  const bundle = { ...opened(rawOf(issued)).bundle, id: name, create: true };
  return { kind: 'create', bundle, id: deterministicId('certificate', name), snis: [name] };
};
const prepare = () => Promise.resolve({ cert: issued.chain, key: issued.key });

it('a certificate that another gateway has created meanwhile is left as it is', async () => {
  const gateway = await startGateway({ mode: 'database' });
  onTestFinished(() => gateway.stop());
  const one = new DatabaseGateway(clientOf(gateway.adminUrl));
  const other = new DatabaseGateway(clientOf(gateway.adminUrl));
  await Promise.all([one.certificates.refresh(), other.certificates.refresh()]);
  const change = creating('www.example.test');
  const kinds = async (kong: DatabaseGateway) =>
    (await kong.write({ certificates: [change], caCertificates: [] }, prepare)).certificates.map(
      ({ kind }) => kind,
    );
  expect(await kinds(one)).toEqual(['written']);
  const before = gateway.entities('certificates');
  expect(await kinds(other)).toEqual(['already']);
  expect(gateway.entities('certificates')).toEqual(before);
  expect(gateway.requests.filter(({ method }) => method !== 'GET')).toHaveLength(1);
  expect([...other.certificates.stored.keys()]).toEqual([...one.certificates.stored.keys()]);
});

it('a Kong that answers nobody is not asked for each of many certificates', async () => {
  const { url, received } = await answering([reset]);
  const kong = new DatabaseGateway(clientOf(url, { attempts: 1 }));
  const changes = Array.from({ length: 300 }, (_, index) => creating(`${index}.example.test`));
  const { certificates: results } = await kong.write({ certificates: changes, caCertificates: [] }, prepare);
  expect(results).toHaveLength(300);
  expect(new Set(results.map(({ kind }) => kind))).toEqual(new Set(['failed']));
  expect(received.length).toBeLessThan(40);
});

/** A certificate in Kong, and a renewal of it. */
async function renewing() {
  const gateway = await startGateway({ mode: 'database' });
  onTestFinished(() => gateway.stop());
  const id = deterministicId('certificate', 'www');
  const old = issue();
  gateway.seed([{ id, cert: old.chain, key: old.key, snis: ['www.example.test'] }]);
  const kong = new DatabaseGateway(clientOf(gateway.adminUrl));
  await kong.certificates.refresh();
  const certificate = kong.certificates.stored.get(id) as StoredCertificate;
  const bundle = { ...opened(rawOf(issued)).bundle, id: 'www', create: false };
  const change = { kind: 'update', half: 'main', bundle, certificate, addSnis: [] } as unknown as Change;
  const seen = gateway.requests.length;
  return {
    gateway,
    kong,
    ahead: (of = id) => kong.certificates.readAhead(of),
    write: async (checked: typeof prepare = prepare) => {
      const { certificates } = await kong.write({ certificates: [change], caCertificates: [] }, checked);
      return certificates[0];
    },
    writeAsOther: async ({ chain: cert, key }: Issued) => {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ cert, key });
      await fetch(`${gateway.adminUrl}/certificates/${id}`, { method: 'PATCH', headers, body });
    },
    methods: () => gateway.requests.slice(seen).map(({ method }) => method),
  };
}

it('what was read ahead of a write is not read once more', async () => {
  const { ahead, write, methods } = await renewing();
  ahead();
  expect(await write()).toMatchObject({ kind: 'written', before: { snis: ['www.example.test'] } });
  expect(methods()).toEqual(['GET', 'PATCH']);
});

it('each of many certificates is read ahead by one request, with its names', async () => {
  const { gateway, kong } = await renewing();
  const { chain: cert, key } = issue();
  gateway.seed(Array.from({ length: 5 }, (_, index) => ({ cert, key, snis: [`${index}.example.test`] })));
  const { readsAhead } = kong.certificates;
  for (const { id } of gateway.entities('certificates')) {
    const before = gateway.requests.length;
    readsAhead.begin(id);
    const read = await readsAhead.take(id)?.entity;
    expect(gateway.requests).toHaveLength(before + 1);
    expect(read).toEqual(await (await fetch(`${gateway.adminUrl}/certificates/${id}`)).json());
  }
});

it('a read for the first file of a renewal is replaced when the last one comes too late for it', async () => {
  const { ahead, write, writeAsOther, methods, gateway } = await renewing();
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  ahead();
  vi.advanceTimersByTime(20);
  ahead();
  const other = issue();
  await writeAsOther(other);
  vi.advanceTimersByTime(10);
  ahead();
  expect(await write()).toMatchObject({ kind: 'conflict' });
  expect(methods()).toEqual(['GET', 'PATCH', 'GET']);
  expect(gateway.entities('certificates')).toMatchObject([{ cert: other.chain }]);
});

it('what was read ahead while a write was under way is read again for the next one', async () => {
  const { ahead, write, methods } = await renewing();
  const result = await write(() => {
    ahead();
    return prepare();
  });
  expect(result).toMatchObject({ kind: 'written' });
  expect(await write()).toMatchObject({ kind: 'already' });
  expect(methods()).toEqual(['GET', 'GET', 'PATCH', 'GET']);
});

it('what was read ahead too long ago is read again, so that another writer is not overwritten', async () => {
  const { ahead, write, writeAsOther, gateway } = await renewing();
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  ahead();
  vi.advanceTimersByTime(40);
  // A younger one keeps the others from being dropped.
  ahead(deterministicId('certificate', 'another'));
  vi.advanceTimersByTime(20);
  const other = issue();
  await writeAsOther(other);
  expect(await write()).toMatchObject({ kind: 'conflict' });
  expect(gateway.entities('certificates')).toMatchObject([{ cert: other.chain }]);
});
