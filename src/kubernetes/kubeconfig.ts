import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { load } from 'js-yaml';
import { ConfiguredFile, readConfiguredFile } from '../common/configured-file';
import { describeOtherHand, otherHandOn } from '../common/other-hands';
import { parseAddress, parseProxy } from '../http';
import type { ClusterAccess } from './service-account';

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
  'tls-server-name'?: string;
  'proxy-url'?: string;
}

interface Context {
  cluster?: string;
  user?: string;
  namespace?: string;
}

interface KubeConfig {
  /** Each of them should be a list of `{name, cluster|user|context}`. */
  clusters?: unknown;
  users?: unknown;
  contexts?: unknown;
  'current-context'?: string;
}

const run = promisify(execFile);
/** A token is replaced this long before it expires. */
const EARLY_MS = 60_000;
/** Limit for a credential plugin, which might wait for input for ever. */
const EXEC_MS = 60_000;

/**
 * Reads a kubeconfig: tokens, token files, client certificates and credential plugins (`exec`).
 * @throws Error naming the file and what is wrong in it
 */
export function readKubeconfig(path: string, context?: string, allowHttp = false): ClusterAccess {
  const fail = (problem: string): never => {
    throw new Error(`kubeconfig ${path}: ${problem}`);
  };
  let text: string;
  try {
    text = readConfiguredFile(path);
  } catch (error) {
    throw new Error(`kubeconfig ${(error as Error).message}`, { cause: error });
  }
  let config: KubeConfig | null;
  try {
    config = load(text) as KubeConfig | null;
  } catch (error) {
    // js-yaml's message quotes the file, which holds keys and tokens.
    const { mark } = error as { mark?: { line?: number } };
    return fail(mark?.line === undefined ? 'it is not YAML' : `line ${mark.line + 1} is not YAML`);
  }
  if (typeof config !== 'object' || config === null) return fail('it is not a kubeconfig');
  const wanted = context ?? config['current-context'] ?? fail('it has no current-context');
  const find = (list: unknown, key: string, name?: string): unknown => {
    const named = Array.isArray(list) ? (list as (Record<string, unknown> | null)[]) : [];
    const found = named.find((item) => item?.['name'] === name)?.[key];
    return found ?? fail(`it has no ${key} named ${name ?? '(nothing)'}`);
  };
  const chosen = find(config.contexts, 'context', wanted) as Context;
  const cluster = find(config.clusters, 'cluster', chosen.cluster) as Cluster;
  const user = find(config.users, 'user', chosen.user) as User;
  const { server = fail(`cluster ${chosen.cluster ?? ''} has no server`) } = cluster;
  const within = <T>(what: string, parsed: () => T): T => {
    try {
      return parsed();
    } catch (error) {
      return fail(`the ${what} of cluster ${chosen.cluster ?? ''}: ${(error as Error).message}`);
    }
  };
  const address = within('server', () =>
    parseAddress(server, { allowHttp, allowHttpBy: 'allow_http on the source' }),
  );
  const { 'proxy-url': proxyUrl, 'tls-server-name': serverName } = cluster;
  const data = (inline: string | undefined, file: string | undefined) => {
    if (inline !== undefined) return Buffer.from(inline, 'base64');
    if (file === undefined) return undefined;
    try {
      return Buffer.from(readConfiguredFile(resolve(dirname(path), file)));
    } catch (error) {
      return fail((error as Error).message);
    }
  };
  const cert = data(user['client-certificate-data'], user['client-certificate']);
  const key = data(user['client-key-data'], user['client-key']);
  return {
    server,
    isHttpAllowed: allowHttp,
    ...(proxyUrl === undefined ? {} : { proxy: within('proxy-url', () => parseProxy(proxyUrl, address)) }),
    ...(serverName === undefined ? {} : { serverName }),
    ca: data(cluster['certificate-authority-data'], cluster['certificate-authority']),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...tokenOf(user, path),
    namespace: chosen.namespace ?? 'default',
  };
}

/**
 * Refuses to run what another user may change: the file that names the program, or the program itself.
 * @throws Error
 */
function checkHands(path: string, command: string): void {
  const told = `kubeconfig ${path} names a credential plugin, which is not run:`;
  const hand = otherHandOn(path);
  if (hand !== null) throw new Error(`${told} it ${describeOtherHand(hand)}`);
  if (!command.includes('/')) return;
  const program = resolve(dirname(path), command);
  // A missing program is reported when it is run.
  const other = existsSync(program) ? otherHandOn(program) : null;
  if (other !== null) throw new Error(`${told} ${program} ${describeOtherHand(other)}`);
}

type TokenAccess = Pick<ClusterAccess, 'token' | 'forget'>;

function tokenOf({ token, tokenFile, exec }: User, path: string): TokenAccess {
  if (exec?.command !== undefined) {
    checkHands(path, exec.command);
    return execToken(exec, exec.command, path);
  }
  if (tokenFile === undefined) return { token: () => token };
  const file = new ConfiguredFile(resolve(dirname(path), tokenFile));
  return { token: () => file.read().trim(), forget: () => file.forget() };
}

/** A credential plugin (client.authentication.k8s.io): a program that prints an ExecCredential. */
function execToken(exec: Exec, command: string, path: string): TokenAccess {
  let known: { token: string; expires: number } | null = null;
  const token = async () => {
    if (known !== null && Date.now() < known.expires - EARLY_MS) return known.token;
    const info = { apiVersion: exec.apiVersion, kind: 'ExecCredential', spec: { interactive: false } };
    const env = {
      ...process.env,
      ...Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value])),
      KUBERNETES_EXEC_INFO: JSON.stringify(info),
    };
    try {
      const { stdout } = await run(command, exec.args ?? [], {
        ...{ env, cwd: dirname(path), timeout: EXEC_MS, killSignal: 'SIGKILL' },
      });
      const { status = {} } = JSON.parse(stdout) as {
        status?: { token?: string; expirationTimestamp?: string };
      };
      const expires =
        status.expirationTimestamp === undefined ? Infinity : Date.parse(status.expirationTimestamp);
      known = { token: status.token ?? '', expires };
      return known.token;
    } catch (error) {
      // Its output may hold the token: only the program is named, and there is no cause.
      const { code, killed } = error as { code?: unknown; killed?: boolean };
      const why =
        code === 'ENOENT'
          ? 'does not exist; a plugin server has no PATH, so give its absolute path'
          : killed === true
            ? `gave no answer within ${EXEC_MS / 1000} s`
            : 'failed';
      // eslint-disable-next-line preserve-caught-error -- see above
      throw new Error(`kubeconfig ${path}: the credential plugin ${command} ${why}`);
    }
  };
  return { token, forget: () => (known = null) };
}
