import { lifeOf, type LeafTimes, type Plan, type SourcedBundle, type StoredCertificate } from '../model';

/** Of the time that is left (and of the time since the end): after so much of it the sources are scanned again. */
const SHARE = 1 / 100;
/** No more often than that for this reason. */
const LEAST_MS = 10_000;
/** Polls are never further apart. */
const DAY_MS = 86_400_000;

interface Known {
  bundle: (id: string) => SourcedBundle | null;
  certificates: ReadonlyMap<string, StoredCertificate>;
}

/**
 * When to look again though nothing changed: a certificate in Kong is critical and its source has nothing newer. The
 * nearer its end, the sooner; after its end less and less often.
 */
export class Endings {
  #plan: Plan | null = null;
  #leaves: readonly LeafTimes[] = [];
  /** When the first of them is critical. */
  #from = Number.POSITIVE_INFINITY;

  /** @returns milliseconds since the epoch; infinity: the usual polls will do */
  nextScan(plan: Plan, known: Known, now: number): number {
    if (plan !== this.#plan) this.read(plan, known, now);
    if (now < this.#from) return this.#from - now < DAY_MS ? this.#from : Number.POSITIVE_INFINITY;
    let at = Number.POSITIVE_INFINITY;
    for (const leaf of this.#leaves) {
      const { criticalAt } = lifeOf(leaf, now);
      const wait = Math.max(LEAST_MS, Math.abs(leaf.notAfter - now) * SHARE);
      const next = now < criticalAt ? criticalAt : now + wait;
      if (next - now < DAY_MS) at = Math.min(at, next);
    }
    return at;
  }

  /** The leaves of certificates that Kong has as their sources have them. */
  private read(plan: Plan, { bundle, certificates }: Known, now: number): void {
    const leaves: LeafTimes[] = [];
    for (const [id, holders] of plan.inSync) {
      const renewalAt = bundle(id)?.renewalAt ?? null;
      for (const holder of holders) {
        const certificate = certificates.get(holder);
        for (const half of [certificate?.main, certificate?.alt]) {
          if (half?.leaf == null) continue;
          const { notBefore, notAfter } = half.leaf;
          leaves.push({ notBefore, notAfter, renewalAt });
        }
      }
    }
    this.#plan = plan;
    this.#leaves = leaves;
    this.#from = leaves.reduce(
      (first, leaf) => Math.min(first, lifeOf(leaf, now).criticalAt),
      Number.POSITIVE_INFINITY,
    );
  }
}
