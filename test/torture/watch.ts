import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually';
import { OpenConnection, servedLeaf } from '../support/tls';
import type { Look } from './judge';

const PAUSE_MS = 20;
const REQUEST_PAUSE_MS = 50;

/** Looks at what Kong serves from beginning to end: handshakes for each name in turn, requests over one connection. */
export class Watch {
  readonly handshakes: Look[] = [];
  readonly requests: Look[] = [];
  #isOver = false;
  readonly #loops: Promise<void>[];

  constructor(
    private readonly port: () => number,
    private readonly names: () => readonly string[],
  ) {
    this.#loops = [this.#shakeHands(), this.#keepAsking()];
  }

  /** Resolves once it has seen each name, and has a connection that is open. */
  async begun(): Promise<void> {
    await eventually(
      'the watch has begun',
      () => this.handshakes.length >= this.names().length && this.requests.length > 0,
    );
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#loops);
  }

  async #shakeHands(): Promise<void> {
    while (!this.#isOver) {
      for (const name of this.names()) {
        this.handshakes.push(await look(name, () => servedLeaf(this.port(), name)));
        await sleep(PAUSE_MS);
      }
    }
  }

  async #keepAsking(): Promise<void> {
    let connection: OpenConnection | null = null;
    const name = this.names()[0] ?? '';
    let isLast = false;
    while (!isLast) {
      // A connection that was ended since it was asked is noticed by one more request.
      isLast = this.#isOver;
      try {
        connection ??= await OpenConnection.open(this.port(), name);
      } catch {
        // Handshakes count in the other loop.
        await sleep(REQUEST_PAUSE_MS);
        continue;
      }
      const open: OpenConnection = connection;
      const { fingerprint: _, ...seen } = await look(name, () => open.ask());
      this.requests.push({ ...seen, fingerprint: null });
      if (seen.error !== null) connection = null;
      await sleep(REQUEST_PAUSE_MS);
    }
    connection?.close();
  }
}

async function look(name: string, work: () => Promise<string>): Promise<Look> {
  const from = performance.now();
  try {
    const fingerprint = await work();
    return { name, from, to: performance.now(), fingerprint, error: null };
  } catch (error) {
    return { name, from, to: performance.now(), fingerprint: null, error: (error as Error).message };
  }
}
