import { HttpClient, TlsReader } from '../../http';
import { LOCAL_PEER, type RemoteServer } from '../remote/config';
import { Trouble } from '../remote/trouble';

export interface VaultServer extends RemoteServer {
  /** Null: the root namespace, or a server without namespaces. */
  namespace: string | null;
}

/** An answer below 500 that is not 429; empty where its body is not JSON. */
export interface VaultAnswer {
  status: number;
  body: VaultBody;
}

/** The parts of Vault's answers that are used (https://developer.hashicorp.com/vault/api-docs). */
interface VaultBody {
  data?: unknown;
  auth?: { client_token?: unknown; lease_duration?: unknown; renewable?: unknown } | null;
  errors?: unknown;
}

/** A list of 10,000 names and a secret of 1 MiB both fit. */
const MAX_BYTES = 4 * 1024 * 1024;
/** Longer than a scan pauses between two requests, too short to be noticed. */
const KEEP_MS = 5_000;

/**
 * Known messages of the server that say more than its status. They are recognized and never repeated: an answer may
 * quote what was sent.
 */
const KNOWN: readonly [RegExp, string][] = [
  [/vault is sealed|barrier is sealed|is sealed/i, 'it is sealed: unseal it'],
  [/not initialized/i, 'it is not initialised'],
  // The same message for a wrong role_id and a wrong secret_id.
  [/secret[ _-]?id/i, 'role_id or secret_id is wrong, or secret_id has expired or is used up'],
  [/role[ _-]?id/i, 'there is no role with this role_id'],
  [/invalid role name|role .* (not found|does not exist)/i, 'there is no role of this name'],
  [/service account name not authorized/i, 'the role does not allow this service account'],
  [/namespace not authorized/i, "the role does not allow the service account's namespace"],
  [/audience/i, 'the token in jwt_file is for another audience than the role wants'],
  [/lookup failed|tokenreview/i, 'Vault could not check the token in jwt_file with Kubernetes'],
  [
    /no handler for route|unsupported path/i,
    'nothing is mounted there: check mount, auth_mount and namespace',
  ],
];

/** Most characters of the server's message that are examined. */
const MAX_WORDS = 2_000;

/** Meaning of the server's message; empty where it is unknown. */
export function hintOf({ errors }: VaultBody): string {
  const texts = Array.isArray(errors) ? errors.filter((one) => typeof one === 'string') : [];
  const words = texts.join(' ').slice(0, MAX_WORDS);
  return KNOWN.find(([pattern]) => pattern.test(words))?.[1] ?? '';
}

/** The requests of the source. */
export class VaultClient {
  /** The server's address, for messages. */
  readonly address: string;
  readonly #client: HttpClient;

  constructor({ address, tls, proxy, timeoutMs, namespace }: VaultServer) {
    this.address = address.shown.replace(/\/$/, '');
    const files = new TlsReader(tls);
    this.#client = new HttpClient({
      address,
      subject: `Vault at ${this.address}`,
      credentials: { tls: () => files.read(), forget: () => files.forget() },
      headers: {
        accept: 'application/json',
        // Agents and proxies can be set to require it, as a protection against requests that browsers are tricked
        // into.
        'x-vault-request': 'true',
        ...(namespace === null ? {} : { 'x-vault-namespace': namespace }),
      },
      proxy,
      peer: LOCAL_PEER,
      timeoutMs,
      maxBytes: MAX_BYTES,
      keepMs: KEEP_MS,
    });
  }

  /**
   * @param path below `/v1/`, encoded
   * @throws Trouble, HttpFailure when the server cannot answer now
   */
  async send(
    method: 'GET' | 'POST',
    path: string,
    token: string | null,
    body?: object,
  ): Promise<VaultAnswer> {
    const {
      status,
      headers,
      body: octets,
    } = await this.#client.request({
      path: `/v1/${path}`,
      method,
      headers: {
        ...(token === null ? {} : { 'x-vault-token': token }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : [Buffer.from(JSON.stringify(body))],
    });
    const answer = { status, body: parse(octets) };
    this.check(answer, headers['retry-after']);
    return answer;
  }

  close(): void {
    this.#client.close();
  }

  private check({ status, body }: VaultAnswer, retryAfter: string | undefined): void {
    const where = `Vault at ${this.address}`;
    if (status === 429) {
      const seconds = Number(retryAfter);
      const rest = Number.isFinite(seconds) ? ` and asks to wait ${seconds} s` : '';
      throw new Trouble('unreachable', `${where} is asked too often (rate limit, 429)${rest}`);
    }
    if (status >= 500) {
      const why = hintOf(body) || (status === 503 ? 'it is sealed or in maintenance' : 'check its log');
      throw new Trouble('unreachable', `${where} answers ${status}: ${why}`);
    }
    if (status >= 300 && status < 400) {
      throw new Trouble(
        'unreachable',
        `${where} redirects (${status}), which is not followed with a token: name the active node or the load balancer in url`,
      );
    }
    // Every other status comes with JSON; a proxy or another service answers with a page.
    if (status !== 204 && Object.keys(body).length === 0) {
      throw new Trouble('unreachable', `${where} does not answer like Vault (${status}): is url right?`);
    }
  }
}

function parse(octets: Buffer): VaultBody {
  try {
    const body: unknown = JSON.parse(octets.toString('utf8'));
    return typeof body === 'object' && body !== null ? body : {};
  } catch {
    return {};
  }
}

/** Encodes a path from the configuration or a list for a URL. */
export const encodePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/');
