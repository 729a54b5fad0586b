import { LRUCache } from 'lru-cache';
import { IdleTimer } from '../../common/idle-timer';
import type { RawBundle, Refusal } from '../../model';

/** Octets of texts that are kept between a scan and the writes that follow it. */
const MAX_BYTES = 2 * 1024 * 1024;

/** A pass reads what it writes within moments; a slow one fetches it again. */
const HELD_MS = 10_000;

/**
 * Keeps fetched texts for the reads that follow a scan: one to parse the bundle, one right before the write. Texts
 * that are no longer held are fetched again; all are dropped with the next scan, or soon after the last read, since
 * they contain private keys.
 */
export class HeldTexts {
  readonly #texts: LRUCache<string, RawBundle | Refusal>;
  readonly #idle = new IdleTimer(() => this.clear(), HELD_MS);

  /** @param maxEachBytes larger bundles are not held */
  constructor(maxBytes = MAX_BYTES, maxEachBytes = maxBytes) {
    this.#texts = new LRUCache({ maxSize: maxBytes, maxEntrySize: maxEachBytes, sizeCalculation: sizeOf });
  }

  put(name: string, what: RawBundle | Refusal): void {
    this.#texts.set(name, what);
    this.#idle.touch();
  }

  get(name: string): RawBundle | Refusal | undefined {
    this.#idle.touch();
    return this.#texts.get(name);
  }

  delete(name: string): void {
    this.#texts.delete(name);
  }

  clear(): void {
    this.#texts.clear();
  }
}

function sizeOf(held: RawBundle | Refusal): number {
  const texts =
    'cert' in held ? held.cert.length + held.key.length + (held.issuers?.join('').length ?? 0) : 0;
  return texts + 1_000;
}
