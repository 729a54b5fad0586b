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
  /** When the first leaf of that plan becomes critical. */
  #from = Number.POSITIVE_INFINITY;

  /** @returns milliseconds since the epoch; Infinity: the usual polls suffice */
  nextScan(plan: Plan, known: Known, now: number): number {
    if (plan !== this.#plan) {
      this.#plan = plan;
      this.#from = Number.POSITIVE_INFINITY;
      for (const leaf of leavesIn(plan, known))
        this.#from = Math.min(this.#from, lifeOf(leaf, now).criticalAt);
    }
    if (now < this.#from) return this.#from - now < DAY_MS ? this.#from : Number.POSITIVE_INFINITY;
    let at = Number.POSITIVE_INFINITY;
    for (const leaf of leavesIn(plan, known)) {
      const { criticalAt } = lifeOf(leaf, now);
      const wait = Math.max(LEAST_MS, Math.abs(leaf.notAfter - now) * SHARE);
      const next = now < criticalAt ? criticalAt : now + wait;
      if (next - now < DAY_MS) at = Math.min(at, next);
    }
    return at;
  }
}

/** The leaves of certificates that are in step with their sources; not kept, since there may be thousands. */
function* leavesIn(plan: Plan, { bundle, certificates }: Known): Iterable<LeafTimes> {
  for (const [id, holders] of plan.inSync) {
    const renewalAt = bundle(id)?.renewalAt ?? null;
    for (const holder of holders) {
      const certificate = certificates.get(holder);
      for (const half of [certificate?.main, certificate?.alt]) {
        if (half?.leaf == null) continue;
        const { notBefore, notAfter } = half.leaf;
        yield { notBefore, notAfter, renewalAt };
      }
    }
  }
}
