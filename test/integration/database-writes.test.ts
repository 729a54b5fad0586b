import { expect, it, onTestFinished } from 'vitest';
import { DatabaseTarget } from '../../src/gateway';
import { deterministicId, type Change } from '../../src/model';
import { startGateway } from '../gateway';
import { answering, clientOf, reset } from '../support/admin';
import { issue, opened, rawOf } from '../support/bundles';

const issued = issue();
const creating = (name: string): Change => {
  const bundle = { ...opened(rawOf(issued)).bundle, id: name, create: true };
  return { kind: 'create', bundle, id: deterministicId('certificate', name), snis: [name] };
};
const prepare = () => Promise.resolve({ cert: issued.chain, key: issued.key });

it('what another gateway has created meanwhile is left as it is', async () => {
  const gateway = await startGateway({ mode: 'database' });
  onTestFinished(() => gateway.stop());
  const one = new DatabaseTarget(clientOf(gateway.adminUrl));
  const other = new DatabaseTarget(clientOf(gateway.adminUrl));
  await Promise.all([one.refresh(), other.refresh()]);
  const change = creating('www.example.test');
  const kinds = async (target: DatabaseTarget) =>
    (await target.write([change], prepare)).map(({ kind }) => kind);
  expect(await kinds(one)).toEqual(['written']);
  const before = gateway.entities('certificates');
  expect(await kinds(other)).toEqual(['already']);
  expect(gateway.entities('certificates')).toEqual(before);
  expect(gateway.requests.filter(({ method }) => method !== 'GET')).toHaveLength(1);
  expect([...other.certificates.keys()]).toEqual([...one.certificates.keys()]);
});

it('a Kong that answers nobody is not asked for each of many certificates', async () => {
  const { url, received } = await answering([reset]);
  const target = new DatabaseTarget(clientOf(url, { attempts: 1 }));
  const changes = Array.from({ length: 300 }, (_, index) => creating(`${index}.example.test`));
  const results = await target.write(changes, prepare);
  expect(results).toHaveLength(300);
  expect(new Set(results.map(({ kind }) => kind))).toEqual(new Set(['failed']));
  expect(received.length).toBeLessThan(40);
});
