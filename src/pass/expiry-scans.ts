import { lifeOf, type LeafTimes, type Plan, type SourcedBundle, type StoredCertificate } from '../model';

/** Share of the time that is left (and of the time since the expiry) after which the sources are scanned again. */
const SHARE = 1 / 100;
/** Least time between such scans. */
const LEAST_MS = 10_000;
/** Longest interval between polls. */
const DAY_MS = 86_400_000;

interface Known {
  bundle: (id: string) => SourcedBundle | null;
  certificates: ReadonlyMap<string, StoredCertificate>;
}

/**
 * Times of additional scans: while a certificate in Kong is critical and its source has no newer one, more often
 * the nearer its expiry, less and less often after it.
 */
export class ExpiryScans {
  #plan: Plan | null = null;
  #leaves: readonly LeafTimes[] = [];
  /** When the first of them becomes critical. */
  #from = Number.POSITIVE_INFINITY;

  /** @returns milliseconds since the epoch; Infinity: the usual polls suffice */
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

  /** Reads the leaves of certificates that are in step with their sources. */
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
