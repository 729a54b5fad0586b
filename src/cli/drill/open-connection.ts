import { connect as connectTcp } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TlsListener } from '../../gateway';

const TIMEOUT_MS = 10_000;
/** Slow enough for the whole drill: nginx closes a connection after a thousand requests. */
const PAUSE_MS = 25;

/** A client that keeps one connection open and goes on sending requests over it. */
export class OpenConnection {
  answered = 0;
  /** Why it broke; empty while it is open. */
  problem = '';
  #isOver = false;
  #running: Promise<void> = Promise.resolve();

  private constructor(
    private readonly socket: TLSSocket,
    private readonly servername: string,
  ) {}

  /** @throws Error where the handshake fails */
  static open({ host, port, proxyProtocol }: TlsListener, servername: string): Promise<OpenConnection> {
    return new Promise((resolve, reject) => {
      const tcp = connectTcp({ host, port });
      if (proxyProtocol) tcp.write('PROXY UNKNOWN\r\n');
      // The handshake only has to succeed; whether the throw-away authority is trusted does not matter here.
      const socket = connect({ socket: tcp, servername, rejectUnauthorized: false });
      socket.setTimeout(TIMEOUT_MS, () =>
        socket.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)),
      );
      socket.once('error', reject);
      socket.once('secureConnect', () => {
        socket.off('error', reject);
        resolve(new OpenConnection(socket, servername));
      });
    });
  }

  start(): void {
    this.socket.setEncoding('latin1');
    this.socket.on('error', (error: Error) => (this.problem = error.message));
    this.#running = this.run();
  }

  /** Sends a last request, so that there is one after everything else, and ends it. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
    await this.count();
    this.socket.destroy();
  }

  private async run(): Promise<void> {
    while (!this.#isOver && this.problem === '') {
      await this.count();
      await sleep(PAUSE_MS);
    }
  }

  private async count(): Promise<void> {
    if (this.problem !== '') return;
    try {
      await this.ask();
      this.answered += 1;
    } catch (error) {
      this.problem ||= (error as Error).message;
    }
  }

  /** Sends one request; any answer of Kong's counts (usually `no Route matched`). */
  private ask(): Promise<void> {
    return new Promise((resolve, reject) => {
      let text = '';
      const done = (error?: Error) => {
        this.socket.off('data', onData).off('close', onClose);
        if (error === undefined) resolve();
        else reject(error);
      };
      const onClose = () => done(new Error('Kong closed the connection'));
      const onData = (part: string) => {
        text += part;
        if (!text.includes('\r\n\r\n')) return;
        done(/^connection: *close/im.test(text) ? new Error('Kong keeps no connection open') : undefined);
      };
      this.socket.on('data', onData).once('close', onClose);
      this.socket.write(`HEAD /ssl-cert-reloader-drill HTTP/1.1\r\nhost: ${this.servername}\r\n\r\n`);
    });
  }
}
