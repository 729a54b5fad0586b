import { LRUCache } from 'lru-cache';
import type { Half, PemPair } from '../model';

/** What Kong got last and what it had before, for one half of a certificate. */
export interface Versions {
  current: PemPair;
  /** Null: the certificate was created. */
  previous: PemPair | null;
}

/** Room for about 4,000 swaps; certificates that did not change take none. */
const MAX_BYTES = 32 * 1024 * 1024;

/**
 * The texts of the latest swaps, so that a bad one can be undone. Bounded: the oldest go first, and Kong itself
 * holds the current ones anyway.
 */
export class BundleStore {
  readonly #versions = new LRUCache<string, Versions>({
    maxSize: MAX_BYTES,
    sizeCalculation: ({ current, previous }) =>
      current.cert.length +
      current.key.length +
      (previous === null ? 0 : previous.cert.length + previous.key.length),
  });

  remember(certificate: string, half: Half, versions: Versions): void {
    this.#versions.set(`${certificate} ${half}`, versions);
  }

  /** Undefined: nothing was swapped there lately. */
  versions(certificate: string, half: Half): Versions | undefined {
    return this.#versions.get(`${certificate} ${half}`);
  }

  /** After a rollback the previous version is the current one. */
  forget(certificate: string, half: Half): void {
    this.#versions.delete(`${certificate} ${half}`);
  }
}
