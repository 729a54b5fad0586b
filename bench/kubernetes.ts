import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCluster, type Cluster } from '../test/kubernetes/apiserver';
import { eventually } from '../test/support/eventually';
import { readPem } from '../src/certificates';
import { createPass } from '../src/app/pass';
import { AdminClient, DatabaseGateway } from '../src/gateway';
import { KubernetesClient, readKubeconfig } from '../src/kubernetes';
import { KubernetesSource } from '../src/sources/kubernetes';
import { certificateId, send, startKong, untilServed, type BenchKong } from './kong';
import { elsewhere, sideBySide, time, type Result } from './measure';
import { asStored, makePairs, newPair, siteName, type Pair } from './pairs';
import { idleCpu, memory } from './process';

const NAMESPACE = 'bench';
const COUNT = 5_000;

/** The etcd and kube-apiserver that `test/kubernetes/prepare` has got, or why there are none. */
export function findTools(): { etcd: string; apiserver: string } | { missing: string } {
  const output = execFileSync('bash', ['test/kubernetes/prepare', '--find'], { encoding: 'utf8' });
  const [etcd, apiserver] = ['etcd', 'apiserver'].map(
    (name) => new RegExp(`^${name} (.*)$`, 'm').exec(output)?.[1],
  );
  return etcd === undefined || apiserver === undefined ? { missing: output.trim() } : { etcd, apiserver };
}

/** Secrets of a real API server. Without one they are skipped by name. */
export async function kubernetes(folder: (name: string) => string): Promise<Result[]> {
  const tools = findTools();
  if ('missing' in tools) {
    process.stdout.write(`secret-to-served, k8s-…: skipped (${tools.missing})\n`);
    return [];
  }
  const cluster = await startCluster({ tools });
  try {
    await cluster.createNamespace(NAMESPACE);
    const kubeconfig = cluster.kubeconfig(join(folder('kubernetes'), 'kubeconfig'));
    const pairs = makePairs(COUNT);
    await putAll(cluster, pairs.slice(0, 500));
    const results = [
      await served(cluster, folder('secret-to-served'), kubeconfig, pairs.slice(0, 500)),
      await rss(folder, kubeconfig, pairs.slice(0, 500)),
    ];
    await putAll(cluster, pairs.slice(500));
    results.push(await cold(folder('k8s-cold'), kubeconfig, pairs));
    results.push(await idleCpu('k8s-idle-cpu-5k', folder('k8s-idle'), pairs, pluginFor(kubeconfig)));
    return results;
  } finally {
    await cluster.stop();
  }
}

