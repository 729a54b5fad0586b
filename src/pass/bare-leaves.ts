import type { Source } from '../model';
import type { Entry } from './bundle-book';

/** A leaf without any issuer. */
export interface BareLeaf {
  source: Source;
  name: string;
  /** Until then (milliseconds since the epoch) its chain may still be written. */
  until: number;
  /** The bundle's former state. */
  before: Entry | undefined;
}

/** Leaves without any issuer, held back for a moment: their chain may still be on the way. By bundle id. */
export class BareLeaves {
  #held: ReadonlyMap<string, BareLeaf> = new Map();

  /**
   * Ends a scan.
   * @param found bare leaves that the scan read
   * @param isBare whether a leaf has no issuer even now
   * @returns the leaves that are held back until the next scan
   */
  hold(
    found: ReadonlyMap<string, BareLeaf>,
    isBare: (id: string) => boolean,
    now: number,
  ): ReadonlyMap<string, BareLeaf> {
    this.#held = new Map([...found].filter(([id, { until }]) => until > now && isBare(id)));
    return this.#held;
  }

  values(): Iterable<BareLeaf> {
    return this.#held.values();
  }

  get size(): number {
    return this.#held.size;
  }

  /** When the first held leaf is taken without its chain (milliseconds since the epoch); Infinity: none is held. */
  get until(): number {
    return Math.min(...[...this.#held.values()].map(({ until }) => until), Number.POSITIVE_INFINITY);
  }
}
