import { setMaxListeners } from 'node:events';
import type { IncomingMessage } from 'node:http';
import {
  HttpClient,
  HttpFailure,
  kindOfStatus,
  parseAddress,
  readLines,
  showUrl,
  type Credentials,
  type PeerRules,
} from '../http';
import { Failure, failureKindOf, type FailureKind } from '../model';
import type { ClusterAccess } from './service-account';

/** An unsuccessful answer of the API server, or no answer. */
export class KubernetesError extends Failure {
  override readonly name = 'KubernetesError';

  /** @param status HTTP status; 0: there was no answer */
  constructor(
    message: string,
    readonly status: number,
    options?: ErrorOptions,
  ) {
    const kind = status === 0 ? null : kindOfStatus(status);
    const { cause } = options ?? {};
    super(kind ?? (cause instanceof Failure ? failureKindOf(cause) : 'away'), message, options);
  }

  /** Whether there was an answer, larger than the limit. */
  get isTooLarge(): boolean {
    return this.cause instanceof HttpFailure && this.cause.code === 'too_large';
  }
}

/** Error details of the API server (meta/v1 Status). */
interface Status {
  message?: unknown;
  code?: unknown;
}

export interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  object: T;
}

interface Request {
  method?: string;
  body?: unknown;
  contentType?: string;
  /** Most octets of the answer. */
  maxBytes?: number;
}

const TIMEOUT_MS = 30_000;
/** A Secret holds 1 MiB, which is 1.4 MiB as JSON; lists are requested in pages that fit. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** Requests to the API server of one cluster. Each ends within its limits; watches have connections of their own. */
export class KubernetesClient {
  #access: ClusterAccess | null = null;
  #http: HttpClient | null = null;
  /** Whether a request failed since the access was found: its trouble may be mended by now. */
  #isDoubted = false;
  readonly #closing = new AbortController();