async function putAll(cluster: Cluster, pairs: readonly Pair[]): Promise<void> {
  const queue = pairs.values();
  const worker = async () => {
    for (const pair of queue) await put(cluster, pair);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

const put = (cluster: Cluster, { name, cert, key }: Pair) =>
  cluster.applySecret(NAMESPACE, name, { cert, key });

const pluginFor = (kubeconfig: string) => ({
  interval: 300,
  sources: [{ type: 'kubernetes', namespaces: [NAMESPACE], kubeconfig, create: false }],
});

/** From the Secret being stored until it is served, against a bare PATCH of another certificate. */
async function served(
  cluster: Cluster,
  folder: string,
  kubeconfig: string,
  pairs: readonly Pair[],
): Promise<Result> {
  // The last one is not in the cluster: it is what the bare write changes.
  const bare = newPair('bare.example.test');
  const kong = await startKong({
    mode: 'database',
    folder,
    pairs: [...pairs, bare],
    plugin: pluginFor(kubeconfig),
  });
  let turn = 0;
  const ours = async () => {
    turn += 7;
    const pair = newPair(siteName(turn % pairs.length));
    await put(cluster, pair);
    return time(() => untilServed(kong.tlsPort, pair));
  };
  try {
    await eventually('the plugin swaps', async () => Promise.race([ours(), sleep(3_000, null)]), 60_000);
    const measured = await sideBySide(15, ours, () => barePatch(kong, pairs.length));
    const above = measured.ours - measured.floor;
    return {
      name: 'secret-to-served',
      ...elsewhere(measured),
      unit: 'ms',
      limit: Number(((measured.floor + 150) / measured.floor).toFixed(1)),
      against: `a bare PATCH until served (${above.toFixed(0)} ms above; wanted: 150)`,
    };
  } finally {
    await kong.stop();
  }
}

async function barePatch(kong: BenchKong, index: number): Promise<number> {
  const pair = newPair('bare.example.test');
  const body = asStored(pair);
  return time(async () => {
    await send(kong.adminUrl, 'PATCH', `/certificates/${certificateId(index)}`, body);
    await untilServed(kong.tlsPort, pair);
  });
}

async function rss(
  folder: (name: string) => string,
  kubeconfig: string,
  pairs: readonly Pair[],
): Promise<Result> {
  // The same Kong with the same certificates; the source looks into an empty folder.
  const empty = folder('k8s-empty');
  mkdirSync(empty, { recursive: true });
  const floor = await memory(folder('k8s-rss-0'), pairs, {
    interval: 300,
    sources: [{ type: 'directory', path: empty }],
  });
  const ours = await memory(folder('k8s-rss'), pairs, pluginFor(kubeconfig));
  const ratio = ours / floor;
  return {
    name: 'k8s-rss-500',
    ours,
    floor,
    ratio,
    unit: 'MB',
    limit: Math.round(1.35 * floor),
    against: 'the same server with an empty folder (wanted: 1.35)',
  };
}

/** The first list, gate and comparison, against a bare list in pages plus taking the PEM apart. */
async function cold(folder: string, kubeconfig: string, pairs: readonly Pair[]): Promise<Result> {
  const kong = await startKong({ mode: 'database', folder, pairs });
  const ours = () =>
    time(async () => {
      const client = new KubernetesClient(() => readKubeconfig(kubeconfig));
      const source = new KubernetesSource({
        ...{
          client,
          create: false,
          namespaces: [NAMESPACE],
          names: [],
          labelSelector: null,
          onlyMarked: false,
        },
      });
      const gateway = new DatabaseGateway(new AdminClient({ url: kong.adminUrl }));
      const report = await createPass({
        ...{
          sources: [source],
          gateway,
          verifier: null,
          allowDowngrade: false,
          rollback: false,
        },
        takeover: { mode: 'force', graceMs: 0, nudger: null },
      }).pass('start');
      if (report.inSync !== COUNT) throw new Error(`only ${report.inSync} of ${COUNT} are in step`);
      client.close();
      gateway.close();
    });
  try {
    const measured = await sideBySide(3, ours, () => time(() => bareList(kubeconfig, kong.adminUrl)));
    return {
      name: 'k8s-cold-5k',
      ...measured,
      unit: 'ms',
      limit: 1.5,
      against: 'both lists in pages, and their PEM taken apart',
    };
  } finally {
    await kong.stop();
  }
}

async function bareList(kubeconfig: string, adminUrl: string): Promise<void> {
  const client = new KubernetesClient(() => readKubeconfig(kubeconfig));
  let token = '';
  do {
    const path = `/api/v1/namespaces/${NAMESPACE}/secrets?limit=500&continue=${encodeURIComponent(token)}`;
    const page = await client.get<{
      metadata: { continue?: string };
      items: { data: Record<string, string> }[];
    }>(path);
    for (const { data } of page.items) {
      const [cert = '', key = ''] = ['tls.crt', 'tls.key'].map((name) =>
        Buffer.from(data[name] ?? '', 'base64').toString(),
      );
      readPem(cert, key);
    }
    token = page.metadata.continue ?? '';
  } while (token !== '');
  client.close();
  for (let next: string | null = '/certificates?size=500'; next !== null;) {
    const page = (await send(adminUrl, 'GET', next)) as { data: Pair[]; next: string | null };
    for (const { cert, key } of page.data) readPem(cert, key);
    next = page.next;
  }
}
