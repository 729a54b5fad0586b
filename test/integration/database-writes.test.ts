import { expect, it, onTestFinished } from 'vitest';
import { DatabaseGateway } from '../../src/gateway';
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
