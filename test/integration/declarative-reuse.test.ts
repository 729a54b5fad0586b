import { expect, it, onTestFinished } from 'vitest';
import { AdminClient, DeclarativeGateway } from '../../src/gateway';
import { createPass } from '../../src/app/pass';
import { DirectorySource } from '../../src/sources';
import { startGateway } from '../gateway';
import { issue } from '../support/bundles';
import { testFolder, writePair } from '../support/folders';
import { leafOf, servedLeaf } from '../support/tls';

const HOST = 'www.example.test';
const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);

/** A reloader between a folder and a gateway without a database. */
async function following() {
  const gateway = await startGateway({ mode: 'dbless' });
  onTestFinished(() => gateway.stop());
  const certs = testFolder();
  const runner = createPass({
    sources: [new DirectorySource(certs, true)],
    gateway: new DeclarativeGateway(new AdminClient({ url: gateway.adminUrl })),
    verifier: null,
    allowDowngrade: false,
    rollback: false,
    takeover: { mode: 'force', graceMs: 0, nudger: null },
  });
  return { gateway, certs, runner };
}

/** Enough certificates that their export is not asked for without need. */
const MANY = 300;

it('without a database a swap after a swap posts once and exports nothing, unless somebody else posted', async () => {
  const { gateway, certs, runner } = await following();
  for (let index = 0; index < MANY; index++) {
    const name = `site-${index}.example.test`;
    writePair(certs, name, issue({ names: [name] }));
  }
  await runner.pass('poll');
  /** @returns the requests for the configuration that one renewal took */
  const renew = async (age: number) => {
    const pair = issue({ names: [HOST], notBefore: minutesAgo(age) });
    writePair(certs, HOST, pair);
    gateway.clearRequests();
    await runner.pass('poll');
    expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(pair.cert));
    return gateway.requests.filter(({ path }) => path.startsWith('/config')).map(({ method }) => method);
  };
  expect(await renew(60)).toEqual(['POST']);
  expect(await renew(50)).toEqual(['POST']);
  const { config } = (await (await fetch(`${gateway.adminUrl}/config`)).json()) as { config: string };
  const body = JSON.stringify({
    config: `${config.replace(/^ {2}snis:.*\n(?: {2}- .*\n(?: {4}.*\n)*)*/gm, '')}# changed\n`,
  });
  const headers = { 'content-type': 'application/json' };
  expect((await fetch(`${gateway.adminUrl}/config`, { method: 'POST', body, headers })).status).toBe(201);
  expect(await renew(40)).toEqual(['GET', 'POST']);
});

it('without a database any number of changed certificates takes exactly one post', async () => {
  const { gateway, certs, runner } = await following();
  const names = Array.from({ length: MANY }, (_, index) => `site-${index}.example.test`);
  for (const age of [60, 10]) {
    for (const name of names) writePair(certs, name, issue({ names: [name], notBefore: minutesAgo(age) }));
    gateway.clearRequests();
    const { events } = await runner.pass('poll');
    expect(events).toHaveLength(names.length);
    expect(gateway.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
  }
});
