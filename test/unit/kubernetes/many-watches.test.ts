import { expect, it, onTestFinished } from 'vitest';
import { KubernetesClient } from '../../../src/kubernetes';
import { KubernetesSource } from '../../../src/sources/kubernetes';
import { issue } from '../../support/bundles';
import { eventually } from '../../support/eventually';
import { StandInCluster } from '../../support/stand-in-cluster';

const NAMESPACES = Array.from({ length: 120 }, (_, index) => `team-${index}`);

it('a request is answered while each of 120 namespaces has a watch that is open', async () => {
  const cluster = await StandInCluster.start();
  const pair = issue();
  for (const namespace of NAMESPACES) cluster.putSecret(namespace, 'www', pair);
  const client = new KubernetesClient(() => ({
    server: cluster.url,
    ca: undefined,
    token: () => undefined,
    namespace: 'default',
  }));
  const source = new KubernetesSource({
    ...{ client, create: true, namespaces: NAMESPACES, names: [], labelSelector: null, onlyMarked: false },
  });
  const stop = source.watch(() => undefined);
  onTestFinished(() => {
    stop();
    client.close();
  });
  const { changed } = await source.scan();
  expect(changed).toHaveLength(NAMESPACES.length);
  await eventually('every namespace is watched', () => cluster.watches === NAMESPACES.length);
  for (const name of changed) await source.read(name);
  expect(await source.read('team-0/www')).toMatchObject({ cert: pair.chain });
  expect(cluster.watches).toBe(NAMESPACES.length);
});
