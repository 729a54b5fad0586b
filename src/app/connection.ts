import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from './config';
import { holdsLogin, type Secret } from '../http';
import type { Gateway } from '../model';
import {
  AdminClient,
  DatabaseGateway,
  DeclarativeGateway,
  kongIdentity,
  readKongEnvironment,
  readNodeFiles,
  type AdminClientOptions,
  type NodeFiles,
  type TlsListener,
} from '../gateway';

/** How to find the Kong to work for. */
export interface KongLocation {
  /** Kong's prefix, whose `.kong_env` names the Admin API and the TLS listeners. */
  prefix: string;
  /** Overrides what the prefix says. */
  adminUrl?: string | undefined;
  /** Plain http to other hosts and other users of this machine, too, as `admin.allow_http`. */
  allowHttp?: boolean | undefined;
  /** Told of each exchange with the Admin API. */
  onExchange?: ((method: string, code: number) => void) | undefined;
}

/** A Kong whose Admin API answers. */
export interface Connection {
  client: AdminClient;
  /** To ask what no reloader keeps. */
  gateway: Gateway;
  /** One more, for whoever keeps what Kong stores. It ends with `client`. */
  open: () => Gateway;
  listeners: readonly TlsListener[];
  workers: number;
  /** Null: Kong's prefix is not at hand. */
  files: NodeFiles | null;
}

interface Status {
  configuration_hash?: unknown;
  memory?: { workers_lua_vms?: unknown[] };
}

/**
 * Finds an Admin API that answers: the configured one, else each listener of `.kong_env`, unix sockets first.
 * @throws Error saying what was tried
 */
export async function connect(location: KongLocation, admin: Config['admin']): Promise<Connection> {
  const { prefix, adminUrl } = location;
  if (adminUrl !== undefined) checkAdminUrl(adminUrl);
  const configured = admin.url ?? adminUrl;
  const environment = readEnvironment(prefix, configured !== undefined);
  const urls = configured === undefined ? environment.admin.map(({ url }) => url) : [configured];
  if (urls.length === 0) {
    throw new Error(
      `Kong's admin_listen is off (${prefix}/.kong_env): give it a loopback address, or set admin.url`,
    );
  }
  const troubles: string[] = [];
  for (const url of urls) {
    try {
      const client = new AdminClient(clientOptions(url, location, admin));
      return await connection(client, location, environment.tls);
    } catch (error) {
      troubles.push((error as Error).message);
    }
  }
  throw new Error(troubles.join('; '));
}

/** Every user of the machine sees the arguments of a process. @throws Error with the way out */
function checkAdminUrl(url: string): void {
  if (!holdsLogin(url)) return;
  throw new Error(
    'the user and password in --admin-url can be seen by every user of this machine: put the address into admin.url of a file (--config), or the password into admin.headers_file',
  );
}

function clientOptions(
  url: string,
  { prefix, allowHttp, onExchange }: KongLocation,
  admin: Config['admin'],
): AdminClientOptions {
  return {
    url,
    allowHttp: allowHttp === true || admin.allow_http === true,
    token: tokenOf(admin),
    headersFile: admin.headers_file ?? undefined,
    caFile: admin.ca_file ?? undefined,
    certFile: admin.client_cert_file ?? undefined,
    keyFile: admin.client_key_file ?? undefined,
    serverName: admin.server_name ?? undefined,
    kong: kongIdentity(prefix),
    onExchange,
  };
}

async function connection(
  client: AdminClient,
  { prefix }: KongLocation,
  listeners: readonly TlsListener[],
): Promise<Connection> {
  try {
    const status = await readStatus(client);
    const hasDatabase = status.configuration_hash === undefined;
    const open = () => (hasDatabase ? new DatabaseGateway(client) : new DeclarativeGateway(client));
    const workers = status.memory?.workers_lua_vms?.length ?? 1;
    return { client, gateway: open(), open, listeners, workers, files: readFilesOf(prefix) };
  } catch (error) {
    client.close();
    throw error;
  }
}

async function readStatus(client: AdminClient): Promise<Status> {
  const { status, body } = await client.get('/status');
  if (status === 401 || status === 403) {
    throw new Error(`the Admin API at ${client.url} answered ${status}: set admin.token or admin.token_file`);
  }
  if (status !== 200 || typeof body !== 'object' || body === null) {
    throw new Error(`${client.url} answered GET /status with ${status}: is it Kong's Admin API?`);
  }
  return body;
}

/** A configured Admin API works without the prefix; there is only nobody to ask for proof then. */
function readEnvironment(prefix: string, optional: boolean): ReturnType<typeof readKongEnvironment> {
  try {
    return readKongEnvironment(prefix);
  } catch (error) {
    if (optional) return { admin: [], tls: [], role: 'traditional' };
    throw error;
  }
}

function readFilesOf(prefix: string): NodeFiles | null {
  try {
    return readNodeFiles(prefix);
  } catch {
    return null;
  }
}

function tokenOf({ token, token_file: file }: Config['admin']): Secret | undefined {
  if (file != null) return { file };
  if (token?.startsWith('{vault://') === true) {
    throw new Error(
      'admin.token is a vault reference, which Kong resolves only for plugins that run in requests; use admin.token_file',
    );
  }
  return token == null ? undefined : { value: token };
}

/** Waits for Kong to come up: quickly at first, at most 5 s between two tries. */
export async function connectWhenReady(
  location: KongLocation,
  admin: Config['admin'],
  waiting: (error: Error) => void,
  signal: AbortSignal,
): Promise<Connection> {
  for (let waitMs = 100; ; waitMs = Math.min(waitMs * 2, 5_000)) {
    try {
      return await connect(location, admin);
    } catch (error) {
      waiting(error as Error);
    }
    await sleep(waitMs, undefined, { signal });
  }
}
