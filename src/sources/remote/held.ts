import { LRUCache } from 'lru-cache';
import type { RawBundle, Refusal } from '../../model';

/** Texts of this many octets are kept between a scan and the writes that follow it. */
const MAX_BYTES = 2 * 1024 * 1024;

/**
 * What a scan fetched, for the reads that follow it: one to understand the bundle, one right before the write.
 * What is not held any more is fetched again; with the next scan all of it goes.
 */
export class HeldTexts {
  readonly #texts: LRUCache<string, RawBundle | Refusal>;

  /** @param maxEachBytes a larger bundle is not held */
  constructor(maxBytes = MAX_BYTES, maxEachBytes = maxBytes) {
    this.#texts = new LRUCache({ maxSize: maxBytes, maxEntrySize: maxEachBytes, sizeCalculation: sizeOf });
  }

  put(name: string, what: RawBundle | Refusal): void {
    this.#texts.set(name, what);
  }

  get(name: string): RawBundle | Refusal | undefined {
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
  const texts = 'cert' in held ? held.cert.length + held.key.length + (held.issuers?.length ?? 0) : 0;
  return texts + 1_000;
}
