import { expect, it, onTestFinished } from 'vitest';
import { admin, enablePlugin } from '../scenarios/kong';
import { issue, secretsIn } from '../support/bundles';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { startReceiver } from '../support/receiver';
import { leafOf, servedLeaf } from '../support/tls';
import { standIn } from './stand-in';

it('a broken renewal is told to a webhook once, and once that it is mended; no key and no address leaves', async () => {
  const certs = testFolder();
  const receiver = await startReceiver();
  const kong = await standIn({ mode: 'database' });
  onTestFinished(() => kong.stop());
  const [good, other] = [issue(), issue()];
  writePair(certs, 'www', good);
  const alerts = { webhook: `${receiver.url}/s3cr3t-path`, grace: 0 };
  await enablePlugin(kong, { sources: [{ type: 'directory', path: certs }], alerts });
  const serves = (leaf: string) =>
    eventually('it is served', async () => (await servedLeaf(kong.tlsPort, 'www.example.test')) === leaf);
  await serves(leafOf(good.cert));

  writePair(certs, 'www', { chain: good.chain, key: other.key });
  const bodies = () => receiver.received.map(({ body }) => body as { alerts: object[] });
  await eventually('it is told', () => bodies().length > 0);
  expect(bodies()[0]).toMatchObject({
    sender: 'ssl-cert-reloader',
    alerts: [
      {
        name: 'KongCertificateRefused',
        status: 'firing',
        reason: 'key_mismatch',
        snis: ['www.example.test'],
      },
    ],
  });

  const renewed = issue();
  writePair(certs, 'www', renewed);
  await serves(leafOf(renewed.cert));
  await eventually('it is told that it is over', () => bodies().length > 1);
  expect(bodies()[1]).toMatchObject({ alerts: [{ name: 'KongCertificateRefused', status: 'resolved' }] });
  expect(bodies()).toHaveLength(2);
  const everything = JSON.stringify(bodies()) + kong.output();
  for (const { key } of [good, other, renewed]) {
    for (const secret of secretsIn(key)) expect(everything).not.toContain(secret);
  }
  expect(everything).not.toContain('s3cr3t-path');
});

it.each([
  ['hangs', () => undefined],
  [
    'answers 500',
    (response: { writeHead: (status: number) => { end: () => unknown } }) => response.writeHead(500).end(),
  ],
])('a webhook that %s holds up no renewal', async (_, answer) => {
  const certs = testFolder();
  const receiver = await startReceiver(answer);
  const kong = await standIn({ mode: 'database' });
  onTestFinished(() => kong.stop());
  writePair(certs, 'www', issue());
  writePair(certs, 'broken', { chain: issue({ names: ['broken.test'] }).chain, key: issue().key });
  const sources = [{ type: 'directory', path: certs }];
  const id = await enablePlugin(kong, { sources, alerts: { webhook: receiver.url, grace: 0 } });
  await eventually('it was asked', () => receiver.received.length > 0);
  const renewed = issue();
  writePair(certs, 'www', renewed);
  await eventually(
    'the renewal is served',
    async () => (await servedLeaf(kong.tlsPort, 'www.example.test')) === leafOf(renewed.cert),
  );
  const { status } = await admin(kong, 'DELETE', `/plugins/${id}`);
  expect(status).toBe(204);
  await eventually('it ends', () => kong.log().some(({ message }) => message === 'reloader stopped'));
});
