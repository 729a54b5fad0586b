import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { connect } from '../../src/app/connection';
import { createReloader } from '../../src/app/reloader';
import { completeConfig } from '../../src/app/config';
import { startGateway } from '../gateway';
import { issue } from '../support/bundles';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { silentLog } from '../support/silent-log';
import { supervised } from '../support/supervised';
import { leafOf, servedLeaf } from '../support/tls';

const HOST = 'www.example.test';
/** Changes that are written to a database at once. */
const BATCH = 1000;
const aged = (minutes: number) =>
  issue({ names: [HOST], notBefore: new Date(Date.now() - minutes * 60_000) });

/** Fields that do not go together: a configuration that says nothing clear. */
const IMPOSSIBLE = { type: 'http', url: 'https://certs.example.test/www.pem', username: 'kong' };
const PROBLEM = 'sources[0].token_file: required with username';

const patch = async (adminUrl: string, config: object) => {
  const { data } = (await (await fetch(`${adminUrl}/plugins`)).json()) as { data: { id: string }[] };
  const answer = await fetch(`${adminUrl}/plugins/${data[0]?.id ?? ''}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ config }),
  });
  expect(answer.status).toBe(200);
};

it('a configuration that cannot be run leaves the former one running, and says so', async () => {
  const { gateway, certs, lines, becomes, poll, report } = await supervised();
  writePair(certs, 'www', aged(60));
  await poll();
  await becomes('it is in sync', ({ state }) => state === 'in_sync');
  await patch(gateway.adminUrl, { sources: [IMPOSSIBLE] });
  const line = await eventually('it is said', () =>
    lines.find((text) => text.includes('a plugin entry cannot be run')),
  );
  expect(line).toContain(PROBLEM);
  expect(line).toContain('; it keeps its previous configuration');
  const renewed = aged(10);
  writePair(certs, 'www', renewed);
  await poll();
  expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(renewed.cert));

  const other = testFolder();
  const newest = aged(5);
  writePair(other, 'www', newest);
  await patch(gateway.adminUrl, { sources: [{ type: 'directory', path: other }] });
  const isServed = async () => (await servedLeaf(gateway.tlsPort, HOST)) === leafOf(newest.cert);
  await eventually('the new configuration runs', isServed);
  expect((await report()).reloaders).toHaveLength(1);
  expect(lines.filter((text) => text.includes('a plugin entry cannot be run'))).toHaveLength(1);
});

it.for(['database', 'dbless'] as const)(
  'the status says what keeps the only entry from running (%s)',
  async (mode) => {
    const { report } = await supervised({ mode, config: { sources: [IMPOSSIBLE] } });
    const waiting = await eventually('the status says why', async () => {
      const { waiting: why } = await report();
      return why?.includes(PROBLEM) === true && why;
    });
    expect(waiting).toMatch(/^entry [0-9a-f-]+: /);
  },
);

it('a cluster that cannot be asked does not keep the other sources from going on', async () => {
  const { report, certs, gateway, poll, lines } = await supervised({ mode: 'dbless' });
  const kubeconfig = join(testFolder(), 'kubeconfig');
  const sources = [
    { type: 'kubernetes', namespaces: ['web'], kubeconfig },
    { type: 'directory', path: certs },
  ];
  const entry = { name: 'ssl-cert-reloader', config: { sources } };
  const config = JSON.stringify({ _format_version: '3.0', plugins: [entry] });
  const headers = { 'content-type': 'application/json' };
  await fetch(`${gateway.adminUrl}/config`, { method: 'POST', headers, body: JSON.stringify({ config }) });
  await eventually('it is said', () =>
    lines.some((line) => line.includes(`kubeconfig ${kubeconfig} cannot be read: it does not exist`)),
  );
  const pair = aged(60);
  writePair(certs, 'www', pair);
  await poll();
  await eventually('the other source is followed', async () => {
    return (await servedLeaf(gateway.tlsPort, HOST)) === leafOf(pair.cert);
  });
  expect(JSON.stringify((await report()).reloaders[0]?.sources)).toContain(kubeconfig);
});

it('a reloader that is stopped finishes the batch that it is writing, and begins no other', async () => {
  const gateway = await startGateway({ mode: 'database' });
  onTestFinished(() => gateway.stop());
  const certs = testFolder();
  for (let index = 0; index <= BATCH; index++) {
    const name = `site-${index}.example.test`;
    writePair(certs, name, issue({ names: [name] }));
  }
  const kong = await connect({ prefix: gateway.prefix }, {});
  onTestFinished(() => kong.client.close());
  const config = completeConfig({
    sources: [{ type: 'directory', path: certs }],
    verify: { enabled: false },
    watch: false,
  });
  const reloader = createReloader(config, kong, silentLog, 'entry');
  reloader.start();
  await eventually('it writes', () => gateway.requests.some(({ method }) => method === 'POST'));
  await reloader.stop();
  expect(gateway.entities('certificates')).toHaveLength(BATCH);
});
