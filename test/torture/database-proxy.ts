import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Troubles of connections to PostgreSQL. */
export type DatabaseTrouble = 'stopped' | 'hangs' | 'read-only' | 'out of connections';

/**
 * Stands between a real Kong and its PostgreSQL, so that the database of this Kong alone can be in trouble. It speaks
 * as much of the protocol (version 3, without TLS) as the first message of a connection needs.
 */
export class DatabaseProxy {
  #trouble: DatabaseTrouble | null = null;
  /** Answers to writes of certificates that are still to be lost. */
  #toLose = 0;
  /** Events about writes of certificates that are still to be lost. */
  #eventsToLose = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((client) => this.#serve(client));

  private constructor(private readonly upstream: { host: string; port: number }) {}

  static async start(upstream: { host: string; port: number }): Promise<DatabaseProxy> {
    const proxy = new DatabaseProxy(upstream);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that are open break when it begins and when it ends, except that one that hangs goes on. */
  async during(trouble: DatabaseTrouble, work: () => Promise<void>): Promise<void> {
    this.#trouble = trouble;
    if (trouble === 'hangs') for (const socket of this.#sockets) socket.pause();
    else this.#breakAll();
    try {
      await work();
    } finally {
      this.#trouble = null;
      this.#breakAll();
    }
  }

  /** The next so many writes of certificates are made meanwhile; their connections break before Kong gets the answer. */
  async losingAnswers(count: number, work: () => Promise<void>): Promise<void> {
    this.#toLose = count;
    try {
      await work();
    } finally {
      this.#toLose = 0;
    }
  }

  /** The next so many events about writes of certificates, which Kong's other nodes poll for, are lost meanwhile. */
  async losingEvents(count: number, work: () => Promise<void>): Promise<void> {
    this.#eventsToLose = count;
    try {
      await work();
    } finally {
      this.#eventsToLose = 0;
    }
  }

  async stop(): Promise<void> {
    this.#breakAll();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #breakAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(client: Socket): void {
    this.#track(client);
    if (this.#trouble === 'stopped') client.destroy();
    if (this.#trouble === 'out of connections')
      client.once('data', () => client.end(failure('53300', 'sorry, too many clients already')));
    if (this.#trouble !== null && this.#trouble !== 'read-only') return;
    const server = connect(this.upstream);
    this.#track(server);
    const isReadOnly = this.#trouble === 'read-only';
    client.once('data', (startup) => {
      server.write(isReadOnly ? withSetting(startup, 'default_transaction_read_only', 'on') : startup);
      client.pipe(server);
    });
    let isLost = false;
    client.on('data', (query) => {
      if (this.#eventsToLose > 0 && EVENT.test(query.toString('latin1'))) {
        this.#eventsToLose -= 1;
        server.destroy();
      }
      if (this.#toLose === 0 || !WRITE.test(query.toString('latin1'))) return;
      this.#toLose -= 1;
      isLost = true;
    });
    server.on('data', (answer) => {
      if (isLost) client.destroy();
      else client.write(answer);
    });
    server.on('end', () => client.end());
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
  }
}

const WRITE = /UPDATE "certificates"|DELETE\s+FROM "(certificates|snis)"/;
const EVENT = /INSERT INTO cluster_events[^]*'certificates:/;

/** A startup message with one parameter more: its length, the version, then names and values that end with a zero. */
function withSetting(startup: Buffer, name: string, value: string): Buffer {
  const grown = Buffer.concat([startup.subarray(0, -1), Buffer.from(`${name}\0${value}\0\0`)]);
  grown.writeInt32BE(grown.length, 0);
  return grown;
}

/** An ErrorResponse: fields with a letter each, which end with a zero. */
function failure(code: string, message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}
