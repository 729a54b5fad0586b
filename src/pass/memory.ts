import type { LiveView, Plan, Source, Target, Half } from '../model';
import { BundleBook } from './bundle-book';
import { Findings } from './findings';
import { Planner } from './planner';
import { isStored } from './prove';
import { RefusedBundles } from './refused-bundles';
import { Takeover, type TakeoverOptions } from './takeover';

export interface MemoryOptions {
  sources: readonly Source[];
  target: Target;
  allowDowngrade: boolean;
  takeover: TakeoverOptions;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

/** What the steps for certificates keep from one pass to the next. */
export class CertificateMemory {
  readonly target: Target;
  readonly book: BundleBook;
  readonly refused: RefusedBundles;
  readonly planner: Planner;
  readonly takeover: Takeover;
  readonly findings: Findings;
  /** Something is left to do, or may be. */
  isOpen = true;
  /** Between two passes Kong was seen to store something else than is known. */
  isOutdated = false;
  /** When to plan again though nothing changes: a bundle becomes valid, or the ingress controller had its time. */
  due = Number.POSITIVE_INFINITY;
  /** The last plan; null: no pass has come that far yet. */
  plan: Plan | null = null;
  /** Ids of the certificates that had a bundle which is understood no more, by its id. */
  readonly holders = new Map<string, readonly string[]>();

  constructor({ sources, target, allowDowngrade, takeover, now = Date.now }: MemoryOptions) {
    this.target = target;
    this.book = new BundleBook(sources, (content) => target.find(content));
    this.refused = new RefusedBundles(this.book);
    this.planner = new Planner(this.book, this.refused, { target, allowDowngrade, now });
    this.takeover = new Takeover(takeover);
    this.findings = new Findings(now);
  }

  /** What is known now, for those who show it. */
  get live(): LiveView {
    return {
      plan: this.plan,
      certificates: this.target.certificates,
      sources: this.book.sourceStates,
      bundle: (id) => this.book.get(id),
      sourceOf: (id) => this.book.sourceOf(id),
      refusal: (id) => this.findings.standing(id),
      pastRefusal: (id) => this.findings.past(id),
      holders: this.holders,
    };
  }

  /** Asks Kong whether it still stores this; where not, the next pass makes a new plan. */
  async isStillStored(certificate: string, half: Half, chain: string): Promise<boolean> {
    const isSame = await isStored(this.target, certificate, half, chain);
    if (!isSame) this.isOutdated = true;
    return isSame;
  }

  /** Something is read or looked at once more before it is decided. */
  get isSettling(): boolean {
    return this.book.isUnsettled || this.findings.settling;
  }
}
