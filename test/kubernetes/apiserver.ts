import { Cluster, type ClusterOptions } from './cluster';

export { ApiError } from './client';
export type { Answer, CallOptions, KubernetesObject, Watch, WatchEvent } from './client';
export type { ApplyOptions } from './apply';
export type { Cluster, ClusterOptions, SecretContent } from './cluster';
export type { MountedServiceAccount, MountOptions } from './mount';
export type { PolicyRule, ServiceAccountOptions } from './service-account';
export { findTools, type Tools } from './tools';

/** Starts an etcd and a kube-apiserver; whoever calls it stops them. */
export const startCluster = (options: ClusterOptions = {}): Promise<Cluster> => Cluster.start(options);
