import type { ServerResponse } from 'node:http';
import { httpServer, httpsServer, type Handle, type HttpsOptions, type Seen } from './https-server';

/** A token with what it may do. */
export interface StandInToken {
  /** Path prefixes below `/v1/`, each with its verbs. */
  may: Record<string, readonly ('read' | 'list')[]>;
  /** Seconds; 0 never expires. */
  ttl: number;
  renewable: boolean;
  expiresAt: number;
}

interface Version {
  data: object | null;
  created_time: string;
  deletion_time: string;
  destroyed: boolean;
}

type Answer = [status: number, body?: object, headers?: Record<string, string>];

const NO_RIGHT: Answer = [403, { errors: ['1 error occurred:\n\t* permission denied\n\n'] }];
const NOTHING: Answer = [404, { errors: [] }];

/**
 * A stand-in for the part of Vault's HTTP API that is used, after its public documents: KV 1 and 2, tokens, AppRole,
 * Kubernetes, namespaces, seals. `test/vault` holds it against a real server.
 */
export class StandInVault {
  url = '';
  seen: Seen[] = [];
  readonly tokens = new Map<string, StandInToken>();
  /** Set: every request gets it. */
  outage: Answer | null = null;
  /** Set: no request is answered. */
  isSilent = false;
  /** Routes that get an answer of their own: `secret/data/certs/www`. */
  readonly troubles = new Map<string, Answer>();
  /** Logins that are taken, as `METHOD_MOUNT SECRET`, and the token that they give. */
  readonly logins = new Map<string, { may: StandInToken['may']; ttl: number; renewable: boolean }>();
  /** Null: the header is not looked at. */
  namespace: string | null = null;
  mayKnowMounts = true;
  /** Called after a list was answered. */
  onList: () => void = () => undefined;
  /** Set: what comes without a token gets this one, as an agent does with its own. */
  agentToken: string | null = null;
  readonly #mounts = new Map<string, 1 | 2>([
    ['secret', 2],
    ['kv1', 1],
  ]);
  readonly #secrets = new Map<string, Version[]>();
  #made = 0;
  #connections = () => 0;

  static async start(tls?: HttpsOptions): Promise<StandInVault> {
    const vault = new StandInVault();
    const handle: Handle = (seen, response) => vault.answer(seen, response);
    const server = tls === undefined ? await httpServer(handle) : await httpsServer(tls, handle);
    vault.url = server.url;
    vault.seen = server.seen;
    vault.#connections = server.connections;
    return vault;
  }

  /** Number of open connections. */
  get connections(): number {
    return this.#connections();
  }

  /** @returns the token's value */
  token(may: StandInToken['may'], ttl = 0, renewable = false): string {
    const value = `hvs.${++this.#made}-s3cret-token`;
    this.tokens.set(value, {
      may,
      ttl,
      renewable,
      expiresAt: ttl === 0 ? Infinity : Date.now() + ttl * 1000,
    });
    return value;
  }

  /** Writes a secret, as `secret/certs/www`. */
  put(path: string, data: object): void {
    const versions = this.#secrets.get(path) ?? [];
    versions.push({ data, created_time: new Date().toISOString(), deletion_time: '', destroyed: false });
    this.#secrets.set(path, versions);
  }

  /** Deletes the latest version, as `kv delete` does. */
  deleteLatest(path: string): void {
    const latest = this.#secrets.get(path)?.at(-1);
    if (latest !== undefined) latest.deletion_time = new Date(Date.now() - 1).toISOString();
  }

  /** Deletes it with all its versions, as `kv metadata delete` does. */
  deleteAll(path: string): void {
    this.#secrets.delete(path);
  }

  /** Requests since the last call: `GET secret/metadata/certs/www`. */
  requests(): string[] {
    return this.seen.splice(0).map(({ method, path }) => `${method} ${path.replace('/v1/', '')}`);
  }

  private answer(seen: Seen, response: ServerResponse): void {
    if (this.isSilent) return;
    const [status, body, headers] = this.outage ?? this.route(seen);
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body === undefined ? '' : JSON.stringify(body));
  }

  private route({ method, path, headers, body }: Seen): Answer {
    const [route = '', query = ''] = decodeURIComponent(path.replace(/^\/v1\//, '')).split('?');
    if (this.namespace !== null && headers['x-vault-namespace'] !== this.namespace) return NO_RIGHT;
    const login = /^auth\/(.+)\/login$/.exec(route)?.[1];
    if (login !== undefined && method === 'POST')
      return this.logIn(login, JSON.parse(body) as Record<string, string>);
    const value = String(headers['x-vault-token'] ?? this.agentToken);
    const token = this.tokens.get(value);
    if (token === undefined || token.expiresAt < Date.now()) {
      return [403, { errors: [`2 errors occurred:\n\t* permission denied\n\t* invalid token ${value}\n\n`] }];
    }
    if (route === 'auth/token/lookup-self') {
      const ttl = token.ttl === 0 ? 0 : Math.ceil((token.expiresAt - Date.now()) / 1000);
      return [200, { data: { ttl, renewable: token.renewable, creation_ttl: token.ttl } }];
    }
    if (route === 'auth/token/renew-self' && method === 'POST') {
      if (!token.renewable) return [400, { errors: ['lease is not renewable'] }];
      token.expiresAt = Date.now() + token.ttl * 1000;
      return [200, { auth: { client_token: value, lease_duration: token.ttl, renewable: true } }];
    }
    if (route === 'auth/token/revoke-self' && method === 'POST') {
      this.tokens.delete(value);
      return [204];
    }
    const trouble = this.troubles.get(route);
    if (trouble !== undefined) return trouble;
    const mount = /^sys\/internal\/ui\/mounts\/(.*)$/.exec(route)?.[1];
    if (mount !== undefined) return this.describeMount(mount);
    const verb = query === 'list=true' ? 'list' : 'read';
    const rights = Object.entries(token.may).find(([prefix]) => route.startsWith(prefix))?.[1] ?? [];
    if (!rights.includes(verb)) return NO_RIGHT;
    const answer = this.kv(route, verb);
    if (verb === 'list') this.onList();
    return answer;
  }

  private logIn(mount: string, given: Record<string, string>): Answer {
    const secret =
      given['jwt'] === undefined
        ? `${given['role_id']} ${given['secret_id']}`
        : `${given['role']} ${given['jwt']}`;
    const login = this.logins.get(`${mount} ${secret}`);
    if (login === undefined) return [400, { errors: [`invalid role or secret ID: ${secret}`] }];
    const value = this.token(login.may, login.ttl, login.renewable);
    return [200, { auth: { client_token: value, lease_duration: login.ttl, renewable: login.renewable } }];
  }

  private describeMount(mount: string): Answer {
    const version = this.#mounts.get(mount);
    if (version === undefined || !this.mayKnowMounts) return NO_RIGHT;
    return [200, { data: { path: `${mount}/`, type: 'kv', options: { version: String(version) } } }];
  }

  private kv(route: string, verb: 'read' | 'list'): Answer {
    const [mount = '', ...rest] = route.split('/');
    if (this.#mounts.get(mount) === 1) {
      const path = rest.join('/');
      if (verb === 'list') return this.list(`${mount}/${path}`);
      const data = this.#secrets.get(`${mount}/${path}`)?.at(-1)?.data;
      return data == null ? NOTHING : [200, { data, lease_duration: 2764800, renewable: false, auth: null }];
    }
    const [part, ...below] = rest;
    const path = `${mount}/${below.join('/')}`;
    if (part === 'metadata' && verb === 'list') return this.list(path);
    const versions = this.#secrets.get(path);
    const latest = versions?.at(-1);
    if (versions === undefined || latest === undefined) return NOTHING;
    const isGone = latest.destroyed || latest.deletion_time !== '';
    const about = (one: Version) => ({
      created_time: one.created_time,
      deletion_time: one.deletion_time,
      destroyed: one.destroyed,
    });
    if (part === 'metadata') {
      const all = Object.fromEntries(versions.map((one, index) => [String(index + 1), about(one)]));
      return [200, { data: { current_version: versions.length, versions: all } }];
    }
    const data = {
      data: isGone ? null : latest.data,
      metadata: { ...about(latest), version: versions.length },
    };
    return [isGone ? 404 : 200, { data }];
  }

  private list(folder: string): Answer {
    const keys = new Set<string>();
    for (const path of this.#secrets.keys()) {
      if (!path.startsWith(folder)) continue;
      const [first = '', ...more] = path.slice(folder.length).split('/');
      keys.add(more.length > 0 ? `${first}/` : first);
    }
    return keys.size === 0 ? NOTHING : [200, { data: { keys: [...keys].sort() } }];
  }
}
