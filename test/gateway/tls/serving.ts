import type { SecureContext } from 'node:tls';
import type { Store } from '../entities/store';
import { Overrides } from './overrides';
import { Worker } from './worker';

/** The workers, and which of them takes the next handshake. */
export class Serving {
  readonly workers: readonly Worker[];
  readonly overrides = new Overrides();
  readonly #turns = new Map<string, number>();

  constructor(store: Store, workerCount: number) {
    const { holdBack } = this.overrides;
    this.workers = Array.from({ length: workerCount }, (_, index) => new Worker(index, store, holdBack));
  }

  /** Null: the default certificate. */
  contextFor(serverName: string): SecureContext | null {
    const worker = this.#nextWorker(serverName);
    const instead = this.overrides.contextFor(serverName);
    if (instead !== undefined) return instead;
    const row = worker.find(serverName);
    return row === null ? null : worker.context(row);
  }

  release(): void {
    this.overrides.unfreeze();
    for (const worker of this.workers) worker.release();
  }

  /** In turn for each name, so that as many handshakes for a name as there are workers meet every worker. */
  #nextWorker(serverName: string): Worker {
    const turn = this.#turns.get(serverName) ?? 0;
    this.#turns.set(serverName, turn + 1);
    const worker = this.workers[turn % this.workers.length];
    if (worker === undefined) throw new Error('stand-in gateway: there is no worker');
    return worker;
  }
}
