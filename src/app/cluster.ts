import type { SourceConfig } from '../config';
import { inCluster, KubernetesClient, readKubeconfig } from '../sources/kubernetes';

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
