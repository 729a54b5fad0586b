import { createHash } from 'node:crypto';
import {
  Agent,
  createServer,
  request,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A request as it arrived, and its connection. */
export interface Exchange {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  socket: Socket;
  response: ServerResponse;
  /** Has the Admin API execute it. */
  forward: () => Promise<Answer>;
}

export interface Answer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Buffer;
}

/** Happens instead of passing on a request and its answer. */
export type Misdeed = (exchange: Exchange) => Promise<void> | void;

export const isWrite = ({ method }: { method: string }): boolean => method !== 'GET' && method !== 'HEAD';

/**
 * Stands between the plugin and the Admin API of any Kong, and does to requests what a fault asks for. Other writers
 * and the judge ask Kong itself.
 */
export class AdminProxy {
  /** Kong's Admin API; requests are reset while there is none. */
  upstream: string | null = null;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #server = createServer((incoming, response) => void this.#handle(incoming, response));
  #misdeed: Misdeed | null = null;
  #applies: (exchange: { method: string; path: string }) => boolean = () => true;
  #writes = 0;
  #held: Socket[] = [];
  /** Number of writes of certificates, by their content. */
  readonly #made = new Map<string, number>();

  static async start(): Promise<AdminProxy> {
    const proxy = new AdminProxy();
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Requests that were to change something. */
  get writes(): number {
    return this.#writes;
  }

  /** Until `work` is over. */
  async during(
    misdeed: Misdeed,
    work: () => Promise<void>,
    applies: (exchange: { method: string; path: string }) => boolean = () => true,
  ): Promise<void> {
    this.#misdeed = misdeed;
    this.#applies = applies;
    try {
      await work();
    } finally {
      this.#misdeed = null;
      for (const socket of this.#held.splice(0)) socket.destroy();
    }
  }

  /** Writes of certificates that were made more than once since it was asked for the last time. */
  takeRepeated(): string[] {
    const repeated = [...this.#made].filter(([, times]) => times > 1).map(([write]) => write);
    this.#made.clear();
    return repeated;
  }

  /** Keeps a request without an answer until the fault is over. */
  readonly hold: Misdeed = ({ socket }) => void this.#held.push(socket);

  async stop(): Promise<void> {
    this.#agent.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url: path = '/', headers, socket } = incoming;
    response.on('error', () => undefined);
    if (isWrite({ method })) this.#writes++;
    const body = await bodyOf(incoming);
    const exchange: Exchange = {
      ...{ method, path, headers, socket, response },
      forward: () => this.#forward(incoming, body),
    };
    try {
      if (this.#misdeed !== null && this.#applies(exchange)) await this.#misdeed(exchange);
      else pass(response, await exchange.forward());
    } catch {
      socket.destroy();
    }
  }

  #count(what: string, body: Buffer): void {
    const certificates = body.toString().match(/-----BEGIN CERTIFICATE-----[^-]+/g) ?? [];
    if (certificates.length === 0) return;
    // However a document is indented and ordered.
    const texts = certificates.map((text) => text.replace(/\\n|\s/g, '')).sort();
    const write = `${what} (${createHash('sha256').update(texts.join()).digest('hex').slice(0, 8)})`;
    this.#made.set(write, (this.#made.get(write) ?? 0) + 1);
  }

  #forward({ method = 'GET', url, headers }: IncomingMessage, body: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.upstream === null) {
        reject(new Error('there is no Kong yet'));
        return;
      }
      const sent = request(
        `${this.upstream}${url ?? '/'}`,
        { method, headers, agent: this.#agent },
        (answer) => {
          const { statusCode: status = 0, headers: answered } = answer;
          if (isWrite({ method }) && status < 300) this.#count(`${method} ${url ?? '/'}`, body);
          bodyOf(answer).then((octets) => resolve({ status, headers: answered, body: octets }), reject);
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

async function bodyOf(stream: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

export function pass(response: ServerResponse, { status, headers, body }: Answer): void {
  const { 'transfer-encoding': _, connection: __, ...rest } = headers;
  response.writeHead(status, { ...rest, 'content-length': body.length }).end(body);
}

export const reset: Misdeed = ({ socket }) => void socket.destroy();

export const answer =
  (status: number, body: object | string = {}, headers: Record<string, string> = {}): Misdeed =>
  ({ response }) =>
    void response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(typeof body === 'string' ? body : JSON.stringify(body));

export const slow =
  (ms: number): Misdeed =>
  async ({ response, forward }) => {
    await sleep(ms);
    pass(response, await forward());
  };

/** The request is executed, and the connection breaks before its answer. */
export const loseAnswer: Misdeed = async ({ socket, forward }) => {
  await forward();
  socket.destroy();
};

/** The answer ends in the middle. */
export const cutAnswer: Misdeed = async ({ socket, forward }) => {
  const { body } = await forward();
  const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  socket.end(Buffer.concat([Buffer.from(head), body.subarray(0, body.length >> 1)]));
};

export const garbage: Misdeed = ({ socket }) =>
  void socket.end(Buffer.from([0, 255, 1, 254, 13, 10, 13, 10]));
