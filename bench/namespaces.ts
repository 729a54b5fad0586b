import { join } from 'node:path';
import { createPass } from '../src/app/pass';
import { AdminClient, DatabaseGateway } from '../src/gateway';
import { KubernetesClient, readKubeconfig } from '../src/kubernetes';
import { KubernetesSource } from '../src/sources/kubernetes';
import { startCluster, type Cluster } from '../test/kubernetes/apiserver';
import { eventually } from '../test/support/eventually';
import { startKong } from './kong';
import { findTools } from './kubernetes';
import { sideBySide, time, type Result } from './measure';
import { makePairs, newPair, type Pair } from './pairs';

const NAMESPACES = Array.from({ length: 100 }, (_, index) => `tenant-${index}`);

/** A hundred namespaces with a Secret each, followed one by one. Without an API server it is skipped by name. */
export async function namespaces(folder: string): Promise<Result[]> {
  const tools = findTools();
  if ('missing' in tools) {
    process.stdout.write(`k8s-100-namespaces: skipped (${tools.missing})\n`);
    return [];
  }
  const cluster = await startCluster({ tools });
  const pairs = makePairs(NAMESPACES.length);
  const kong = await startKong({ mode: 'database', folder, pairs });
  try {
    for (const namespace of NAMESPACES) await cluster.createNamespace(namespace);
    await Promise.all(pairs.map((pair, index) => put(cluster, index, pair)));
    const kubeconfig = cluster.kubeconfig(join(folder, 'kubeconfig'));
    return [
      await firstPass(kubeconfig, kong.adminUrl),
      await renewal(cluster, kubeconfig, kong.adminUrl, pairs),
    ];
  } finally {
    await kong.stop();
    await cluster.stop();
  }
}

const put = (cluster: Cluster, index: number, { cert, key }: Pair) =>
  cluster.applySecret(NAMESPACES[index] ?? '', 'www', { cert, key });

/** A source of all namespaces and a pass over it. */
function open(kubeconfig: string, adminUrl: string) {
  const client = new KubernetesClient(() => readKubeconfig(kubeconfig));
  const gateway = new DatabaseGateway(new AdminClient({ url: adminUrl }));
  const source = new KubernetesSource({
    ...{ client, create: false, namespaces: NAMESPACES, names: [], labelSelector: null, onlyMarked: false },
  });
  const runner = createPass({
    ...{ sources: [source], gateway, verifier: null, allowDowngrade: false, rollback: false },
    takeover: { mode: 'force', graceMs: 0, nudger: null },
  });
  const close = () => {
    client.close();
    gateway.close();
  };
  return { source, runner, close };
}

async function firstPass(kubeconfig: string, adminUrl: string): Promise<Result> {
  const ours = () => {
    const { runner, close } = open(kubeconfig, adminUrl);
    return time(async () => {
      const { inSync } = await runner.pass('start');
      if (inSync !== NAMESPACES.length) throw new Error(`only ${inSync} are in step`);
    }).finally(close);
  };
  const floor = () => {
    const client = new KubernetesClient(() => readKubeconfig(kubeconfig));
    return time(() =>
      Promise.all(
        NAMESPACES.map((namespace) => client.get(`/api/v1/namespaces/${namespace}/secrets?limit=500`)),
      ),
    ).finally(() => client.close());
  };
  return {
    ...{ name: 'k8s-100-namespaces', ...(await sideBySide(5, ours, floor)), unit: 'ms', limit: 1.3 },
    against: 'a bare list of each namespace',
  };
}

/** From the write of a Secret until the pass that the watch asks for has written it to Kong. */
async function renewal(
  cluster: Cluster,
  kubeconfig: string,
  adminUrl: string,
  pairs: readonly Pair[],
): Promise<Result> {
  const { source, runner, close } = open(kubeconfig, adminUrl);
  await runner.pass('start');
  const touched = new Set<string>();
  const stop = source.watch((what) => touched.add(what));
  let turn = 0;
  const next = () => {
    turn = (turn + 7) % pairs.length;
    return newPair(pairs[turn]?.name ?? '');
  };
  const ours = async () => {
    const pair = next();
    touched.clear();
    return time(async () => {
      await put(cluster, turn, pair);
      await eventually('the watch reports it', () => touched.size > 0);
      const { events } = await runner.pass('watch', touched);
      if (events.length !== 1) throw new Error(`${events.length} events for one renewal`);
    });
  };
  const floor = async () => {
    const pair = next();
    return time(() => put(cluster, turn, pair));
  };
  try {
    const measured = await sideBySide(7, ours, floor);
    return {
      ...{
        name: 'k8s-100-namespaces-renewal',
        ...measured,
        unit: 'ms',
        limit: measured.floor + 150,
        limits: 'ours',
      },
      against: 'the bare write of the Secret',
    };
  } finally {
    stop();
    close();
  }
}
