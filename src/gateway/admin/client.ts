import * as http from 'node:http';
import * as https from 'node:https';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isLoopback } from '../../common/loopback';
import { decodedPart } from '../../common/url-part';
import { Failure, type FailureKind } from '../../model';

export interface AdminClientOptions {
  /** `http://…`, `https://…` or `unix:/path`. */
  url: string;
  token?: string | undefined;
  caFile?: string | undefined;
  /** Milliseconds for one exchange; a big POST /config takes Kong 17 s. */
  timeoutMs?: number;
  /** How often a request is sent at most. */
  attempts?: number;
  /** Connections at the same time. */
  concurrency?: number;
  /** Told of each exchange; `code` is 0 where there was no answer. */
  onExchange?: ((method: string, code: number) => void) | undefined;
}

export interface AdminResponse {
  status: number;
  /** Parsed when it is asked for; null for an empty body or something else than JSON (an HTML error page). */
  readonly body: unknown;
  /** The body as it came. */
  bytes: Buffer;
  headers: http.IncomingHttpHeaders;
}

/**
 * An exchange with the Admin API that did not end well. The message never quotes a body: Kong's answers hold
 * private keys in clear text.
 */
export class AdminError extends Failure {
  override readonly name = 'AdminError';

  constructor(
    readonly code: 'ADMIN_UNREACHABLE' | 'ADMIN_STATUS',
    message: string,
    /** HTTP status; null when there was no answer. */
    readonly status: number | null,
    options: ErrorOptions & { kind?: FailureKind } = {},
    /** How long to wait before it is tried again (Retry-After), in milliseconds. */
    readonly waitMs?: number,
  ) {
    super(options.kind ?? kindOfStatus(status), message, options);
  }
}

/** A 404 is about one entity, which is gone; another one says so where the error is made. */
function kindOfStatus(status: number | null): FailureKind {
  if (status === null || status >= 500) return 'away';
  if (status === 400) return 'refused';
  if ([404, 409, 412, 429].includes(status)) return 'conflict';
  if ([401, 402, 403, 405, 407, 413].includes(status) || (status >= 300 && status < 400)) return 'forbidden';
  return 'mistake';
}

const RETRIED_STATUSES = new Set([429, 500, 502, 503, 504]);
const MAX_WAIT_MS = 30_000;
const MAX_RESPONSE_BYTES = 512 * 1024 * 1024;

/**
 * A small client of Kong's Admin API over keep-alive connections. Every request it is used for can be repeated
 * without harm, so this is the one place that retries: no answer, 429, 5xx, honouring Retry-After.
 */
export class AdminClient {
  readonly url: string;
  readonly #options: AdminClientOptions;
  readonly #agent: http.Agent;
  readonly #base: { hostname?: string; port?: string; socketPath?: string; auth?: string };
  /** What stands before every path, where the Admin API is behind a route. */
  readonly #prefix: string;
  readonly #secure: boolean;

  constructor(options: AdminClientOptions) {
    this.#options = options;
    this.#secure = options.url.startsWith('https:');
    const agentOptions = {
      keepAlive: true,
      maxSockets: options.concurrency ?? 16,
      scheduling: 'lifo' as const,
    };
    if (options.url.startsWith('unix:')) {
      this.url = options.url;
      this.#prefix = '';
      this.#base = { socketPath: options.url.slice('unix:'.length) };
      this.#agent = new http.Agent(agentOptions);
      return;
    }
    // Not quoted: it may hold a password.
    if (!/^https?:/.test(options.url) || !URL.canParse(options.url)) {
      throw new Error(
        'the address of the Admin API (admin.url) is none: give http://HOST:PORT, https://HOST:PORT or unix:/PATH',
      );
    }
    const { origin, hostname, port, pathname, username, password } = new URL(options.url);
    const host = hostname.replace(/^\[|\]$/g, '');
    this.#prefix = pathname.replace(/\/$/, '');
    // What is shown in messages holds no password.
    this.url = origin + this.#prefix;
    this.#base = { hostname: host, port };
    if (username !== '') this.#base.auth = `${decodedPart(username)}:${decodedPart(password)}`;
    this.#agent = this.#secure
      ? new https.Agent({ ...agentOptions, ...trust(options.caFile, host) })
      : new http.Agent(agentOptions);
  }

  get(path: string): Promise<AdminResponse> {
    return this.request('GET', path);
  }