  constructor(
    /**
     * Called with the first request, and with the next one after a failure. Throws a sentence saying what is
     * missing.
     */
    private readonly findAccess: () => ClusterAccess,
    /** Milliseconds for each request, from the call on. */
    private readonly timeoutMs = TIMEOUT_MS,
  ) {
    // It ends whatever is under way, which may be requests for hundreds of namespaces.
    setMaxListeners(0, this.#closing.signal);
  }

  /** @throws KubernetesError */
  get namespace(): string {
    this.connect();
    return this.#access?.namespace ?? 'default';
  }

  /** @throws KubernetesError */
  async get<T>(path: string): Promise<T> {
    return (await this.request(path, {})) as T;
  }

  /** @throws KubernetesError */
  async send(method: string, path: string, body: unknown, contentType?: string): Promise<object> {
    return this.request(path, { method, body, ...(contentType === undefined ? {} : { contentType }) });
  }

  /**
   * Watches until the server ends it, the signal does, or the connection breaks. Events as they come.
   * @param silenceMs it is given up when nothing was heard for so long
   * @throws KubernetesError; status 410 when the resource version is too old
   */
  async *watch<T>(path: string, signal: AbortSignal, silenceMs: number): AsyncGenerator<WatchEvent<T>> {
    const http = this.connect();
    const ends = new AbortController();
    const end = () => ends.abort();
    const both = [signal, this.#closing.signal];
    for (const one of both) one.addEventListener('abort', end);
    try {
      for (const one of both) one.throwIfAborted();
      const response = await http.open({
        path,
        headers: ACCEPT,
        signal: ends.signal,
        timeoutMs: this.timeoutMs,
      });
      const { statusCode: status = 0 } = response;
      if (kindOfStatus(status) !== null) throw this.refused(status, await firstLine(response));
      const lines = readLines(response, { maxBytes: MAX_ANSWER_BYTES, silenceMs });
      for await (const line of lines) yield this.eventOf<T>(line);
    } catch (error) {
      throw this.failed(error);
    } finally {
      for (const one of both) one.removeEventListener('abort', end);
    }
  }

  close(): void {
    this.#closing.abort(new KubernetesError('the connection to the cluster is closed', 0));
    this.#http?.close();
  }

  private async request(
    path: string,
    { method = 'GET', body, contentType = 'application/json', maxBytes }: Request,
  ): Promise<object> {
    const http = this.connect();
    try {
      const answer = await http.request({
        method,
        path,
        maxBytes,
        signal: this.#closing.signal,
        ...(body === undefined
          ? { headers: ACCEPT }
          : {
              headers: { ...ACCEPT, 'content-type': contentType },
              body: [Buffer.from(JSON.stringify(body))],
            }),
      });
      const text = answer.body.toString('utf8');
      if (kindOfStatus(answer.status) !== null) throw this.refused(answer.status, text);
      return parse(text) ?? this.fail('its answer is not that of an API server; is the address right?');
    } catch (error) {
      throw this.failed(error);
    }
  }

  private eventOf<T>(line: string): WatchEvent<T> {
    const { type, object } = (parse(line) ?? {}) as { type?: unknown; object?: unknown };
    if (typeof object !== 'object' || object === null)
      return this.fail('the watch sent something that is not an event');
    if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED' || type === 'BOOKMARK')
      return { type, object: object as T };
    const { code, message } = object as Status;
    throw new KubernetesError(
      typeof message === 'string' ? this.clean(message) : 'the watch failed',
      typeof code === 'number' ? code : 0,
    );
  }

  /** @throws KubernetesError */
  private connect(): HttpClient {
    if (this.#http !== null && !this.#isDoubted) return this.#http;
    try {
      const access = this.findAccess();
      if (this.#http === null || !isSame(access, this.#access)) {
        const http = httpClientOf(access, () => this.#access ?? access, this.timeoutMs);
        // Requests that are under way there use an access that is no longer valid.
        this.#http?.close();
        this.#http = http;
      }
      this.#access = access;
      this.#isDoubted = false;
      return this.#http;
    } catch (error) {
      throw new KubernetesError((error as Error).message, 0, { cause: error });
    }
  }

  private refused(status: number, text: string): KubernetesError {
    const { message } = (parse(text) ?? {}) as Status;
    return new KubernetesError(
      typeof message === 'string' ? this.clean(message) : `the API server answers ${status}`,
      status,
    );
  }

  private clean(message: string): string {
    return this.#http?.repeatable(message) ?? '';
  }

  private failed(error: unknown): unknown {
    if (error instanceof HttpFailure || (error instanceof KubernetesError && error.status === 401))
      this.#isDoubted = true;
    if (!(error instanceof HttpFailure)) return error;
    const what = error.code === 'credentials' ? error.why : `${this.subject} cannot be reached: ${error.why}`;
    return new KubernetesError(
      error.code === 'too_large' ? `${this.subject}: ${error.why}` : what,
      error.status ?? 0,
      { cause: error },
    );
  }

  private fail(why: string): never {
    this.#isDoubted = true;
    throw new KubernetesError(`${this.subject}: ${why}`, 0);
  }

  private get subject(): string {
    return this.#access === null
      ? 'the API server'
      : `the API server ${showUrl(new URL(this.#access.server)).replace(/\/$/, '')}`;
  }
}

/** `kubectl proxy`: who may answer on this machine. */
const LOCAL_PEER: PeerRules = {
  advice: 'use https, or set allow_http on the source where every user of this machine may answer',
};

const ACCEPT = { accept: 'application/json' };

function httpClientOf(access: ClusterAccess, current: () => ClusterAccess, timeoutMs: number): HttpClient {
  const { server, isHttpAllowed, ca, cert, key, serverName, proxy } = access;
  const identity = { ca, cert, key, serverName };
  const credentials: Credentials = {
    tls: () => identity,
    headers: async () => {
      try {
        const value = await current().token();
        return value === undefined ? {} : { authorization: `Bearer ${value}` };
      } catch (error) {
        throw new HttpFailure((error as Error).message, { code: 'credentials', kind: kindOf(error) });
      }
    },
    forget: () => current().forget?.(),
  };
  return new HttpClient({
    address: parseAddress(server, { allowHttp: isHttpAllowed, allowHttpBy: 'allow_http on the source' }),
    subject: 'the API server',
    credentials,
    proxy,
    peer: LOCAL_PEER,
    timeoutMs,
    maxBytes: MAX_ANSWER_BYTES,
  });
}

/** A missing token means missing rights, unless the machine is to blame. */
function kindOf(error: unknown): FailureKind {
  const kind = failureKindOf(error);
  return kind === 'mistake' ? 'forbidden' : kind;
}

const SAME = ['server', 'isHttpAllowed', 'ca', 'cert', 'key', 'serverName', 'namespace'] as const;

function isSame(a: ClusterAccess, b: ClusterAccess | null): boolean {
  return (
    b !== null &&
    a.proxy?.url.href === b.proxy?.url.href &&
    SAME.every((name) => String(a[name]) === String(b[name]))
  );
}

/** Null: it is not a JSON object. */
function parse(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** First line of an unsuccessful answer; a Status is on one line. */
async function firstLine(response: IncomingMessage): Promise<string> {
  for await (const line of readLines(response, { maxBytes: 64 * 1024, silenceMs: 5_000 })) return line;
  return '';
}
