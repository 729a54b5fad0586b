import { randomBytes } from 'node:crypto';
import * as http from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { TLSSocket, type SecureContext } from 'node:tls';
import { listenOn } from '../../support/port';
import { readServerName } from './client-hello';
import { makeContext, type Pairs } from './contexts';

export interface ProxyOptions {
  tlsPort: number;
  httpPort: number;
  defaultCertificate: Pairs;
  /** Null: the default certificate. @throws Error where the handshake has to fail */
  contextFor: (serverName: string) => SecureContext | null;
}

/** nginx allows a client this long for its hello. */
const HELLO_TIMEOUT_MS = 60_000;

/** Kong's proxy listeners. No route is configured behind them, but for two paths that tests need. */
export class Proxy {
  readonly #tls: Server;
  readonly #http: http.Server;
  readonly #sockets = new Set<Socket>();
  readonly #busy = new Set<Socket>();
  #defaultContext: SecureContext;
  #accepted = 0;
  #requests = 0;

  constructor(private readonly options: ProxyOptions) {
    this.#defaultContext = makeContext(options.defaultCertificate);
    this.#http = http.createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
      this.#answer(request, response);
    });
    this.#http.on('connection', (socket) => {
      this.#track(socket);
    });
    this.#tls = createServer((socket) => {
      this.#track(socket);
      this.#awaitHello(socket);
    });
    for (const server of [this.#tls, this.#http]) server.on('connection', () => this.#accepted++);
  }

  async listen(): Promise<{ tlsPort: number; httpPort: number }> {
    const tlsPort = await listenOn(this.#tls, this.options.tlsPort);
    return { tlsPort, httpPort: await listenOn(this.#http, this.options.httpPort) };
  }

  /** For connections from now on. @throws Error where the two do not belong together */
  setDefaultCertificate(pair: Pairs): void {
    this.#defaultContext = makeContext(pair);
  }

  /** Closes connections without a request in flight, like old workers at a reload. */
  closeIdle(): void {
    for (const socket of this.#sockets) {
      if (socket instanceof TLSSocket && !this.#busy.has(socket)) socket.end();
    }
  }

  counters(): { accepted: number; active: number; requests: number } {
    return { accepted: this.#accepted, active: this.#sockets.size, requests: this.#requests };
  }

  async close(): Promise<void> {
    const closed = [this.#tls, this.#http].map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    );
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  /**
   * Node's own server keeps the default certificate beside the one that its SNI callback gives, and takes only one
   * of two twins from there. So the name is read first, and the handshake done with that name's context alone.
   */
  #awaitHello(socket: Socket): void {
    let bytes = Buffer.alloc(0);
    socket.setTimeout(HELLO_TIMEOUT_MS, () => socket.destroy());
    socket.on('data', (part: Buffer) => {
      bytes = Buffer.concat([bytes, part]);
      const serverName = readServerName(bytes);
      if (serverName === undefined) return;
      socket.removeAllListeners('data');
      socket.pause();
      socket.setTimeout(0);
      socket.unshift(bytes);
      this.#shakeHands(socket, serverName);
    });
  }

  #shakeHands(socket: Socket, serverName: string | null): void {
    let secureContext: SecureContext;
    try {
      const own = serverName === null ? null : this.options.contextFor(serverName);
      secureContext = own ?? this.#defaultContext;
    } catch {
      socket.destroy();
      return;
    }
    const secure = new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: ['http/1.1'] });
    // A failed handshake is the client's to notice.
    secure.on('error', () => secure.destroy());
    secure.once('secure', () => this.#http.emit('connection', secure));
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    this.#requests++;
    const { socket } = request;
    this.#busy.add(socket);
    response.once('close', () => this.#busy.delete(socket));
    request.resume();
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const send = (status: number, body: object) => {
      const text = JSON.stringify({ ...body, request_id: randomBytes(16).toString('hex') });
      response.writeHead(status, {
        'content-type': 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(text),
        server: 'kong/3.9.1',
      });
      response.end(text);
    };
    if (pathname === '/slow') {
      setTimeout(() => send(200, { message: 'slow' }), Number(searchParams.get('ms') ?? '0'));
    } else if (pathname === '/echo') send(200, { message: 'echo' });
    else send(404, { message: 'no Route matched with those values' });
  }
}