  /**
   * Sends a request, again where that may help.
   * @param body what becomes JSON; a Buffer holds it already
   * @returns any answer below 500 that is not 429
   * @throws AdminError when there is none
   */
  async request(
    method: string,
    path: string,
    body?: unknown,
    signal?: AbortSignal,
    attempts = this.#options.attempts ?? 4,
  ): Promise<AdminResponse> {
    const payload =
      body === undefined ? undefined : Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
    for (let attempt = 1; ; attempt++) {
      let failure: AdminError;
      let waitMs = 100 * 2 ** attempt * (0.5 + Math.random());
      try {
        const answer = await this.exchange(method, path, payload, signal);
        this.#options.onExchange?.(method, answer.status);
        if (!RETRIED_STATUSES.has(answer.status)) return answer;
        const retryAfter = Number(answer.headers['retry-after']);
        if (Number.isFinite(retryAfter)) waitMs = Math.max(waitMs, retryAfter * 1000);
        failure = new AdminError(
          'ADMIN_STATUS',
          `the Admin API at ${this.url} answered ${method} ${path} with ${answer.status}`,
          answer.status,
          undefined,
          Math.min(waitMs, MAX_WAIT_MS),
        );
      } catch (error) {
        if (signal?.aborted === true) throw error;
        this.#options.onExchange?.(method, 0);
        failure = new AdminError(
          'ADMIN_UNREACHABLE',
          `the Admin API at ${this.url} does not answer ${method} ${path}: ${problem(error)}`,
          null,
          { cause: error },
          waitMs,
        );
      }
      if (attempt >= attempts) throw failure;
      await sleep(Math.min(waitMs, MAX_WAIT_MS), undefined, { signal });
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  private exchange(
    method: string,
    path: string,
    payload: Buffer | undefined,
    signal: AbortSignal | undefined,
  ): Promise<AdminResponse> {
    const { token, timeoutMs = 60_000 } = this.#options;
    const headers: http.OutgoingHttpHeaders = { accept: 'application/json' };
    if (token !== undefined) headers['kong-admin-token'] = token;
    if (payload !== undefined) {
      headers['content-type'] = 'application/json';
      headers['content-length'] = payload.length;
    }
    return new Promise((resolve, reject) => {
      const request = (this.#secure ? https : http).request(
        {
          ...this.#base,
          method,
          path: this.#prefix + path,
          headers,
          agent: this.#agent,
          ...(signal === undefined ? {} : { signal }),
        },
        (response) => {
          const chunks: Buffer[] = [];
          let size = 0;
          response.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size > MAX_RESPONSE_BYTES) response.destroy(new Error('the answer is too large'));
            else chunks.push(chunk);
          });
          response.on('error', reject);
          response.on('end', () => {
            const bytes = Buffer.concat(chunks);
            resolve(new Answer(response.statusCode ?? 0, response.headers, bytes));
          });
        },
      );
      request.setTimeout(timeoutMs, () =>
        request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)),
      );
      request.on('error', reject);
      request.end(payload);
    });
  }
}

class Answer implements AdminResponse {
  #body: { value: unknown } | null = null;

  constructor(
    readonly status: number,
    readonly headers: http.IncomingHttpHeaders,
    readonly bytes: Buffer,
  ) {}

  get body(): unknown {
    this.#body ??= { value: parseJson(this.bytes.toString('utf8')) };
    return this.#body.value;
  }
}

/** Kong's own Admin certificate is self-signed for `localhost`: on loopback nobody else can be there. */
function trust(caFile: string | undefined, host: string): https.AgentOptions {
  if (caFile === undefined) return { rejectUnauthorized: !isLoopback(host) };
  try {
    return { ca: readFileSync(caFile) };
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new Error(`admin.ca_file: ${caFile} cannot be read (${code})`, { cause: error });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A system error's code reads better than its message, which may name addresses twice. */
function problem(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const words: Record<string, string> = {
    ECONNREFUSED: 'connection refused (is Kong running, and is admin_listen on?)',
    ENOENT: 'the socket does not exist',
    EACCES: 'permission denied on the socket',
    ECONNRESET: 'connection reset',
    ENOTFOUND: 'the host name is unknown',
    EPROTO: 'it does not speak TLS as expected (is it plain http?)',
  };
  return words[code ?? ''] ?? message;
}

/**
 * Kong's own words for a refusal: `message`, without anything that could quote the request.
 * `flattened_errors` and `fields` are left out, they repeat entities with their keys.
 */
export function kongMessage(body: unknown): string {
  const message =
    typeof body === 'object' && body !== null && 'message' in body ? String(body.message) : 'no message';
  return message.includes('-----BEGIN')
    ? 'its message quotes the PEM and is left out'
    : message.slice(0, 500);
}
