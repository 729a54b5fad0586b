import { statSync } from 'node:fs';
import { join } from 'node:path';
import { ConfiguredFile, readConfiguredFile } from '../common/configured-file';
import type { Address } from '../http';

/** How to reach an API server and who one is there. */
export interface ClusterAccess {
  /** `https://host:port`; plain http only on this machine. */
  server: string;
  /** The operator's word that plain http to another host is meant. */
  isHttpAllowed?: boolean;
  proxy?: Address;
  /** The name that the server's certificate has to have; default: the host. */
  serverName?: string;
  ca: string | Buffer | undefined;
  /** Client certificate, where there is no token. */
  cert?: string | Buffer;
  key?: string | Buffer;
  /** The bearer token as it is now; undefined where a client certificate is used. */
  token: () => string | undefined | Promise<string | undefined>;
  /** The token was not accepted: the next one comes from where it is renewed. */
  forget?: () => void;
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
  const advised = <T>(read: () => T): T => {
    try {
      return read();
    } catch (error) {
      const advice = 'the pod needs automountServiceAccountToken, or the source a kubeconfig';
      throw new Error(`${(error as Error).message}: ${advice}`, { cause: error });
    }
  };
  const token = new ConfiguredFile(join(folder, 'token'));
  const read = (name: string) => advised(() => readConfiguredFile(join(folder, name)).trim());
  return {
    server,
    ca: read('ca.crt'),
    namespace: read('namespace'),
    token: () => advised(() => token.read().trim()),
    forget: () => token.forget(),
  };
}
