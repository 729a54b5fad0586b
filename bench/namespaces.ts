import { join } from 'node:path';
import { createPass } from '../src/app/pass';
import { AdminClient, DatabaseGateway } from '../src/gateway';
import { KubernetesClient, readKubeconfig } from '../src/kubernetes';
import { Schedule } from '../src/pass';
import { KubernetesSource } from '../src/sources/kubernetes';
import { startCluster, type Cluster } from '../test/kubernetes/apiserver';
import { startKong } from './kong';
import { findTools } from './kubernetes';
import { elsewhere, sideBySide, time, type Result } from './measure';
import { makePairs, newPair, siteName, type Pair } from './pairs';

const NAMESPACES = Array.from({ length: 101 }, (_, index) => `tenant-${index}`);
const [ONE, ...HUNDRED] = NAMESPACES as [string, ...string[]];

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
    return [await firstPass(kubeconfig, kong.adminUrl), await renewal(cluster, kubeconfig, kong.adminUrl)];
  } finally {
    await kong.stop();
    await cluster.stop();
  }
}

const put = (cluster: Cluster, index: number, { cert, key }: Pair) =>
  cluster.applySecret(NAMESPACES[index] ?? '', 'www', { cert, key });

/** A source of namespaces and passes over it. */
function open(kubeconfig: string, adminUrl: string, namespaces: readonly string[]) {
  const client = new KubernetesClient(() => readKubeconfig(kubeconfig));
  const gateway = new DatabaseGateway(new AdminClient({ url: adminUrl }));
  const source = new KubernetesSource({
    ...{ client, create: false, namespaces, names: [], labelSelector: null, onlyMarked: false },
  });
  const runner = createPass({
    ...{ sources: [source], gateway, verifier: null, allowDowngrade: false, rollback: false },
    takeover: { mode: 'force', graceMs: 0, nudger: null },
  });
  const close = () => {
    client.close();
    gateway.close();
  };
  return { runner, source, close };
}

async function firstPass(kubeconfig: string, adminUrl: string): Promise<Result> {
  const ours = () => {
    const { runner, close } = open(kubeconfig, adminUrl, HUNDRED);
    return time(async () => {
      const { inSync } = await runner.pass('start');
      if (inSync !== HUNDRED.length) throw new Error(`only ${inSync} are in step`);
    }).finally(close);
  };
  const floor = () => {
    const client = new KubernetesClient(() => readKubeconfig(kubeconfig));
    const kong = new AdminClient({ url: adminUrl });
    const lists = HUNDRED.map((namespace) => `/api/v1/namespaces/${namespace}/secrets?limit=500`);
    return time(() =>
      Promise.all([
        ...lists.map((path) => client.get(path)),
        ...['/services', '/upstreams', '/certificates?size=500'].map(
          async (path) => (await kong.get(path)).body,
        ),
      ]),
    ).finally(() => {
      client.close();
      kong.close();
    });
  };
  return {
    ...{ name: 'k8s-100-namespaces', ...(await sideBySide(7, ours, floor)), unit: 'ms', limit: 1.3 },
    against: "a bare list of each namespace, and Kong's lists",
  };
}

/** From a Secret's change until Kong has it, with a hundred namespaces that are watched, against one. */
async function renewal(cluster: Cluster, kubeconfig: string, adminUrl: string): Promise<Result> {
  const sides = {
    hundred: await follow(kubeconfig, adminUrl, HUNDRED),
    one: await follow(kubeconfig, adminUrl, [ONE]),
  };
  const renew = (side: keyof typeof sides, index: number) => async () => {
    const pair = newPair(siteName(index));
    return time(async () => {
      const swapped = sides[side].swapped();
      await put(cluster, index, pair);
      await swapped;
    });
  };
  try {
    return {
      name: 'k8s-100-renewal',
      ...elsewhere(await sideBySide(9, renew('hundred', 50), renew('one', 0))),
      ...{ unit: 'ms', limit: 1.3, against: 'the same with one namespace' },
    };
  } finally {
    sides.hundred.close();
    sides.one.close();
  }
}

/** Passes whenever the watch reports something. */
async function follow(kubeconfig: string, adminUrl: string, namespaces: readonly string[]) {
  const { runner, source, close } = open(kubeconfig, adminUrl, namespaces);
  let told: () => void = () => undefined;
  const schedule = new Schedule({
    intervalMs: 300_000,
    pass: async (cause, touched, touches) => {
      const report = await runner.pass(cause, touched, touches);
      if (report.events.length > 0) told();
      return report;
    },
    failed: (_, error) => {
      throw error;
    },
  });
  const unwatch = source.watch((what) => schedule.touch(what));
  await schedule.demand('start');
  return {
    swapped: () => new Promise<void>((resolve) => (told = resolve)),
    close: () => {
      unwatch();
      void schedule.stop();
      close();
    },
  };
}
