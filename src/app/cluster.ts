import type { SourceConfig } from '../config';
import { inCluster, KubernetesClient, readKubeconfig } from '../sources/kubernetes';

/** Clients by the name of their cluster; without a name: the cluster that this pod is in. */
export type Clusters = ReadonlyMap<string | undefined, KubernetesClient>;

/** The same after a restart: where a kubeconfig says which cluster is meant; undefined: the one that this pod is in. */
export function clusterName({
  kubeconfig,
  context,
}: Pick<Partial<SourceConfig>, 'kubeconfig' | 'context'>): string | undefined {
  if (kubeconfig == null) return undefined;
  return context == null ? kubeconfig : `${context}@${kubeconfig}`;
}

/** The cluster of a kubeconfig, else the one that this pod is in. @param timeoutMs default: the client's own */
export function clientOf(
  { kubeconfig, context }: Pick<Partial<SourceConfig>, 'kubeconfig' | 'context'>,
  timeoutMs?: number,
): KubernetesClient {
  return new KubernetesClient(
    () => (kubeconfig == null ? inCluster() : readKubeconfig(kubeconfig, context ?? undefined)),
    timeoutMs,
  );
}
