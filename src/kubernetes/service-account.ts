import { statSync } from 'node:fs';
import { join } from 'node:path';
import { ConfiguredFile, readConfiguredFile } from '../common/configured-file';
import type { Address } from '../http';

/** How to reach an API server, and with which identity. */
export interface ClusterAccess {
  /** `https://host:port`; plain http only on this machine. */
  server: string;
  /** The operator allows plain http to another host. */
  isHttpAllowed?: boolean;
  proxy?: Address;
  /** Name that the server's certificate must have; default: the host. */
  serverName?: string;
  ca: string | Buffer | undefined;
  /** Client certificate, where there is no token. */
  cert?: string | Buffer;
  key?: string | Buffer;
  /** The current bearer token; undefined where a client certificate is used. */
  token: () => string | undefined | Promise<string | undefined>;
  /** To be called when the token was not accepted: the next one is read from its origin. */
  forget?: () => void;
  /** The default namespace. */
  namespace: string;
}

/** Path at which Kubernetes mounts a pod's service account. */
export const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Name of the API server in every cluster. The usual variables (`KUBERNETES_SERVICE_HOST`) are missing: Kong starts
 * its plugin servers with an empty environment.
 */
const IN_CLUSTER_SERVER = 'https://kubernetes.default.svc';

export function isInCluster(folder = SERVICE_ACCOUNT): boolean {
  return statSync(join(folder, 'token'), { throwIfNoEntry: false }) !== undefined;
}

/**
 * A pod's own access. The kubelet renews the token in place long before it expires, so it is read again whenever
 * the file has changed.
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
