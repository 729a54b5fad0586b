export { KubernetesClient, KubernetesError } from './client';
export { inCluster, isInCluster, SERVICE_ACCOUNT, type ClusterAccess } from './credentials';
export { readKubeconfig } from './kubeconfig';
export { KubernetesSource, type KubernetesSourceOptions } from './source';
