export { Election, type ElectionOptions } from './election';
export { KubernetesLeases } from './leases';
