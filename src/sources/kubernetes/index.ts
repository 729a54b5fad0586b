export { SecretPasswords } from './password-secret';
export { CA_CONFIG_MAPS, CA_SECRETS } from './object-kind';
export { KubernetesSource, type KubernetesSourceOptions } from './source';
