import * as http from 'node:http';
import * as net from 'node:net';
import type { Duplex } from 'node:stream';
import * as tls from 'node:tls';
import { toHttpFailure } from './failure';
import { openTunnel } from './proxy';
import type { Address } from './address';

/** Trust and identity of a connection, as PEM. */
export interface TlsIdentity {
  /** Undefined: the CAs of Node.js. */
  ca?: string | Buffer | undefined;
  cert?: string | Buffer | undefined;
  key?: string | Buffer | undefined;
  /** Name that the certificate must have; default: the host. */
  serverName?: string | undefined;
}

export interface AgentOptions {
  identity: TlsIdentity;
  isSecure: boolean;
  /** Undefined: TCP. */
  socketPath?: string | undefined;
  /** Node does not verify the server's certificate: `check` does, or nothing can. */
  isUnverified?: boolean;
  proxy?: Address | undefined;
  /** Checks a connection before the first octet of a request is sent on it. Throws HttpFailure. */
  check?: ((socket: net.Socket) => Promise<void>) | undefined;
  maxSockets: number;
  /** Milliseconds after which an unused connection is closed; default: decided by the server. */
  keepMs?: number | undefined;
  /** Limit for opening the tunnel through a proxy. */
  timeoutMs: number;
}

type Created = (error: Error | null, socket: Duplex) => void;

/** The part of the options of Node.js's agents that is used. */
interface ConnectOptions {
  host: string;
  port: number;
  /** Empty for an IP address. */
  servername: string;
  keepAlive?: boolean;
  keepAliveInitialDelay?: number;
  noDelay?: boolean;
}

/** Connections to one place, kept for the next request. */
export class Agent extends http.Agent {
  // Node.js compares it with the protocol of the request.
  readonly protocol: string;
  readonly defaultPort: number;
  readonly #context: tls.SecureContext | undefined;
  /** The last TLS session, which makes the next handshake short. */
  #session: Buffer | undefined;

  constructor(private readonly own: AgentOptions) {
    const { maxSockets, keepMs } = own;
    super({
      keepAlive: true,
      maxSockets,
      scheduling: 'lifo',
      ...(keepMs === undefined ? {} : { timeout: keepMs }),
    });
    this.protocol = own.isSecure ? 'https:' : 'http:';
    this.defaultPort = own.isSecure ? 443 : 80;
    const { ca, cert, key } = own.identity;
    this.#context = own.isSecure ? tls.createSecureContext({ ca, cert, key }) : undefined;
  }

  /** All connections lead to one place, so one name suffices. */
  override getName(): string {
    return '';
  }

  override createConnection(options: http.ClientRequestArgs, created?: Created): net.Socket | undefined {
    const { host, port, servername, keepAlive, keepAliveInitialDelay, noDelay } = options as ConnectOptions;
    const { proxy, socketPath, isSecure, timeoutMs, identity } = this.own;
    // Not all options: they include the request's path, which would be taken as that of a unix socket.
    const tcp = { host, port, keepAlive, keepAliveInitialDelay, noDelay };
    if (proxy !== undefined) {
      const target = `${net.isIPv6(host) ? `[${host}]` : host}:${port}`;
      openTunnel(proxy, target, timeoutMs, identity.ca).then(
        (socket) => created?.(null, isSecure ? this.secure({ socket, host }, servername) : socket),
        (error: unknown) => created?.(error as Error, undefined as unknown as Duplex),
      );
      // Node.js then waits for the socket that `created` gets.
      return undefined;
    }
    if (socketPath !== undefined) return this.checked(net.connect({ path: socketPath }), 'connect');
    if (!isSecure) return this.checked(net.connect(tcp), 'connect');
    return this.checked(this.secure(tcp, servername), 'secureConnect');
  }

  /** Closes unused connections, and the others once they are unused. */
  retire(): void {
    this.maxFreeSockets = 0;
    for (const socket of Object.values(this.freeSockets).flat()) socket?.destroy();
  }

  private secure(where: tls.ConnectionOptions, host: string): tls.TLSSocket {
    const { identity, isUnverified = false } = this.own;
    const socket = tls.connect({
      ...where,
      secureContext: this.#context,
      servername: identity.serverName ?? host,
      rejectUnauthorized: !isUnverified,
      session: this.#session,
    });
    socket.on('session', (session) => (this.#session = session));
    socket.once('close', (failed) => {
      if (failed) this.#session = undefined;
    });
    return socket;
  }

  /** Data written to the socket waits until the connection was checked. */
  private checked(socket: net.Socket, event: 'connect' | 'secureConnect'): net.Socket {
    const { check } = this.own;
    if (check === undefined) return socket;
    socket.cork();
    socket.once(event, () => {
      check(socket).then(
        () => socket.uncork(),
        (error: unknown) => socket.destroy(toHttpFailure(error)),
      );
    });
    return socket;
  }
}
