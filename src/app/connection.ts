import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from './config';
import { headersOf, holdsLogin, type Secret } from '../http';
import type { Gateway } from '../model';
import {
  AdminClient,
  kongIdentity,
  KongNode,
  openGateway,
  clientCertificateOfKong,
  type AdminClientOptions,
  type NodeFacts,
  type OpenOptions,
  type TlsListener,
} from '../gateway';

/** Where to find Kong. */
export interface KongLocation {
  /** Kong's prefix, whose `.kong_env` names the Admin API and the TLS listeners. */
  prefix: string;
  /** Overrides what the prefix says. */
  adminUrl?: string | undefined;
  /** Plain http to other hosts and other users of this machine, too, as `admin.allow_http`. */
  allowHttp?: boolean | undefined;
  /** Addresses to try where nothing else is known; default: Kong's usual ports on loopback. */
  usual?: readonly string[];
  /** Limits for a command that somebody waits for: of one exchange, and of tries. */
  patience?: { timeoutMs: number; attempts: number };
  /** Called with each exchange with the Admin API. */
  onExchange?: ((method: string, code: number) => void) | undefined;
  /** Called when an update of another writer was overwritten and could not be restored. */
  onLost?: ((detail: string) => void) | undefined;
}

/** A Kong whose Admin API answers. */
export interface Connection {
  client: AdminClient;
  /** For questions whose answers no reloader keeps. */
  gateway: Gateway;
  /** Opens one more gateway, for a caller that keeps what Kong stores. It ends with `client`. */
  open: () => Gateway;
  /** How the address of the Admin API was found, for a person. */
  foundBy: string;
  /** Kong's prefix. */
  prefix: string;
  /** The present state of Kong's prefix; null: it cannot be read. */
  facts: () => NodeFacts | null;
  /** The present listeners: a reload may have changed them. */
  readonly listeners: readonly TlsListener[];
  readonly workers: number;
}

/** Where an Admin API may be, and who says so. */
interface Place {
  url: string;
  foundBy: string;
  /** Nothing says that it is there; it is a usual place. */
  isGuess?: boolean;
}

/** Where Kong's Admin API listens by default, seen from the same machine or pod. */
const USUAL = ['http://127.0.0.1:8001', 'https://127.0.0.1:8444'];

/**
 * Finds an Admin API that answers: the one of an argument, else the configured one, else what the prefix tells, unix sockets first, else the usual
 * ports on loopback.
 * @throws Error saying what was tried
 */
export async function connect(location: KongLocation, admin: Config['admin']): Promise<Connection> {
  const { prefix, adminUrl, usual = USUAL } = location;
  if (adminUrl !== undefined) checkAdminUrl(adminUrl);
  const node = new KongNode(prefix);
  const troubles: string[] = [];
  let cause: unknown;
  for (const place of placesOf(node, { configured: admin.url, argument: adminUrl, usual }, troubles)) {
    try {
      const client = new AdminClient(clientOptions(place.url, location, admin));
      return await connection(client, node, place, {
        workspaces: admin.workspaces ?? [],
        onLost: location.onLost,
      });
    } catch (error) {
      troubles.push((error as Error).message);
      cause ??= error;
    }
  }
  throw new Error(troubles.join('; '), { cause });
}

/** @param troubles gets the reasons why no better place is known */
function placesOf(
  node: KongNode,
  known: { configured?: string | null | undefined; argument: string | undefined; usual: readonly string[] },
  troubles: string[],
): Place[] {
  const { configured, argument, usual } = known;
  if (argument !== undefined) return [{ url: argument, foundBy: '--admin-url' }];
  if (configured != null) return [{ url: configured, foundBy: 'admin.url' }];
  try {
    const { admin, from } = node.read();
    if (admin.length > 0) return admin.map(({ url }) => ({ url, foundBy: from }));
    throw new Error(`Kong's admin_listen is off (${from}): give it a loopback address, or set admin.url`);
  } catch (error) {
    troubles.push((error as Error).message);
  }
  // Without an Admin listener in Kong's prefix, guessing is pointless.
  if (node.tryRead() !== null) return [];
  return usual.map((url) => ({ url, foundBy: 'the usual port', isGuess: true }));
}

/** Every user of the machine sees the arguments of a process. @throws Error with the way out */
function checkAdminUrl(url: string): void {
  if (!holdsLogin(url)) return;
  throw new Error(
    'the user and password in --admin-url can be seen by every user of this machine: put the address into admin.url of a file (--config), or the password into admin.headers_file',
  );
}

function clientOptions(url: string, location: KongLocation, admin: Config['admin']): AdminClientOptions {
  // Kong's own client certificate is shown to Kong alone.
  const isElsewhere = location.adminUrl !== undefined || admin.url != null;
  const own = isElsewhere || admin.client_cert_file != null ? null : clientCertificateOfKong(location.prefix);
  const { prefix, allowHttp, patience, onExchange } = location;
  return {
    url,
    ...patience,
    allowHttp: allowHttp === true || admin.allow_http === true,
    token: tokenOf(admin),
    headers: headersOf(admin.headers ?? []),
    headersFile: admin.headers_file ?? undefined,
    caFile: admin.ca_file ?? undefined,
    certFile: admin.client_cert_file ?? own?.certFile,
    keyFile: admin.client_key_file ?? own?.keyFile,
    serverName: admin.server_name ?? undefined,
    kong: kongIdentity(prefix),
    onExchange,
  };
}

async function connection(
  client: AdminClient,
  node: KongNode,
  { foundBy, isGuess = false }: Place,
  known: Pick<OpenOptions, 'workspaces' | 'onLost'>,
): Promise<Connection> {
  try {
    const { open, workers } = await openGateway(client, {
      ...known,
      attempts: isGuess ? 1 : undefined,
      commits: () => node.commits(),
    });
    return {
      ...{ client, gateway: open(), open, foundBy, prefix: node.prefix },
      facts: () => node.tryRead(),
      get listeners() {
        return node.tryRead()?.tls ?? [];
      },
      get workers() {
        return node.tryRead()?.workers ?? workers;
      },
    };
  } catch (error) {
    client.close();
    throw error;
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
