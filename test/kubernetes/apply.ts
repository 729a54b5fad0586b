import type { ApiClient, KubernetesObject } from './client';

/** Paths of collections do not change while a server lives, so each is asked for once. */
const known = new WeakMap<ApiClient, Map<string, ApiResource>>();

interface ApiResource {
  name: string;
  kind: string;
  namespaced: boolean;
}

export interface ApplyOptions {
  /** Works like `kubectl apply --dry-run=server`: the whole of admission and validation, and nothing is stored. */
  dryRun?: boolean;
  /** Default: the administrator's. */
  token?: string;
}

/**
 * Creates an object or makes it what is given, as `kubectl apply --server-side` does it: what an earlier call had
 * set and this one does not name is removed. Fields that the schema does not know are refused.
 * @throws ApiError
 */
export async function apply(
  client: ApiClient,
  object: KubernetesObject,
  { dryRun = false, token }: ApplyOptions = {},
): Promise<KubernetesObject> {
  const query = new URLSearchParams({ fieldManager: 'tests', force: 'true', fieldValidation: 'Strict' });
  if (dryRun) query.set('dryRun', 'All');
  return client.must('PATCH', `${await pathOf(client, object)}?${query.toString()}`, object, {
    contentType: 'application/apply-patch+yaml',
    ...(token === undefined ? {} : { token }),
  });
}

/** The path of an object that may not exist yet; its kind has to. */
export async function pathOf(client: ApiClient, object: KubernetesObject): Promise<string> {
  const { apiVersion, kind, metadata } = object;
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const resource = await resourceOf(client, root, kind);
  const namespace = resource.namespaced ? `/namespaces/${metadata.namespace ?? 'default'}` : '';
  return `${root}${namespace}/${resource.name}/${metadata.name}`;
}

async function resourceOf(client: ApiClient, root: string, kind: string): Promise<ApiResource> {
  const resources = known.get(client) ?? new Map<string, ApiResource>();
  known.set(client, resources);
  const key = `${root} ${kind}`;
  const answer =
    resources.get(key) ??
    (await client.must<{ resources: ApiResource[] }>('GET', root)).resources.find(
      (each) => each.kind === kind && !each.name.includes('/'),
    );
  if (answer === undefined) throw new Error(`the API server knows no ${kind} at ${root}`);
  resources.set(key, answer);
  return answer;
}
