import { IdleTimer } from '../common/idle-timer';
import { Seal, type Sealed } from '../common/seal';
import {
  changeHalf,
  changeId,
  inTurn,
  ownerOf,
  type Digest,
  type Half,
  type PemPair,
  type Written,
} from '../model';

/** The pair of one half of a certificate before its last swap. */
export interface FormerPair {
  readonly certificate: string;
  readonly half: Half;
  /** The chain that replaced it. */
  readonly replacedBy: Digest;
  /** Time of the swap; milliseconds since the epoch. */
  readonly at: number;
}

type Kept = FormerPair & { sealed: Sealed; owner: string };
type Found = FormerPair & { pair: PemPair; owner: string };

/** A write that replaced a pair, and the chain that Kong has since. */
export interface Replaced {
  written: Written;
  chain: Digest;
}

const MOST = 100;
const KEPT_MS = 24 * 3_600_000;

/**
 * The pairs that were swapped out last, so that an operator can have one back whose source has forgotten it. They are
 * kept in this process alone, and sealed.
 */
export class FormerPairs {
  readonly #seal = new Seal();
  /** By half of a certificate, in the order of their swaps. */
  readonly #kept = new Map<string, Kept>();

  /** Cleared after a while even if no more passes are made. */
  readonly #end = new IdleTimer(() => this.#kept.clear(), KEPT_MS);

  /**
   * Keeps what these writes replaced, as far as there is room.
   * @param replaced the writes, the last one last, each with the chain that Kong has now
   * @param at milliseconds since the epoch
   */
  keep(replaced: readonly Replaced[], at: number): void {
    if (replaced.length === 0) return;
    const found = new Map<string, Kept | Found>(this.#kept);
    for (const { written, chain } of replaced) {
      const [certificate, half] = [changeId(written.change), changeHalf(written.change)];
      const pair = written.before?.[half] ?? null;
      const key = keyOf({ certificate, half });
      found.delete(key);
      const owner = ownerOf(written.change.bundle);
      if (pair !== null) found.set(key, { certificate, half, replacedBy: chain, at, owner, pair });
    }
    // Whoever renews often loses pairs of its own, not those of others.
    const chosen = inTurn([...found].reverse(), ([, one]) => one.owner).slice(0, MOST);
    const kept = new Set(chosen.map(([key]) => key));
    this.#kept.clear();
    for (const [key, one] of found) if (kept.has(key)) this.#kept.set(key, this.sealed(one));
    this.#end.touch();
  }

  private sealed(one: Kept | Found): Kept {
    if ('sealed' in one) return one;
    const { pair, ...former } = one;
    return { ...former, sealed: this.#seal.close([pair.cert, pair.key]) };
  }

  forget(former: Pick<FormerPair, 'certificate' | 'half'>): void {
    this.#kept.delete(keyOf(former));
  }

  /**
   * Forgets pairs that were replaced too long ago.
   * @param now milliseconds since the epoch
   */
  prune(now: number): void {
    for (const [key, { at }] of this.#kept) if (now - at > KEPT_MS) this.#kept.delete(key);
  }

  /** The pairs that the last swap of a certificate replaced: one half, or both. */
  lastOf(certificate: string): FormerPair[] {
    const all = [...this.#kept.values()].filter((former) => former.certificate === certificate);
    const last = Math.max(...all.map(({ at }) => at));
    return all.filter(({ at }) => at === last);
  }

  /** The exact pair; null: it is not kept (any more). */
  open(former: Pick<FormerPair, 'certificate' | 'half'>): PemPair | null {
    const kept = this.#kept.get(keyOf(former));
    if (kept === undefined) return null;
    const [cert = '', key = ''] = this.#seal.open(kept.sealed);
    return { cert, key };
  }
}

const keyOf = ({ certificate, half }: Pick<FormerPair, 'certificate' | 'half'>) => `${certificate} ${half}`;
