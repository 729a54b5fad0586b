import { join } from 'node:path';
import { createPass } from '../src/app/pass';
import { AdminClient, DatabaseGateway } from '../src/gateway';
import { KubernetesClient, readKubeconfig } from '../src/kubernetes';
import { KubernetesSource } from '../src/sources/kubernetes';
import { startCluster, type Cluster } from '../test/kubernetes/apiserver';
import { startKong } from './kong';
import { findTools } from './kubernetes';
import { sideBySide, time, type Result } from './measure';
import { makePairs, type Pair } from './pairs';

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
    return [await firstPass(kubeconfig, kong.adminUrl)];
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
  return { runner, close };
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
