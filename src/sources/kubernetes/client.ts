import * as https from 'node:https';
import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import type { ClusterAccess } from './credentials';

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

/** The few requests that the source makes, over node:https; the token is asked for anew with each. */
export class KubernetesClient {
  readonly #agent: https.Agent;
  readonly #url: URL;

  constructor(private readonly access: ClusterAccess) {
    this.#url = new URL(access.server);
    const { ca, cert, key } = access;
    this.#agent = new https.Agent({ keepAlive: true, maxSockets: 8, ca, cert, key });
  }

  get namespace(): string {
    return this.access.namespace;
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
      TIMEOUT_MS,
    );
    return parse(await readAll(response));
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
      if (failure.error !== undefined) throw unreachable(this.access.server, failure.error);
    } finally {
      response.destroy();
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  /** @returns a response with status 2xx */
  private async open(
    method: string,
    path: string,
    payload: { body: unknown; contentType: string } | undefined,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const token = await this.access.token();
    const text = payload === undefined ? undefined : Buffer.from(JSON.stringify(payload.body));
    const headers = {
      accept: 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(payload === undefined
        ? {}
        : { 'content-type': payload.contentType, 'content-length': text?.length }),
    };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = https.request(
        {
          hostname: this.#url.hostname.replace(/^\[|\]$/g, ''),
          port: this.#url.port === '' ? 443 : this.#url.port,
          path: `${this.#url.pathname.replace(/\/$/, '')}${path}`,
          method,
          headers,
          agent: this.#agent,
          ...(signal === undefined ? {} : { signal }),
        },
        resolve,
      );
      request.setTimeout(timeoutMs, () =>
        request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)),
      );
      request.on('error', (error) => reject(unreachable(this.access.server, error)));
      request.end(text);
    });
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    const answer = parse(await readAll(response)) as Status | null;
    throw new KubernetesError(answer?.message ?? `the API server answered ${status}`, status);
  }
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function unreachable(server: string, error: Error): KubernetesError {
  const { code = '' } = error as NodeJS.ErrnoException;
  const advice: Record<string, string> = {
    ENOTFOUND: 'its name is unknown: is this a pod, and does DNS work?',
    ECONNREFUSED: 'connection refused',
    DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is of another CA than ca.crt',
    SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is of another CA than ca.crt',
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is of another CA than ca.crt',
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is of another CA than ca.crt',
    CERT_HAS_EXPIRED: 'its certificate has expired',
    ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  };
  return new KubernetesError(
    `the API server ${server} cannot be reached: ${advice[code] ?? error.message}`,
    0,
    {
      cause: error,
    },
  );
}
