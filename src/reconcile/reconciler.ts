import { checkKeyAndChain, readPem, toPem } from '../certificates';
import {
  changeId,
  isRefusal,
  refusal,
  type Change,
  type Half,
  type Knowledge,
  type Outcome,
  type PassCause,
  type PassReport,
  type Plan,
  type Prepare,
  type Proof,
  type Reason,
  type Refusal,
  type Source,
  type SourcedBundle,
  type StoredCertificate,
  type Target,
  type Verifier,
  type Witness,
  type WriteResult,
} from '../model';
import { compareAge } from './age';
import { BundleBook, type BookScan } from './bundle-book';
import { sameNames } from './bundle-index';
import { BundleStore } from './bundle-store';
import { Findings } from './findings';
import { makePlan } from './plan';
import { Takeover, type TakeoverOptions } from './takeover';

export interface ReconcilerOptions {
  sources: readonly Source[];
  target: Target;
  /** Null: what is written is not proven. */
  verifier: Verifier | null;
  /** Report what would change, and change nothing. */
  observe: boolean;
  allowDowngrade: boolean;
  /** Put the previous certificate back where the new one is not served. */
  rollback: boolean;
  takeover: TakeoverOptions;
  witness?: Witness;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

/** Refusals that Kong's state causes; another look is worth it once that changed. */
const KONGS_REASONS: ReadonlySet<Reason> = new Set(['refused_by_kong', 'sni_taken']);

/** One pass from the sources to a proven swap. Never run two at once. */
export class Reconciler {
  readonly #book: BundleBook;
  readonly #store = new BundleStore();
  readonly #findings: Findings;
  readonly #now: () => number;
  readonly #takeover: Takeover;
  /** Bundles that are not tried again as they are. */
  readonly #barred = new Map<string, { content: string; why: Refusal }>();
  /** Contents of bundles that went through the whole gate though they needed no write, by bundle id. */
  readonly #checked = new Map<string, string>();
  /** The last pass left something to do. */
  #isOpen = true;
  /** A bundle was no longer what the plan was made with. */
  #isUnsettled = false;
  /** When a bundle becomes valid that is not valid yet. */
  #due = Number.POSITIVE_INFINITY;
  #last: Plan | null = null;
  readonly #holders = new Map<string, readonly string[]>();

  constructor(private readonly options: ReconcilerOptions) {
    this.#book = new BundleBook(options.sources, (content) => options.target.find(content));
    this.#now = options.now ?? Date.now;
    this.#findings = new Findings(this.#now);
    this.#takeover = new Takeover(options.takeover);
  }

  /** What is known now, for those who show it. */
  get knowledge(): Knowledge {
    return {
      plan: this.#last,
      certificates: this.options.target.certificates,
      sources: this.#book.sourceStates,
      bundle: (id) => this.#book.get(id),
      sourceOf: (id) => this.#book.sourceOf(id),
      refusal: (id) => this.#findings.standing(id),
      pastRefusal: (id) => this.#findings.past(id),
      holders: this.#holders,
    };
  }

  /** Asks Kong whether it still stores this; where not, the next pass makes a new plan. */
  async isStillStored(certificate: string, half: Half, chain: string): Promise<boolean> {
    const isSame = await this.stores(certificate, half, chain);
    if (!isSame) this.#isOpen = true;
    return isSame;
  }

