import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { load } from 'js-yaml';
import type { ClusterAccess } from './credentials';

/** `clusters`, `users` and `contexts` are lists of `{name, cluster|user|context}`. */
type Named<Key extends string, Value> = { name?: string } & Partial<Record<Key, Value>>;

interface Exec {
  command?: string;
  args?: string[] | null;
  env?: { name: string; value: string }[] | null;
  apiVersion?: string;
}

interface User {
  token?: string;
  tokenFile?: string;
  'client-certificate'?: string;
  'client-certificate-data'?: string;
  'client-key'?: string;
  'client-key-data'?: string;
  exec?: Exec;
}

interface Cluster {
  server?: string;
  'certificate-authority'?: string;
  'certificate-authority-data'?: string;
}

interface KubeConfig {
  clusters?: Named<'cluster', Cluster>[];
  users?: Named<'user', User>[];
  contexts?: Named<'context', { cluster?: string; user?: string; namespace?: string }>[];
  'current-context'?: string;
}

const run = promisify(execFile);
/** Before a token's expiry it is asked for anew. */
const EARLY_MS = 60_000;

/**
 * Reads a kubeconfig: tokens, token files, client certificates and credential plugins (`exec`).
 * @throws Error naming the file and what is wrong in it
 */
export function readKubeconfig(path: string, context?: string): ClusterAccess {
  const fail = (problem: string): never => {
    throw new Error(`kubeconfig ${path}: ${problem}`);
  };
  let config: KubeConfig | null;
  try {
    config = load(readFileSync(path, 'utf8')) as KubeConfig | null;
  } catch (error) {
    return fail((error as Error).message.split('\n')[0] ?? 'it is not YAML');
  }
  if (typeof config !== 'object' || config === null) return fail('it is no kubeconfig');
  const wanted = context ?? config['current-context'] ?? fail('it has no current-context');
  const find = <Key extends string, T>(list: Named<Key, T>[] | undefined, key: Key, name?: string): T =>
    list?.find((item) => item.name === name)?.[key] ?? fail(`it has no ${key} named ${name ?? '(nothing)'}`);
  const chosen = find(config.contexts, 'context', wanted);
  const cluster = find(config.clusters, 'cluster', chosen.cluster);
  const user = find(config.users, 'user', chosen.user);
  const server = cluster.server ?? fail(`cluster ${chosen.cluster ?? ''} has no server`);
  const data = (inline: string | undefined, file: string | undefined) => {
    if (inline !== undefined) return Buffer.from(inline, 'base64');
    return file === undefined ? undefined : readFileSync(resolve(dirname(path), file));
  };
  const cert = data(user['client-certificate-data'], user['client-certificate']);
  const key = data(user['client-key-data'], user['client-key']);
  return {
    server,
    ca: data(cluster['certificate-authority-data'], cluster['certificate-authority']),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    token: tokenOf(user, path),
    namespace: chosen.namespace ?? 'default',
  };
}

function tokenOf({ token, tokenFile, exec }: User, path: string): ClusterAccess['token'] {
  if (exec?.command !== undefined) return execToken(exec, exec.command, path);
  if (tokenFile !== undefined) return () => readFileSync(resolve(dirname(path), tokenFile), 'utf8').trim();
  return () => token;
}

/** A credential plugin (client.authentication.k8s.io): a program that prints an ExecCredential. */
function execToken(exec: Exec, command: string, path: string): ClusterAccess['token'] {
  let known: { token: string; expires: number } | null = null;
  return async () => {
    if (known !== null && Date.now() < known.expires - EARLY_MS) return known.token;
    const info = { apiVersion: exec.apiVersion, kind: 'ExecCredential', spec: { interactive: false } };
    const env = {
      ...process.env,
      ...Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value])),
      KUBERNETES_EXEC_INFO: JSON.stringify(info),
    };
    try {
      const { stdout } = await run(command, exec.args ?? [], { env, cwd: dirname(path) });
      const { status = {} } = JSON.parse(stdout) as {
        status?: { token?: string; expirationTimestamp?: string };
      };
      const expires =
        status.expirationTimestamp === undefined ? Infinity : Date.parse(status.expirationTimestamp);
      known = { token: status.token ?? '', expires };
      return known.token;
    } catch (error) {
      // Its output may hold the token; only the program is named.
      throw new Error(`kubeconfig ${path}: the credential plugin ${command} failed`, { cause: error });
    }
  };
}
