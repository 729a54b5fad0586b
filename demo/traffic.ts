import * as https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

export interface TrafficReport {
  connections: number;
  requests: number;
  /** Requests that got no answer, and connections that had to be opened anew. */
  dropped: number;
}

/** Clients that keep their TLS connection open and send one request after the other over it. */
export class Traffic {
  readonly #report: TrafficReport = { connections: 0, requests: 0, dropped: 0 };
  readonly #clients: Promise<void>[] = [];
  #stopped = false;

  constructor(
    private readonly port: number,
    private readonly servername: string,
  ) {}

  start(connections: number): void {
    this.#report.connections = connections;
    for (let i = 0; i < connections; i++) this.#clients.push(this.client());
  }

  async stop(): Promise<TrafficReport> {
    this.#stopped = true;
    await Promise.all(this.#clients);
    return this.#report;
  }

  private async client(): Promise<void> {
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, maxCachedSessions: 0 });
    let local = 0;
    while (!this.#stopped) {
      try {
        const port = await this.request(agent);
        if (local !== 0 && port !== local) this.#report.dropped += 1;
        local = port;
      } catch {
        this.#report.dropped += 1;
      }
      this.#report.requests += 1;
      await sleep(10);
    }
    agent.destroy();
  }

  /** @returns the local port: another one means that the connection was not kept */
  private request(agent: https.Agent): Promise<number> {
    const { port, servername } = this;
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port, servername, agent, rejectUnauthorized: false, path: '/' };
      const request = https.get(options, (response) => {
        const local = response.socket.localPort ?? 0;
        response.resume();
        response.on('end', () => resolve(local));
        response.on('error', reject);
      });
      request.on('error', reject);
    });
  }
}