  /**
   * @param touched what a watch reported; the rest of the sources is left for the next poll
   * @throws AdminError when Kong cannot be asked what it stores
   */
  async pass(cause: PassCause, touched?: ReadonlySet<string>): Promise<PassReport> {
    const startedAt = this.#now();
    const began = performance.now();
    const { target, observe } = this.options;
    if (cause === 'trigger' || cause === 'command') {
      this.#barred.clear();
      this.#isOpen = true;
    }

    // A watch's pass trusts what is known of Kong: every write reads the certificate anew anyway.
    const trusts = touched !== undefined && target.isLoaded;
    const refreshing = trusts ? Promise.resolve(false) : target.refresh().catch(asError);
    const scan = await this.#book.scan(touched, refreshing);
    const kongChanged = await refreshing;
    const isCalm = touched !== undefined && !this.#isOpen;
    // What was read now will not be seen as changed again: remember it before anything can fail.
    if (scan.changed) this.#isOpen = true;
    if (kongChanged instanceof Error) throw kongChanged;
    if (kongChanged) this.liftBars((why) => KONGS_REASONS.has(why.reason));
    if (this.#isOpen || kongChanged || startedAt >= this.#due) {
      this.#isOpen = true;
      this.#isUnsettled = false;
      const attempted = new Set<string>();
      const narrow = isCalm ? this.narrowPlan(scan) : null;
      let plan = narrow ?? (await this.checkedPlan());
      let batch = await this.nextBatch(plan, attempted);
      if (narrow !== null && batch.length === 0) {
        plan = await this.checkedPlan();
        batch = await this.nextBatch(plan, attempted);
      }
      let failed = false;
      while (batch.length > 0 && !failed) {
        const decidedAt = performance.now();
        const results = await target.write(batch, this.#prepare);
        failed = await this.settle(results, decidedAt);
        plan = await this.checkedPlan();
        batch = await this.nextBatch(plan, attempted);
      }
      if (observe) {
        plan = await this.gatedPlan(plan);
        this.#findings.wouldChange(plan.changes);
      }
      this.#takeover.keep(plan.changes);
      this.noteHolders(plan);
      this.#last = plan;
      this.#findings.refusals(plan.refused, this.#book);
      this.#isOpen = failed || this.#isUnsettled || this.#findings.settling;
    }
    return this.report(cause, startedAt, performance.now() - began, scan, touched !== undefined);
  }

  /**
   * A plan for a few bundles that were renewed with the names that they had, and for the certificates that had them:
   * being newer, each is still the best there is for those. The pass goes on with a whole plan.
   * @returns null where it is not as simple as that
   */
  private narrowPlan({ differing }: BookScan): Plan | null {
    const certificates = new Map<string, StoredCertificate>();
    const bundles: SourcedBundle[] = [];
    for (const [id, before] of differing) {
      const bundle = this.#book.get(id);
      const holders = this.#last?.inSync.get(id);
      if (before === null || bundle === null || holders === undefined) return null;
      if (compareAge(bundle.leaf, before.leaf) <= 0 || !sameNames(bundle.leaf.names, before.leaf.names))
        return null;
      bundles.push(bundle);
      for (const holder of holders) {
        const certificate = this.options.target.certificates.get(holder);
        if (certificate === undefined) return null;
        certificates.set(holder, certificate);
      }
    }
    return bundles.length === 0 ? null : this.plan(bundles, certificates);
  }

  /** A plan in which a bundle counts as in step only if its own key belongs to it, too. */
  private async checkedPlan(): Promise<Plan> {
    const plan = this.plan();
    let isBarred = false;
    for (const bundle of plan.unchecked) {
      if (this.#checked.get(bundle.id) === bundle.content) continue;
      this.#checked.set(bundle.id, bundle.content);
      const opened = await this.#book.open(bundle);
      const why = isRefusal(opened) ? opened : checkKeyAndChain(opened);
      if (why === null) continue;
      this.bar(bundle, why);
      isBarred = true;
    }
    return isBarred ? this.plan() : plan;
  }

  /** A plan whose changes would pass the whole gate: nothing is announced that would then be refused. */
  private async gatedPlan(plan: Plan): Promise<Plan> {
    let isBarred = false;
    for (const change of plan.changes) {
      const { id, content } = change.bundle;
      if (this.#checked.get(id) === content) continue;
      const fresh = await this.#prepare(change);
      if (isRefusal(fresh)) this.bar(change.bundle, fresh);
      else this.#checked.set(id, content);
      if (this.#barred.has(id)) isBarred = true;
    }
    return isBarred ? this.gatedPlan(await this.checkedPlan()) : plan;
  }

  private plan(
    bundles: Iterable<SourcedBundle> = this.#book.bundles(),
    certificates = this.options.target.certificates,
  ): Plan {
    const now = this.#now();
    const barred = new Map<string, Refusal>();
    for (const [id, { content, why }] of this.#barred) {
      if (this.#book.get(id)?.content === content) barred.set(id, why);
      else this.#barred.delete(id);
    }
    const plan = makePlan({
      bundles,
      certificates,
      now,
      allowDowngrade: this.options.allowDowngrade,
      broken: [...this.#book.broken()],
      barred,
    });
    for (const [id, why] of this.#book.refused()) plan.refused.set(id, why);
    this.#due = Number.POSITIVE_INFINITY;
    for (const [id, { reason }] of plan.refused) {
      const bundle = reason === 'not_yet_valid' ? this.#book.get(id) : null;
      if (bundle !== null) this.#due = Math.min(this.#due, bundle.leaf.notBefore);
    }
    return plan;
  }

  /** What to write now. No change is attempted twice in a pass; the ingress controller gets its time. */
  private async nextBatch(plan: Plan, attempted: Set<string>): Promise<Change[]> {
    if (this.options.observe) return [];
    const batch: Change[] = [];
    for (const change of plan.changes) {
      const key = `${changeId(change)} ${change.bundle.id} ${change.bundle.content}`;
      if (attempted.has(key)) continue;
      if (batch.length >= this.options.target.batchSize) break;
      const verdict = await this.#takeover.judge(change, this.#now(), (detail) =>
        this.#findings.happened(change, { kind: 'nudged', certificate: changeId(change), detail }),
      );
      if (verdict.kind === 'refuse') plan.refused.set(change.bundle.id, verdict.why);
      else if (verdict.kind === 'wait') this.#due = Math.min(this.#due, verdict.at);
      else {
        attempted.add(key);
        batch.push(change);
      }
    }
    return batch;
  }

  readonly #prepare: Prepare = async (change) => {
    const opened = await this.#book.open(change.bundle);
    if (isRefusal(opened)) return opened;
    const why = checkKeyAndChain(opened);
    if (why !== null) return why;
    return change.kind === 'update' && change.isControllers ? opened.asFound : toPem(opened);
  };

  /** Proves what was written, undoes what is not served, and notes the rest. @returns whether something failed */
  private async settle(results: readonly WriteResult[], decidedAt: number): Promise<boolean> {
    const written = results.filter((result) => result.kind === 'written');
    for (const { change, current, previous } of written) {
      this.#store.remember(changeId(change), halfOf(change), { current, previous });
    }
    const proofs = await this.prove(written);
    let failed = false;
    for (const [index, { change, current }] of written.entries()) {
      const proof = proofs[index] ?? null;
      const isUndone = proof?.verdict === 'wrong' && this.options.rollback;
      this.options.witness?.written({
        certificate: changeId(change),
        half: halfOf(change),
        chain: chainOf(current.cert, change),
        proof,
        isKept: proof?.verdict !== 'overwritten' && !isUndone,
        at: this.#now(),
        durationMs: performance.now() - decidedAt,
      });
      if (proof?.verdict === 'overwritten') {
        failed = true;
        this.#findings.happened(change, failure(change, proof.detail));
      } else if (isUndone) {
        failed = !(await this.undo(change, proof)) || failed;
      } else this.#findings.happened(change, swapped(change, proof));
    }
    for (const result of results) {
      if (result.kind === 'refused') this.bar(result.change.bundle, result.refusal);
      if (result.kind !== 'failed') continue;
      failed = true;
      this.#findings.happened(result.change, failure(result.change, result.error.message));
    }
    return failed;
  }

  private async prove(written: readonly Written[]): Promise<Proof[]> {
    const { verifier } = this.options;
    if (verifier === null || written.length === 0) return [];
    // A certificate that just gained its other half has twins from now on.
    const gained = new Set(
      written.filter(({ change }) => halfOf(change) === 'alt').map(({ change }) => changeId(change)),
    );
    return verifier.prove(
      written.map(({ change, current }) => {
        const chain = chainOf(current.cert, change);
        const { keyType } = change.bundle.leaf;
        const hasTwin =
          gained.has(changeId(change)) || (change.kind === 'update' && change.certificate.alt !== null);
        return {
          snis: change.kind === 'create' ? change.snis : [...change.certificate.snis, ...change.addSnis],
          chains: [chain],
          isStored: () => this.stores(changeId(change), halfOf(change), chain),
          ...(hasTwin && keyType !== 'other' ? { keyType } : {}),
        };
      }),
    );
  }

  private async stores(certificate: string, half: Half, chain: string): Promise<boolean> {
    try {
      const stored = await this.options.target.look(certificate);
      return stored?.[half]?.chain === chain;
    } catch {
      // Kong does not answer just now; the handshakes go on to decide.
      return true;
    }
  }

  /** Puts the previous certificate back and bars the bundle. @returns whether that worked */
  private async undo(change: Change, proof: Proof): Promise<boolean> {
    const id = changeId(change);
    const versions = this.#store.versions(id, halfOf(change));
    let restored = false;
    let trouble = '';
    try {
      if (versions !== undefined) await this.options.target.restore(change, versions.previous);
      restored = versions !== undefined;
    } catch (error) {
      trouble = `; putting it back failed: ${(error as Error).message}`;
    }
    this.#store.forget(id, halfOf(change));
    this.bar(
      change.bundle,
      refusal(
        'not_served',
        `${change.bundle.location} was written to certificate ${id} and not served (${proof.detail}); ` +
          `the previous one ${restored ? 'is back' : 'could not be put back'}${trouble}; it is not tried again until it changes or trigger does`,
      ),
    );
    this.#findings.happened(change, { kind: 'rolled_back', certificate: id, proof, restored });
    return restored;
  }

  /** What may only mean that somebody is writing the files is read again instead; the next pass decides. */
  private bar(bundle: SourcedBundle, why: Refusal): void {
    if (this.#book.isReadAgain(bundle.id)) this.#isUnsettled = true;
    else this.#barred.set(bundle.id, { content: bundle.content, why });
  }

  /** A bundle that is understood no more still belongs to the certificates that had it. */
  private noteHolders({ inSync }: Plan): void {
    const broken = new Set<string>();
    for (const [id] of this.#book.refused()) {
      broken.add(id);
      const had = this.#last?.inSync.get(id);
      if (had !== undefined && !inSync.has(id)) this.#holders.set(id, had);
    }
    for (const id of this.#holders.keys()) if (!broken.has(id)) this.#holders.delete(id);
  }

  private liftBars(which: (why: Refusal) => boolean): void {
    for (const [id, { why }] of this.#barred) if (which(why)) this.#barred.delete(id);
  }

  private report(
    cause: PassCause,
    startedAt: number,
    durationMs: number,
    scan: BookScan,
    isPartial: boolean,
  ): PassReport {
    const { events, failed } = this.#findings.take();
    const plan = this.#last;
    return {
      cause,
      startedAt,
      durationMs,
      bundles: scan.total,
      read: scan.read,
      inSync: plan?.inSync.size ?? 0,
      refused: plan?.refused.size ?? 0,
      unused: plan?.unused.length ?? 0,
      events,
      sourceErrors: this.#findings.newSourceErrors(scan.errors, isPartial),
      unfinished: failed ? 'failed' : this.#isUnsettled || this.#findings.settling ? 'settling' : 'no',
      nextAt: Number.isFinite(this.#due) ? this.#due : null,
    };
  }
}

type Written = Extract<WriteResult, { kind: 'written' }>;

const asError = (error: unknown) => error as Error;

const halfOf = (change: Change) => (change.kind === 'create' ? 'main' : change.half);

const chainOf = (cert: string, change: Change) => readPem(cert, '')?.chain ?? change.bundle.chain;

function failure(change: Change, error: string): Outcome {
  return { kind: 'failed', certificate: changeId(change), error };
}

function swapped(change: Change, proof: Proof | null): Outcome {
  return { kind: 'swapped', certificate: changeId(change), created: change.kind === 'create', proof };
}
