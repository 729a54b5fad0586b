import { checkKeyAndChain, toPem, toPemAsFound } from '../certificates';
import {
  compareAge,
  isRefusal,
  type CertificateStore,
  type Change,
  type Plan,
  type Prepare,
  type SourcedBundle,
  type StoredCertificate,
} from '../model';
import { makePlan, sameNames } from '../plan';
import type { RefusedBundles } from './refused-bundles';
import type { BookScan, BundleBook } from './bundle-book';

export interface PlannerOptions {
  gateway: { certificates: Pick<CertificateStore, 'stored'> };
  allowDowngrade: boolean;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** Makes plans with what the book and Kong hold, and notes which bundles the gate refuses. */
export class Planner {
  /** Contents of bundles that went through the whole gate though they needed no write, by bundle id. */
  readonly #checked = new Map<string, string>();

  constructor(
    private readonly book: BundleBook,
    private readonly refused: RefusedBundles,
    private readonly options: PlannerOptions,
  ) {}

  /** Reads a bundle anew and puts it through the whole gate. */
  readonly prepare: Prepare = async (change) => {
    const opened = await this.book.open(change.bundle);
    if (isRefusal(opened)) return opened;
    const why = checkKeyAndChain(opened);
    if (why !== null) return why;
    return change.kind === 'update' && change.isControllers ? toPemAsFound(opened) : toPem(opened);
  };

  /** A plan for everything. A bundle counts as in step only if its own key belongs to it, too. */
  async whole(): Promise<Plan> {
    const plan = this.plan();
    let isOutdated = false;
    for (const bundle of plan.unchecked) {
      if (this.#checked.get(bundle.id) === bundle.content) continue;
      this.#checked.set(bundle.id, bundle.content);
      const opened = await this.book.open(bundle);
      const why = isRefusal(opened) ? opened : checkKeyAndChain(opened);
      if (why === null) continue;
      this.refused.add(bundle, why);
      isOutdated = true;
    }
    return isOutdated ? this.plan() : plan;
  }

  /**
   * A plan for a few bundles that were renewed with the names that they had, and for the certificates that had them:
   * being newer, each is still the best there is for those. The pass goes on with a whole plan.
   * @returns null where it is not as simple as that
   */
  few({ differing }: BookScan, last: Plan | null): Plan | null {
    const certificates = new Map<string, StoredCertificate>();
    const bundles: SourcedBundle[] = [];
    for (const [id, before] of differing) {
      const bundle = this.book.get(id);
      const holders = last?.inSync.get(id);
      if (before === null || bundle === null || holders === undefined) return null;
      if (compareAge(bundle.leaf, before.leaf) <= 0 || !sameNames(bundle.leaf.names, before.leaf.names))
        return null;
      bundles.push(bundle);
      for (const holder of holders) {
        const certificate = this.options.gateway.certificates.stored.get(holder);
        if (certificate === undefined) return null;
        certificates.set(holder, certificate);
      }
    }
    if (bundles.length === 0) return null;
    const plan = this.plan(bundles, certificates);
    // Which names are free is known only where every certificate is looked at.
    const isNaming = (change: Change) => change.kind === 'create' || change.addSnis.length > 0;
    return plan.changes.some(isNaming) ? null : plan;
  }

  /** A plan whose changes would pass the whole gate: nothing is announced that would then be refused. */
  async announceable(plan: Plan): Promise<Plan> {
    let isOutdated = false;
    for (const change of plan.changes) {
      const { id, content } = change.bundle;
      if (this.#checked.get(id) === content) continue;
      const fresh = await this.prepare(change);
      if (!isRefusal(fresh)) this.#checked.set(id, content);
      else if (this.refused.add(change.bundle, fresh)) isOutdated = true;
    }
    return isOutdated ? this.announceable(await this.whole()) : plan;
  }

  /** When the first of the bundles becomes valid that a plan refused since they are not valid yet. */
  validFrom({ refused }: Plan): number {
    let from = Number.POSITIVE_INFINITY;
    for (const [id, { reason }] of refused) {
      const bundle = reason === 'not_yet_valid' ? this.book.get(id) : null;
      if (bundle !== null) from = Math.min(from, bundle.leaf.notBefore);
    }
    return from;
  }

  private plan(
    bundles: Iterable<SourcedBundle> = this.book.bundles(),
    certificates = this.options.gateway.certificates.stored,
  ): Plan {
    const plan = makePlan({
      bundles,
      certificates,
      now: this.options.now(),
      allowDowngrade: this.options.allowDowngrade,
      broken: [...this.book.broken()],
      barred: this.refused.standing(),
    });
    for (const [id, why] of this.book.refused()) plan.refused.set(id, why);
    return plan;
  }
}
