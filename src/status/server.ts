import { existsSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { listenOnPath } from '../common/unix-socket';
import type { StatusBackend } from './backend';
import { parseListenAddress } from './listen-address';
import { refuse, setCommonHeaders } from './response';
import { Routes, type Door } from './routes';

interface StatusServerOptions {
  backend: StatusBackend;
  /** Logs an event; a lasting trouble once. */
  say: (level: 'info' | 'warn', message: string, fields: { listen?: string; detail?: string }) => void;
}

/** A client that neither sends nor reads for this long is gone. */
const IDLE_MS = 10_000;
const MAX_CONNECTIONS = 64;
const MAX_BODY_BYTES = 64 * 1024;

/**
 * Shows the status on a unix socket and on TCP addresses. No trouble is thrown: a port in use is logged and tried
 * again, hanging clients are dropped.
 */
export class StatusServer {
  readonly #routes: Routes;
  #socket: Server | null = null;
  readonly #tcp = new Map<string, Server>();
  /** Present trouble of each address. */
  readonly #troubles = new Map<string, string>();
  #busy: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: StatusServerOptions) {
    this.#routes = new Routes(options.backend);
  }

  /** Addresses it listens on, with the port that the system chose for port 0. */
  get addresses(): string[] {
    return [...this.#tcp.values()].map((server) => {
      const { address, port, family } = server.address() as AddressInfo;
      return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
    });
  }

  /** Listens on a unix socket unless it already does; again where an older Kong removed it at its start. */
  async listenOnSocket(path: string): Promise<void> {
    if (this.#socket !== null && existsSync(path)) return;
    if (this.#socket !== null) void end(this.#socket);
    this.#socket = null;
    const server = this.create({ isUnix: true, isLoopback: true });
    try {
      await listenOnPath(server, path);
      this.#socket = server;
      this.#troubles.delete(path);
    } catch (error) {
      server.close();
      this.trouble(path, error);
    }
  }

  /** Listens on these addresses and no others; to be called now and then, for ports that were in use. */
  setAddresses(wanted: readonly string[]): Promise<void> {
    const next = this.#busy.then(() => this.adapt(wanted));
    this.#busy = next;
    return next;
  }

  async close(): Promise<void> {
    await this.setAddresses([]);
    if (this.#socket !== null) await end(this.#socket);
    this.#socket = null;
  }

  private async adapt(wanted: readonly string[]): Promise<void> {
    for (const [address, server] of this.#tcp) {
      if (wanted.includes(address)) continue;
      this.#tcp.delete(address);
      await end(server);
    }
    for (const address of this.#troubles.keys()) {
      if (!wanted.includes(address) && !address.startsWith('/')) this.#troubles.delete(address);
    }
    for (const address of new Set(wanted)) if (!this.#tcp.has(address)) await this.listen(address);
  }

  private async listen(address: string): Promise<void> {
    try {
      const { host, port, isLoopback } = parseListenAddress(address);
      const server = this.create({ isUnix: false, isLoopback });
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host, port }, () => {
          server.off('error', reject);
          resolve();
        });
      });
      this.#tcp.set(address, server);
      this.#troubles.delete(address);
      this.options.say('info', 'status is shown', { listen: this.addresses.at(-1) ?? address });
    } catch (error) {
      this.trouble(address, error);
    }
  }

  private trouble(where: string, error: unknown): void {
    const { code, message } = error as NodeJS.ErrnoException;
    const words: Record<string, string> = {
      EADDRINUSE: 'the port is in use; it is tried again until it is free',
      EADDRNOTAVAIL: 'this machine has no such address',
      EACCES: 'permission denied',
      ENOENT: 'its folder does not exist',
      EROFS: 'the file system is read-only',
      EINVAL: 'the path is too long for a socket',
    };
    const detail = words[code ?? ''] ?? message;
    if (this.#troubles.get(where) === detail) return;
    this.#troubles.set(where, detail);
    this.options.say('warn', 'status is not shown', { listen: where, detail });
  }

  private create(door: Door): Server {
    const server = createServer(
      {
        // A slow or endless request costs a few kilobytes for a few seconds.
        headersTimeout: 5_000,
        requestTimeout: 10_000,
        connectionsCheckingInterval: 1_000,
        keepAliveTimeout: 5_000,
        maxHeaderSize: 8 * 1024,
      },
      (request, response) => void this.answer(request, response, door),
    );
    server.maxConnections = MAX_CONNECTIONS;
    server.timeout = IDLE_MS;
    return server;
  }

  private async answer(request: IncomingMessage, response: ServerResponse, door: Door): Promise<void> {
    response.on('error', () => undefined);
    setCommonHeaders(response);
    drain(request);
    try {
      await this.#routes.answer(request, response, door);
    } catch (error) {
      this.options.say('warn', 'a status request failed', {
        detail: (error as Error).message,
      });
      if (response.headersSent) {
        response.destroy();
        return;
      }
      for (const ofAnswer of ['content-encoding', 'etag']) response.removeHeader(ofAnswer);
      refuse(response, 500, 'the status cannot be shown; the log says why');
    }
  }
}

/** No request needs a body: one that comes is discarded, up to a limit. */
function drain(request: IncomingMessage): void {
  let size = 0;
  request.on('error', () => undefined);
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) request.destroy();
  });
}

function end(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
