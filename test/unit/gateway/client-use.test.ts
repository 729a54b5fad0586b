import { expect, it, onTestFinished } from 'vitest';
import { CertificatesOfDatabase } from '../../../src/gateway/database/certificate-list';
import { DeclarativeGateway } from '../../../src/gateway';
import { startGateway } from '../../gateway';
import { clientOf } from '../../support/admin';
import { issue } from '../../support/bundles';

const ID = '11111111-1111-4111-8111-111111111111';
const OTHER = '22222222-2222-4222-8222-222222222222';
const issued = issue();
const json = { 'content-type': 'application/json' };

async function send(url: string, method: string, path: string, body: object): Promise<void> {
  const answer = await fetch(url + path, { method, headers: json, body: JSON.stringify(body) });
  expect(answer.status).toBeLessThan(300);
}

async function withDatabase() {
  const gateway = await startGateway({ mode: 'database' });
  onTestFinished(() => gateway.stop());
  for (const id of [ID, OTHER]) {
    await send(gateway.adminUrl, 'PUT', `/certificates/${id}`, { cert: issued.chain, key: issued.key });
  }
  const list = new CertificatesOfDatabase(clientOf(gateway.adminUrl));
  const clientsOf = (id = ID) => list.stored.get(id)?.clients;
  const set = (path: string, certificate: string | null) =>
    send(gateway.adminUrl, 'PUT', path, {
      ...(path.startsWith('/services') ? { host: 'a.test' } : {}),
      client_certificate: certificate === null ? null : { id: certificate },
    });
  return { gateway, list, clientsOf, set };
}

it('services that show a certificate as a client are known from the first read on', async () => {
  const { list, clientsOf, set } = await withDatabase();
  await set('/services/billing', ID);
  await set('/services/archive', ID);
  await set('/services/open', null);
  await set('/upstreams/pool', ID);
  await list.refresh();
  expect(clientsOf()).toEqual(['service archive', 'service billing', 'upstream pool']);
  expect(clientsOf(OTHER)).toBeUndefined();
});

it('a service that begins or ceases to show a certificate is noticed by the polls, as a change', async () => {
  const { list, clientsOf, set } = await withDatabase();
  await list.refresh();
  const polls = async () => (await list.refresh()) || (await list.refresh());
  expect(await polls()).toBe(false);
  await set('/services/billing', ID);
  expect(await polls()).toBe(true);
  expect(clientsOf()).toEqual(['service billing']);
  await set('/services/billing', OTHER);
  expect(await polls()).toBe(true);
  expect([clientsOf(), clientsOf(OTHER)]).toEqual([undefined, ['service billing']]);
  expect(await polls()).toBe(false);
});

it('without the right to see services certificates are seen anyway', async () => {
  const { gateway, list, clientsOf } = await withDatabase();
  gateway.inject({
    method: 'GET',
    path: /^\/services/,
    status: 403,
    body: { message: 'no' },
    times: Infinity,
  });
  await list.refresh();
  await list.refresh();
  expect(clientsOf()).toBeUndefined();
  expect(list.stored.size).toBe(2);
});

it('without a database it is read when the configuration changes, and not at each poll', async () => {
  const gateway = await startGateway({ mode: 'dbless' });
  onTestFinished(() => gateway.stop());
  const post = (certificate: string | null) =>
    send(gateway.adminUrl, 'POST', '/config', {
      config: JSON.stringify({
        _format_version: '3.0',
        certificates: [{ id: ID, cert: issued.chain, key: issued.key }],
        services: [{ name: 'billing', host: 'a.test', client_certificate: certificate }],
      }),
    });
  await post(ID);
  const { certificates } = new DeclarativeGateway(clientOf(gateway.adminUrl));
  await certificates.refresh();
  expect(certificates.stored.get(ID)?.clients).toEqual(['service billing']);
  gateway.clearRequests();
  expect(await certificates.refresh()).toBe(false);
  expect(gateway.requests.map(({ path }) => path)).toEqual(['/status']);
  await post(null);
  expect(await certificates.refresh()).toBe(true);
  expect(certificates.stored.get(ID)?.clients).toBeUndefined();
});
