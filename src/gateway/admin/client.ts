import type { IncomingHttpHeaders } from 'node:http';
import { isLoopback } from '../../common/loopback';
import { foreign } from '../../common/safe-text';
import {
  HttpClient,
  HttpFailure,
  kindOfStatus as kindOfAnswer,
  retryAfterMs,
  withRetries,
  type HttpAnswer,
} from '../../http';
import { Failure, type FailureKind } from '../../model';
import { addressOf, credentialsOf, type AdminClientOptions } from './access';

export interface AdminResponse {
  status: number;
  /** Parsed at the first read; null for an empty body or another format than JSON (an HTML error page). */
  readonly body: unknown;
  /** The body as received. */
  bytes: Buffer;
  headers: IncomingHttpHeaders;
}

/**
 * A failed exchange with the Admin API. The message never quotes a body: Kong's answers hold private keys in clear
 * text.
 */
export class AdminError extends Failure {
  override readonly name = 'AdminError';

  constructor(
    readonly code: 'ADMIN_UNREACHABLE' | 'ADMIN_STATUS',
    message: string,
    /** HTTP status; null when there was no answer. */
    readonly status: number | null,
    options: ErrorOptions & { kind?: FailureKind } = {},
    /** Milliseconds to wait before another try (Retry-After). */
    readonly waitMs?: number,
  ) {
    super(options.kind ?? kindOfStatus(status), message, options);
  }
}

/** A 404 is about one entity that is gone; for any other meaning the error is made with a kind of its own. */
function kindOfStatus(status: number | null): FailureKind {
  if (status === null || status >= 500) return 'away';
  if (status === 400) return 'refused';
  if ([404, 409, 412, 429].includes(status)) return 'conflict';
  if ([401, 402, 403, 405, 407, 413].includes(status) || (status >= 300 && status < 400)) return 'forbidden';
  return 'mistake';
}

/** Kong takes 17 s to apply a configuration of 4 MB. */
const TIMEOUT_MS = 60_000;
const MS_PER_MIB = 10_000;
const MIB = 1024 * 1024;
/** A page of 1,000 certificates has a few MB. */
const MAX_BYTES = 32 * MIB;
/** A whole configuration, which Kong returns when it is posted, has 80 MB with 10,000 certificates. */
const MAX_CONFIG_BYTES = 128 * MIB;
const CONFIG = /^\/config(?:$|\?)/;

const WORDS = { ECONNREFUSED: 'connection refused (is Kong running, and is admin_listen on?)' };

/** Advice where a process of another user listens. */
const ADVICE =
  'name the prefix of Kong (-p), give it a unix socket or https with admin.ca_file, or set admin.allow_http where every user of this machine may be Kong';

/**
 * A small client of Kong's Admin API. Every request must be repeatable without harm: it is sent again where nobody
 * answered, or after 429 or 5xx.
 */
export class AdminClient {
  /** Without the password. */
  readonly url: string;
  readonly #options: AdminClientOptions;
  readonly #client: HttpClient;
  /** Put before every path. */
  readonly #prefix: string;

