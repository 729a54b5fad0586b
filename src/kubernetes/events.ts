import type { KubernetesClient } from './client';

/** Posts Events (core/v1) in a cluster. @throws KubernetesError */
export const eventPoster =
  (cluster: KubernetesClient) =>
  (namespace: string, event: object): Promise<unknown> =>
    cluster.send('POST', `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`, event);
