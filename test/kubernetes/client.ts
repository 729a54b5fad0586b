import { Agent, request, type RequestOptions as HttpsOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';

export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    [field: string]: unknown;
  };
  [field: string]: unknown;
}

export interface Answer {
  status: number;
  /** Parsed where it is JSON, else the text. */
  body: unknown;
}

export interface CallOptions {
  /** Default: the administrator's; null sends none. */
  token?: string | null;
  /** Default `application/json`. */
  contentType?: string;
}

export interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  /** With ERROR: a `Status`, with its HTTP-like `code`. */
  object: Record<string, unknown>;
}

/** A watch that is open or was; `events` grows. */
export interface Watch {
  readonly status: number;
  /** Oldest first. An answer other than 200 is one ERROR. */
  readonly events: readonly WatchEvent[];
  isOpen(): boolean;
  close(): void;
}

/** The API server answered, and not with what was asked for. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly status: number,
    what: string,
    readonly body: unknown,
  ) {
    const reason = (body as { message?: unknown } | null)?.message ?? body;
    super(`${what}: ${status}: ${typeof reason === 'string' ? reason : JSON.stringify(reason)}`);
  }
}

/** A small client of the API; it retries nothing. */
export class ApiClient {
  #agent: Agent;

  constructor(
    readonly url: string,
    private readonly ca: string,
    private readonly adminToken: string,
  ) {
    this.#agent = this.#newAgent();
  }

  /** @throws Error where there is no answer; any status is an answer */
  async request(method: string, path: string, body?: unknown, options: CallOptions = {}): Promise<Answer> {
    const response = await this.#send(method, path, body, options);
    let text = '';
    for await (const chunk of response) text += chunk as string;
    return { status: response.statusCode ?? 0, body: parse(text) };
  }

  /** @throws ApiError where the status is not 2xx */
  async must<T = KubernetesObject>(
    method: string,
    path: string,
    body?: unknown,
    options: CallOptions = {},
  ): Promise<T> {
    const answer = await this.request(method, path, body, options);
    if (answer.status < 200 || answer.status > 299) {
      throw new ApiError(answer.status, `${method} ${path}`, answer.body);
    }
    return answer.body as T;
  }

  /** Resolves when the answer has begun. @param path with its query; `watch=1` is added */
  async watch(path: string, options: CallOptions = {}): Promise<Watch> {
    const separator = path.includes('?') ? '&' : '?';
    const response = await this.#send('GET', `${path}${separator}watch=1`, undefined, options);
    const status = response.statusCode ?? 0;
    const events: WatchEvent[] = [];
    let open = true;
    let rest = '';
    response.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const event = JSON.parse(line) as Record<string, unknown>;
        events.push(status === 200 ? (event as unknown as WatchEvent) : { type: 'ERROR', object: event });
      }
    });
    // A server that goes away resets the connection: that ends a watch as well.
    response.on('error', () => undefined);
    response.once('close', () => (open = false));
    return { status, events, isOpen: () => open, close: () => void response.destroy() };
  }

  /** Forgets the connections, for a server that was restarted. */
  reset(): void {
    this.#agent.destroy();
    this.#agent = this.#newAgent();
  }

  close(): void {
    this.#agent.destroy();
  }

  #newAgent(): Agent {
    return new Agent({ ca: this.ca, keepAlive: true });
  }

  #send(method: string, path: string, body: unknown, options: CallOptions): Promise<IncomingMessage> {
    const token = options.token === undefined ? this.adminToken : options.token;
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const httpsOptions: HttpsOptions = {
      method,
      agent: this.#agent,
      headers: {
        accept: 'application/json',
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(text === undefined ? {} : { 'content-type': options.contentType ?? 'application/json' }),
      },
    };
    return new Promise((resolve, reject) => {
      const call = request(this.url + path, httpsOptions, (response) => {
        response.setEncoding('utf8');
        resolve(response);
      });
      call.once('error', reject);
      call.end(text);
    });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