  /**
   * @param within a client whose connections are shared, and the workspace of every path
   * @throws Error with a sentence that does not quote the address: it may hold a password
   */
  constructor(options: AdminClientOptions, within?: { client: AdminClient; workspace: string }) {
    this.#options = options;
    this.#prefix = within === undefined ? '' : `/${encodeURIComponent(within.workspace)}`;
    if (within !== undefined) {
      this.url = within.client.url + this.#prefix;
      this.#client = within.client.#client;
      return;
    }
    const address = addressOf(options);
    this.url = address.shown.replace(/\/$/, '');
    // Kong's own certificate for the Admin API is self-signed, for localhost.
    const isUnverified = options.caFile === undefined && isLoopback(address.url.hostname);
    this.#client = new HttpClient({
      address,
      subject: `the Admin API at ${this.url}`,
      credentials: credentialsOf(options, address.login),
      headers: { accept: 'application/json' },
      isUnverified: isUnverified && !address.isPlain,
      peer: { advice: ADVICE, ...options.kong },
      timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
      maxBytes: MAX_BYTES,
      maxSockets: options.concurrency ?? 16,
      words: WORDS,
    });
  }

  /** A client for a workspace of this Kong, closed together with this one. */
  within(workspace: string): AdminClient {
    return new AdminClient(this.#options, { client: this, workspace });
  }

  /** A client with one connection of its own, to be closed separately. */
  fresh(): AdminClient {
    return new AdminClient({ ...this.#options, concurrency: 1, attempts: 1 });
  }

  get(path: string): Promise<AdminResponse> {
    return this.request('GET', path);
  }

  /**
   * Sends a request, and again where that may help.
   * @param body sent as JSON; a Buffer contains JSON already
   * @returns any answer below 500 except 429
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
    try {
      return await withRetries({ attempts, signal }, () => this.exchange(method, path, payload, signal));
    } catch (error) {
      if (!(error instanceof HttpFailure)) throw error;
      throw this.adminError(error, method, path);
    }
  }

  close(): void {
    this.#client.close();
  }

  private async exchange(
    method: string,
    path: string,
    payload: Buffer | undefined,
    signal: AbortSignal | undefined,
  ): Promise<AdminResponse> {
    const { timeoutMs = TIMEOUT_MS, onExchange } = this.#options;
    let answer: HttpAnswer;
    try {
      answer = await this.#client.request({
        method,
        // Addresses of next pages contain the workspace already.
        path: path.startsWith(`${this.#prefix}/`) ? path : this.#prefix + path,
        ...(payload === undefined
          ? {}
          : { body: [payload], headers: { 'content-type': 'application/json' } }),
        signal,
        maxBytes: CONFIG.test(path) ? MAX_CONFIG_BYTES : MAX_BYTES,
        timeoutMs: timeoutMs + Math.floor((payload?.length ?? 0) / MIB) * MS_PER_MIB,
      });
    } catch (error) {
      if (signal?.aborted !== true) onExchange?.(method, 0);
      throw error;
    }
    const { status, headers } = answer;
    onExchange?.(method, status);
    if (kindOfAnswer(status) !== 'away')
      return new Answer(status, headers, answer.body, (text) => this.#client.repeatable(text));
    const waitMs = retryAfterMs(headers['retry-after']);
    throw this.#client.failure(`status ${status}`, { code: 'status', kind: 'away', status, waitMs });
  }

  private adminError(failure: HttpFailure, method: string, path: string): AdminError {
    const { status, why, waitMs, failureKind: kind, code } = failure;
    const start = `the Admin API at ${this.url}`;
    if (status !== null) {
      const words = `${start} answered ${method} ${path} with ${status}`;
      return new AdminError(
        'ADMIN_STATUS',
        words,
        status,
        {},
        Math.min(waitMs ?? FIRST_WAIT_MS, MAX_WAIT_MS),
      );
    }
    const words = code === 'credentials' ? why : `${start} does not answer ${method} ${path}: ${why}`;
    return new AdminError('ADMIN_UNREACHABLE', words, null, { kind, cause: failure }, FIRST_WAIT_MS);
  }
}

/** Until somebody looks again after the last try. */
const FIRST_WAIT_MS = 200;
const MAX_WAIT_MS = 30_000;

/** Fields of an error that may be quoted. */
const SAID: ReadonlySet<string> = new Set(['message', 'field', 'entity_type', 'entity_id']);

class Answer implements AdminResponse {
  #body: { value: unknown } | null = null;

  constructor(
    readonly status: number,
    readonly headers: IncomingHttpHeaders,
    readonly bytes: Buffer,
    private readonly repeatable: (text: string) => string,
  ) {}

  get body(): unknown {
    this.#body ??= { value: this.parse() };
    return this.#body.value;
  }

  private parse(): unknown {
    try {
      // An error's fields go into logs, so only known ones are quoted.
      const isSaid = (name: string, value: unknown): value is string =>
        SAID.has(name) && typeof value === 'string';
      const clean = (name: string, value: unknown) => (isSaid(name, value) ? this.repeatable(value) : value);
      return JSON.parse(this.bytes.toString('utf8'), this.status < 400 ? undefined : clean);
    } catch {
      return null;
    }
  }
}

/** The list of refused fields may be longer than a line. */
const MAX_MESSAGE = 500;

/**
 * Kong's `message` for a refusal, without anything that could quote the request. `flattened_errors` and `fields`
 * are left out, since they repeat entities with their keys.
 */
export function kongMessage(body: unknown): string {
  const message =
    typeof body === 'object' && body !== null && 'message' in body ? String(body.message) : 'no message';
  return message.includes('-----BEGIN')
    ? 'its message quotes the PEM and is left out'
    : foreign(message, MAX_MESSAGE);
}
