import type { SecureContext } from 'node:tls';
import type { Store } from '../entities/store';
import { isUuid } from '../uuid';
import { makeContext } from './contexts';
import type { HoldBack, Worker } from './worker';

/** Faults of the serving side. */
export class Overrides {
  readonly #lags = new Map<number, number>();
  readonly #frozenNames = new Set<string>();
  readonly #frozenIds = new Set<string>();
  readonly #instead = new Map<string, SecureContext>();
  #isAllFrozen = false;
  /** Number of callers that suppress invalidation now. */
  #suppressed = 0;

  /** Milliseconds for which a worker goes on with the old row; 0 for none. */
  readonly holdBack: HoldBack = (table, key, worker) => {
    const isFrozen =
      this.#isAllFrozen ||
      this.#suppressed > 0 ||
      (table === 'snis' ? this.#frozenNames : this.#frozenIds).has(key);
    return isFrozen ? Infinity : (this.#lags.get(worker) ?? 0);
  };

  setLag(worker: number, ms: number): void {
    this.#lags.set(worker, ms);
  }

  /** By id, by a name that clients ask for, or everything. */
  freeze(target: string | undefined, store: Store, worker: Worker | undefined): void {
    if (target === undefined) this.#isAllFrozen = true;
    else if (isUuid(target)) {
      this.#frozenIds.add(target);
      for (const name of store.snisOf(target)) this.#frozenNames.add(name);
    } else {
      this.#frozenNames.add(target);
      const sni = worker?.findSni(target);
      if (sni === undefined) return;
      this.#frozenNames.add(sni.name);
      this.#frozenIds.add(sni.certificate.id);
    }
  }

  /** @returns how to end it */
  suppressInvalidation(): () => void {
    this.#suppressed += 1;
    return () => void (this.#suppressed -= 1);
  }

  unfreeze(): void {
    this.#isAllFrozen = false;
    this.#frozenNames.clear();
    this.#frozenIds.clear();
    this.#instead.clear();
  }

  serveInstead(serverName: string, cert: string, key: string): void {
    this.#instead.set(serverName, makeContext({ cert, key }));
  }

  contextFor(serverName: string): SecureContext | undefined {
    return this.#instead.get(serverName);
  }
}
