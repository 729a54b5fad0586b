import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { readBody, Requests } from '../common/request';
import type { FailureKind } from '../model';
import type { ClusterAccess } from './service-account';

/** An answer of the API server that is no success, or no answer. */
export class KubernetesError extends Error {
  override readonly name = 'KubernetesError';

  constructor(
    message: string,
    /** HTTP status; 0 when there was no answer. */
    readonly status: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  get failureKind(): FailureKind {
    if (this.status === 409) return 'conflict';
    return this.status === 401 || this.status === 403 ? 'forbidden' : 'away';
  }
}

/** What the API server says when something is wrong (meta/v1 Status). */
interface Status {
  message?: string;
  code?: number;
}

export interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: T & Status;
}

const TIMEOUT_MS = 30_000;

/** The few requests that the source makes; the token is asked for anew with each. */
export class KubernetesClient {
  readonly #requests = new Requests();
  #access: ClusterAccess | null = null;

  constructor(
    /**
     * Called with the first request, and with the next one after a failure: what is missing or wrong may be mended
     * meanwhile, and a CA be renewed. Throws a sentence saying what it is.
     */
    private readonly findAccess: () => ClusterAccess,
    /** For how long an answer may keep silent, in milliseconds. */
    private readonly timeoutMs = TIMEOUT_MS,
  ) {}

  /** @throws KubernetesError */
  get namespace(): string {
    return this.access().namespace;
  }

  /** @throws KubernetesError */
  async get<T>(path: string): Promise<T> {
    return (await this.send('GET', path)) as T;
  }

  /** @throws KubernetesError */
  async send(
    method: string,
    path: string,
    body?: unknown,
    contentType = 'application/json',
  ): Promise<unknown> {
    const response = await this.open(
      method,
      path,
      body === undefined ? undefined : { body, contentType },
      this.timeoutMs,
    );
    return parse(await this.readAll(response));
  }

  /**
   * Watches until the server ends it, the signal does, or the connection breaks. Events as they come.
   * @throws KubernetesError; status 410 when the resource version is too old
   */
  async *watch<T>(path: string, signal: AbortSignal, idleMs: number): AsyncGenerator<WatchEvent<T>> {
    const response = await this.open('GET', path, undefined, idleMs, signal);
    const lines = createInterface({ input: response, crlfDelay: Infinity });
    const failure: { error?: Error } = {};
    response.on('error', (error) => (failure.error = error));
    try {
      for await (const line of lines) {
        const event = parse(line) as WatchEvent<T> | null;
        if (event === null) throw new KubernetesError('the watch sent something that is not JSON', 0);
        if (event.type === 'ERROR') {
          throw new KubernetesError(event.object.message ?? 'the watch failed', event.object.code ?? 0);
        }
        yield event;
      }
      if (failure.error !== undefined) throw this.unreachable(failure.error);
    } finally {
      response.destroy();
    }
  }

  close(): void {
    this.#requests.close();
  }

  private async readAll(response: IncomingMessage): Promise<string> {
    try {
      return (await readBody(response)).toString('utf8');
    } catch (error) {
      throw this.unreachable(error as Error);
    }
  }

  /** @returns a response with status 2xx */
  private async open(
    method: string,
    path: string,
    payload: { body: unknown; contentType: string } | undefined,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const access = this.access();
    const { server, ca, cert, key } = access;
    const token = await access.token();
    const response = await this.#requests
      .open({
        url: new URL(server.replace(/\/$/, '') + path),
        method,
        headers: {
          accept: 'application/json',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(payload === undefined ? {} : { 'content-type': payload.contentType }),
        },
        body: payload === undefined ? undefined : Buffer.from(JSON.stringify(payload.body)),
        idleMs: timeoutMs,
        signal,
        ca,
        cert,
        key,
      })
      .catch((error: unknown) => {
        throw this.unreachable(error as Error);
      });
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    if (status === 401) this.#access = null;
    const answer = parse(await this.readAll(response)) as Status | null;
    throw new KubernetesError(answer?.message ?? `the API server answered ${status}`, status);
  }

  private access(): ClusterAccess {
    try {
      return (this.#access ??= this.findAccess());
    } catch (error) {
      throw new KubernetesError((error as Error).message, 0, { cause: error });
    }
  }

  private unreachable(error: Error): KubernetesError {
    const where = this.#access === null ? '' : ` ${this.#access.server}`;
    this.#access = null;
    return new KubernetesError(`the API server${where} cannot be reached: ${error.message}`, 0, {
      cause: error,
    });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
