export { SecretPasswords } from './password-secret';
export { KubernetesClient, KubernetesError } from './client';
export { inCluster, isInCluster, SERVICE_ACCOUNT, type ClusterAccess } from './credentials';
export { readKubeconfig } from './kubeconfig';
export { NUDGE_ANNOTATION, ReferrerNudger } from './nudge';
export { CA_CONFIG_MAPS, CA_SECRETS } from './object-kind';
export { RenewalTimes } from './renewal-times';
export { KubernetesSource, type KubernetesSourceOptions } from './source';
