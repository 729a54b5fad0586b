import { KubernetesClient } from './client';
import { readKubeconfig } from './kubeconfig';
import { inCluster } from './service-account';

/** Selects a cluster; without a kubeconfig the one that this pod is in. */
export interface ClusterConfig {
  kubeconfig?: string | null;
  context?: string | null;
  /** The operator allows plain http to another host. */
  allow_http?: boolean | null;
}

/** Clients by cluster name; undefined: the cluster that this pod is in. */
export type Clusters = ReadonlyMap<string | undefined, KubernetesClient>;

/** Stable across restarts. */
export function clusterName({ kubeconfig, context }: ClusterConfig): string | undefined {
  if (kubeconfig == null) return undefined;
  return context == null ? kubeconfig : `${context}@${kubeconfig}`;
}

/** @param timeoutMs default: the client's own */
export function clientOf(
  { kubeconfig, context, allow_http: allowHttp }: ClusterConfig,
  timeoutMs?: number,
): KubernetesClient {
  return new KubernetesClient(
    () =>
      kubeconfig == null ? inCluster() : readKubeconfig(kubeconfig, context ?? undefined, allowHttp === true),
    timeoutMs,
  );
}

/** Posts Events (core/v1) in a cluster. @throws KubernetesError */
export const eventPoster =
  (cluster: KubernetesClient) =>
  (namespace: string, event: object): Promise<unknown> =>
    cluster.send('POST', `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`, event);
