import { randomUUID } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import { completeConfig } from '../../src/app/config';
import { startGateway } from '../gateway';
import { issue } from '../support/bundles';
import { eventually } from '../support/eventually';
import { sendStatus, StandInCluster } from '../support/stand-in-cluster';
import { leafOf, servedLeaf } from '../support/tls';
import { startReloader } from '../support/reloader';

const TEAMS = Array.from({ length: 120 }, (_, index) => `team-${index}`);
const hostOf = (team: string) => `${team}.example.test`;
const renewed = (team: string, minutes: number) =>
  issue({ names: [hostOf(team)], notBefore: new Date(Date.now() - minutes * 60_000) });
const LABELS = { serve: 'yes' };

/** A Secret for each team, among many objects that are nobody's certificate, and a reloader for a source. */
async function teams(source: object, { others = 0, rights = 'all' } = {}) {
  const warnings: string[] = [];
  const warn = ({ message }: Error) => warnings.push(message);
  process.on('warning', warn);
  onTestFinished(() => void process.off('warning', warn));
  const cluster = await StandInCluster.start();
  cluster.secondMs = 50;
  if (rights === 'get')
    cluster.intercept = ({ path }) =>
      /\/secrets\/www$/.test(path) ? null : (response) => sendStatus(response, 403, 'secrets is forbidden');
  for (let index = 0; index < others; index++) {
    const metadata = { name: `config-${index}`, namespace: TEAMS[index % TEAMS.length] as string };
    cluster.put('secrets', { metadata, type: 'Opaque', data: { password: 'aHVudGVyMg==' } });
  }
  const uids = new Map(TEAMS.map((team) => [team, randomUUID()]));
  const renew = (team: string, minutes: number) => {
    const pair = renewed(team, minutes);
    cluster.putSecret(team, 'www', pair, { uid: uids.get(team) ?? '', labels: LABELS });
    return pair;
  };
  for (const team of TEAMS) renew(team, 60);
  const gateway = await startGateway({ mode: 'database' });
  onTestFinished(() => gateway.stop());
  const kubeconfig = cluster.kubeconfig();
  const config = completeConfig({
    interval: 1,
    sources: [{ type: 'kubernetes', kubeconfig, create: true, ...source }],
  });
  await startReloader(gateway.prefix, config);
  await eventually('each team is served', () => gateway.certificates().length === TEAMS.length);
  /** Renews the certificate of one team. @returns what Kong was asked to write for that */
  const renewOne = async () => {
    gateway.clearRequests();
    const pair = renew('team-77', 1);
    const isServed = async () => (await servedLeaf(gateway.tlsPort, hostOf('team-77'))) === leafOf(pair.cert);
    await eventually('the renewal is served', isServed);
    return gateway.requests.filter(({ method }) => method !== 'GET').map(({ method }) => method);
  };
  /** Waits for so many polls. */
  const polls = async (count: number) => {
    gateway.clearRequests();
    const asked = () => gateway.requests.filter(({ path }) => path.startsWith('/certificates?')).length;
    await eventually('Kong is polled', () => asked() >= count);
  };
  return { cluster, renewOne, polls, warnings };
}

it.for([
  ['named one by one', { namespaces: TEAMS }, TEAMS.length],
  ['by a label', { label_selector: 'serve=yes' }, 1],
] as const)(
  '120 namespaces, %s, cost a quiet poll nothing and a renewal one write',
  async ([, source, watches]) => {
    const { cluster, renewOne, polls, warnings } = await teams(source);
    await eventually('everything is watched', () => cluster.watches === watches);
    const isList = (request: string) => request.startsWith('GET') && request.endsWith('/secrets');
    cluster.requests();
    await polls(3);
    expect(cluster.requests().filter(isList)).toEqual([]);
    expect(await renewOne()).toEqual(['PATCH']);
    expect(cluster.requests().filter(isList)).toEqual([]);
    expect(warnings).toEqual([]);
  },
);

it('of 20,000 Secrets the 120 of TLS are listed, and no others are sent', async () => {
  const { cluster, renewOne } = await teams({}, { others: 20_000 });
  expect(await renewOne()).toEqual(['PATCH']);
  const each = cluster.objects('secrets').filter(({ type }) => type === 'kubernetes.io/tls');
  const once = each.reduce((sum, secret) => sum + JSON.stringify(secret).length, 0);
  // The list, the renewal, and what is read again before it is written.
  expect(cluster.sentBytes).toBeLessThan(3 * once);
});

it('Secrets of 120 namespaces that may be read by their names alone are followed', async () => {
  const { renewOne, warnings } = await teams({ namespaces: TEAMS, names: ['www'] }, { rights: 'get' });
  expect(await renewOne()).toEqual(['PATCH']);
  expect(warnings).toEqual([]);
});
