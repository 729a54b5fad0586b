import type { SourceConfig } from '../../sources';
import { clientOf, clusterName, isInCluster, type KubernetesClient } from '../../kubernetes';
import { examine, type Check } from './check';
import type { DoctorContext } from './context';

interface Review {
  status?: { allowed?: boolean };
}

interface Workloads {
  items: {
    metadata: { name: string; namespace: string };
    spec?: PodSpec & { template?: { spec?: PodSpec } };
  }[];
}

interface PodSpec {
  containers?: { name: string; image: string }[];
}

/** Checks the plugin's rights in the clusters that sources read, and who else renews certificates there. */
export async function checkCluster({ configs }: DoctorContext, check: Check): Promise<void> {
  const clusters = clustersOf(configs);
  if (clusters.size === 0) check.skip('no cluster: not in a pod, and no source of type kubernetes');
  for (const [name, cluster] of clusters) {
    const label = clusters.size === 1 ? '' : `${name ?? "the pod's own cluster"}: `;
    // An unreachable cluster says nothing about the others.
    check.take(await examine('', (one) => checkOne(cluster, one)), label);
  }
}

async function checkOne(cluster: Cluster, check: Check): Promise<void> {
  try {
    const { gitVersion } = await cluster.client.get<{ gitVersion: string }>('/version');
    check.ok(`the API server answers (Kubernetes ${gitVersion})`);
    await checkRights(cluster, check);
    await checkCertManager(cluster.client, check);
    await checkControllersVersion(cluster.client, check);
  } finally {
    cluster.client.close();
  }
}

interface Cluster {
  client: KubernetesClient;
  looks: readonly Look[];
}

/** A read of Secrets that a source makes. */
interface Look {
  resource: 'secrets' | 'configmaps';
  /** Null: every namespace. */
  namespace: string | null;
  /** Null: all of them. */
  name: string | null;
}

/** Every cluster that a source names, with the reads that its sources make there. */
function clustersOf(configs: DoctorContext['configs']): Map<string | undefined, Cluster> {
  const all = configs.flatMap(({ config }) => config.sources);
  const clusters = new Map<string | undefined, Cluster>();
  if (all.length === 0 && isInCluster()) {
    clusters.set(undefined, {
      client: clientOf({}),
      looks: [{ resource: 'secrets', namespace: null, name: null }],
    });
  }
  for (const source of all) {
    if (source.type !== 'kubernetes') continue;
    const name = clusterName(source);
    const looks = [...(clusters.get(name)?.looks ?? []), ...looksOf(source)];
    clusters.set(name, { client: clusters.get(name)?.client ?? clientOf(source), looks });
  }
  return clusters;
}

function looksOf({ resource, namespaces, names }: SourceConfig): Look[] {
  const each = (list: readonly string[]) => (list.length === 0 ? [null] : list);
  return each(namespaces).flatMap((namespace) => each(names).map((name) => ({ resource, namespace, name })));
}

const NEEDED = ['get', 'list', 'watch'];

async function checkRights({ client, looks }: Cluster, check: Check): Promise<void> {
  const done = new Set<string>();
  for (const look of looks) {
    const { namespace } = look;
    const what = sentenceOf(look);
    if (done.has(what)) continue;
    done.add(what);
    const missing = await missingVerbs(client, look);
    if (missing.length === 0) check.ok(`${what} may be read and watched`);
    else if (look.name !== null && namespace !== null && !missing.includes('get'))
      check.ok(`${what} may be read; without list and watch, only a poll finds a change`);
    else if (
      missing.includes('list') &&
      namespace === null &&
      (await missingVerbs(client, { ...look, namespace: client.namespace })).length === 0
    )
      check.warn(
        `only ${sentenceOf(look, `the own namespace ${client.namespace}`)} may be read`,
        'name the namespaces in the source, or apply deploy/kubernetes/rbac-cluster.yaml',
      );
    else if (missing.length === 1 && missing[0] === 'watch')
      check.warn(`${what} may not be watched: every poll lists them`, 'add the verb watch');
    else
      check.fail(
        `${what}: ${missing.join(', ')} not allowed`,
        namespace === null
          ? 'apply deploy/kubernetes/rbac-cluster.yaml for its service account'
          : `deploy/kubernetes/rbac-namespaced.yaml has a Role and a RoleBinding for namespace shop: apply both with namespace ${namespace}, for its service account`,
      );
  }
}

function sentenceOf({ resource, namespace, name }: Look, place = 'every namespace'): string {
  const word = resource === 'secrets' ? 'Secret' : 'ConfigMap';
  const where = namespace === null ? place : `namespace ${namespace}`;
  return name === null ? `${word}s of ${where}` : `${word}s named ${name} of ${where}`;
}

async function missingVerbs(
  client: KubernetesClient,
  { resource, namespace, name }: Look,
): Promise<string[]> {
  const missing: string[] = [];
  const where = { ...(namespace === null ? {} : { namespace }), ...(name === null ? {} : { name }) };
  for (const verb of NEEDED) {
    const review = (await client.send('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { resource, verb, ...where } },
    })) as Review;
    if (review.status?.allowed !== true) missing.push(verb);
  }
  return missing;
}

async function checkCertManager(client: KubernetesClient, check: Check): Promise<void> {
  const group = await client.get<object>('/apis/cert-manager.io').catch(() => null);
  if (group === null) {
    check.skip('cert-manager is not installed');
    return;
  }
  const images = await imagesOf(client, '/apis/apps/v1/deployments', 'cert-manager-controller');
  check.ok(`cert-manager is installed${versionsOf(images)}`);
}

async function checkControllersVersion(client: KubernetesClient, check: Check): Promise<void> {
  const namespace = encodeURIComponent(client.namespace);
  const images = [
    ...(await imagesOf(client, '/apis/apps/v1/deployments', 'kubernetes-ingress-controller')),
    ...(await imagesOf(client, `/api/v1/namespaces/${namespace}/pods`, 'kubernetes-ingress-controller')),
  ];
  if (images.length === 0)
    check.skip(
      'no workload of the Kong Ingress Controller is visible here; the check `controller` says what Kong knows',
    );
  else check.ok(`the Kong Ingress Controller runs here${versionsOf(images)}; takeover decides who swaps`);
}

/** Images with this name; empty where listing is not allowed. */
async function imagesOf(client: KubernetesClient, path: string, name: string): Promise<string[]> {
  const found = await client.get<Workloads>(`${path}?limit=500`).catch(() => ({ items: [] }));
  return found.items
    .flatMap(({ spec }) => [...(spec?.containers ?? []), ...(spec?.template?.spec?.containers ?? [])])
    .map(({ image }) => image)
    .filter((image) => image.includes(name));
}

function versionsOf(images: readonly string[]): string {
  const versions = new Set(images.map((image) => /:([^:@/]+)(@|$)/.exec(image)?.[1] ?? '').filter(Boolean));
  return versions.size === 0 ? '' : ` (${[...versions].join(', ')})`;
}
