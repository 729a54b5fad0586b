import { expect, it, onTestFinished } from 'vitest';
import { Authority } from '../../src/authority/authority';
import { startGateway, type Gateway } from '.';

const send = async (gateway: Gateway, method: string, path: string, body?: object) => {
  const response = await fetch(gateway.adminUrl + path, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> };
};

async function running(): Promise<Gateway> {
  const gateway = await startGateway({ mode: 'database' });
  onTestFinished(() => gateway.stop());
  return gateway;
}

const root = Authority.root();
const day = 86_400_000;

it.for([
  ['two certificates', root.cert + root.cert, 'please submit only one certificate at a time'],
  [
    'an expired CA',
    Authority.root('Old', { notBefore: new Date(Date.now() - 9 * day), notAfter: new Date(Date.now() - day) })
      .cert,
    'certificate expired, "Not After" time is in the past',
  ],
  [
    'a leaf',
    root.issue({ names: ['www.example.test'] }).cert,
    'certificate does not appear to be a CA because it is missing the "CA" basic constraint',
  ],
] as const)('a CA certificate that is %s is refused', async ([, cert, problem]) => {
  const { status, body } = await send(await running(), 'POST', '/ca_certificates', { cert });
  expect(status).toBe(400);
  expect(body['message']).toBe(`schema violation (${problem})`);
});

it('a CA certificate gets its digest, once in all, and again when it is changed', async () => {
  const gateway = await running();
  const { body } = await send(gateway, 'POST', '/ca_certificates', { cert: root.cert });
  expect(body['cert_digest']).toMatch(/^[0-9a-f]{64}$/);
  expect((await send(gateway, 'POST', '/ca_certificates', { cert: root.cert })).status).toBe(409);
  const other = Authority.root('Other').cert;
  const path = `/ca_certificates/${String(body['id'])}`;
  const changed = await send(gateway, 'PATCH', path, { cert: other });
  expect(changed.body['cert_digest']).not.toBe(body['cert_digest']);
});

it('a CA certificate that a service names cannot be removed', async () => {
  const gateway = await running();
  const { body } = await send(gateway, 'POST', '/ca_certificates', { cert: root.cert });
  const id = String(body['id']);
  await send(gateway, 'POST', '/services', { name: 's', host: 'h', ca_certificates: [id] });
  const refused = await send(gateway, 'DELETE', `/ca_certificates/${id}`);
  expect(refused.status).toBe(400);
  expect(refused.body['message']).toContain('still referenced by services');
  await send(gateway, 'DELETE', '/services/s');
  expect((await send(gateway, 'DELETE', `/ca_certificates/${id}`)).status).toBe(204);
});
