import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** How to reach an API server and who one is there. */
export interface ClusterAccess {
  /** `https://host:port` */
  server: string;
  ca: string | Buffer | undefined;
  /** Client certificate, where there is no token. */
  cert?: string | Buffer;
  key?: string | Buffer;
  /** The bearer token as it is now; undefined where a client certificate is used. */
  token: () => string | undefined | Promise<string | undefined>;
  /** The namespace that is meant when none is named. */
  namespace: string;
}

/** Where Kubernetes mounts a pod's service account. */
export const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * The name that the API server has in every cluster. The usual variables (`KUBERNETES_SERVICE_HOST`) are not there:
 * Kong starts its plugin servers with an empty environment.
 */
const IN_CLUSTER_SERVER = 'https://kubernetes.default.svc';

export function isInCluster(folder = SERVICE_ACCOUNT): boolean {
  return statSync(join(folder, 'token'), { throwIfNoEntry: false }) !== undefined;
}

/**
 * A pod's own access. The kubelet renews the token in place long before it expires, so it is read again whenever
 * the file changed.
 * @throws Error saying what is missing
 */
export function inCluster(folder = SERVICE_ACCOUNT, server = IN_CLUSTER_SERVER): ClusterAccess {
  const read = (name: string) => {
    try {
      return readFileSync(join(folder, name), 'utf8').trim();
    } catch (error) {
      throw new Error(
        `${join(folder, name)} cannot be read: the pod needs automountServiceAccountToken, or the source a kubeconfig`,
        { cause: error },
      );
    }
  };
  let known = { mtimeMs: -1, token: '' };
  return {
    server,
    ca: read('ca.crt'),
    namespace: read('namespace'),
    token: () => {
      const mtimeMs = statSync(join(folder, 'token'), { throwIfNoEntry: false })?.mtimeMs ?? -2;
      if (mtimeMs !== known.mtimeMs) known = { mtimeMs, token: read('token') };
      return known.token;
    },
  };
}
