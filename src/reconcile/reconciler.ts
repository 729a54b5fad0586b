import {
  changeId,
  type CaChange,
  type CaResult,
  type CertificateStore,
  type Change,
  type Gateway,
  type Half,
  type Knowledge,
  type PassCause,
  type PassReport,
  type Plan,
  type Source,
  type Verifier,
  type Witness,
} from '../model';
import { Bars } from './bars';
import { Batches } from './batches';
import { BundleBook, type BookScan } from './bundle-book';
import { Findings } from './findings';
import { Planner } from './planner';
import { isStored } from './proof';
import { failure, Settlement } from './settlement';
import { Takeover, type TakeoverOptions } from './takeover';

/** After so long it is looked whether another one has written what is not ours to write. */
const HELD_MS = 5_000;
/** Certificates that are looked at for that in a pass. */
const MOST_HELD = 100;

export interface ReconcilerOptions {
  sources: readonly Source[];
  gateway: Gateway;
  /** What goes along with the first write of a pass. */
  along?: { take: () => readonly CaChange[]; done: (results: readonly CaResult[]) => void };
  /** Null: what is written is not proven. */
  verifier: Verifier | null;
  /** Report what would change, and change nothing. */
  observe: boolean;
  /** Whether this one writes, among many; default: it does. */
  mayWrite?: () => boolean;
  allowDowngrade: boolean;
  /** Put the previous certificate back where the new one is not served. */
  rollback: boolean;
  takeover: TakeoverOptions;
  witness?: Witness;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

/** One pass from the sources to a proven swap. Never run two at once. */
export class Reconciler {
  readonly #book: BundleBook;
  readonly #bars: Bars;
  readonly #planner: Planner;
  readonly #takeover: Takeover;
  readonly #settlement: Settlement;
  readonly #findings: Findings;
  readonly #now: () => number;
  /** The last pass left something to do. */
  #isOpen = true;
  /** Between two passes Kong was seen to store something else than is known. */
  #isOutdated = false;
  /** When to look again though nothing changes: a bundle becomes valid, or the ingress controller had its time. */
  #due = Number.POSITIVE_INFINITY;
  /** There is something to write, which is another one's to do. */
  #isHeld = false;
  #last: Plan | null = null;
  /** Ids of the certificates that had a bundle which is understood no more, by its id. */
  readonly #holders = new Map<string, readonly string[]>();

  constructor(private readonly options: ReconcilerOptions) {
    const now = options.now ?? Date.now;
    this.#now = now;
    this.#book = new BundleBook(options.sources, (content) => options.gateway.certificates.find(content));
    this.#bars = new Bars(this.#book);
    this.#planner = new Planner(this.#book, this.#bars, { ...options, now });
    this.#takeover = new Takeover(options.takeover);
    this.#findings = new Findings(now);
    this.#settlement = new Settlement(this.#bars, this.#findings, { ...options, now });
  }

  /** What is known now, for those who show it. */
  get knowledge(): Knowledge {
    return {
      plan: this.#last,
      certificates: this.options.gateway.certificates.stored,
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
    const isSame = await isStored(this.options.gateway.certificates, certificate, half, chain);
    if (!isSame) this.#isOutdated = true;
    return isSame;
  }

  /**
   * @param touched what a watch reported; the rest of the sources is left for the next poll
   * @throws AdminError when Kong cannot be asked what it stores
   */
  async pass(cause: PassCause, touched?: ReadonlySet<string>): Promise<PassReport> {
    const startedAt = this.#now();
    const began = performance.now();
    const { certificates } = this.options.gateway;
    if (cause === 'trigger' || cause === 'command') {
      this.#bars.clear();
      this.#isOpen = true;
    }

    // A watch's pass trusts what is known of Kong: every write reads the certificate anew anyway.
    const trusts = touched !== undefined && certificates.isLoaded;
    const refreshing = trusts ? Promise.resolve(false) : certificates.refresh().catch(asError);
    const scan = await this.#book.scan(touched, refreshing);
    const kongChanged = await refreshing;
    const isCalm = touched !== undefined && !this.#isOpen;
    // What was read now will not be seen as changed again: remember it before anything can fail.
    if (scan.changed || this.#isOutdated) this.#isOpen = true;
    this.#isOutdated = false;
    if (kongChanged instanceof Error) throw kongChanged;
    if (kongChanged) this.#bars.kongChanged();
    if (this.#isOpen || kongChanged || startedAt >= this.#due) {
      this.#isOpen = true;
      const failed = await this.act(isCalm ? this.#planner.few(scan, this.#last) : null);
      this.#isOpen = failed || this.isSettling || this.#isHeld;
    }
    return this.report(cause, startedAt, performance.now() - began, scan, touched !== undefined);
  }

  /**
   * Plans, writes and settles until nothing is left that was not attempted.
   * @param few a plan for some certificates, which is carried out before the whole is planned
   * @returns whether something failed
   */
  private async act(few: Plan | null): Promise<boolean> {
    const { gateway, observe, mayWrite = always, along } = this.options;
    if (!mayWrite()) await lookFor(this.#last?.changes ?? [], gateway.certificates);
    const batches = new Batches({
      takeover: this.#takeover,
      findings: this.#findings,
      size: () => (observe || !mayWrite() ? 0 : gateway.batchSize),
      now: this.#now,
    });
    if (!observe && mayWrite()) await this.#settlement.putBack();
    let failed = false;
    let plan = few ?? (await this.#planner.whole());
    let batch = await batches.next(plan);
    if (few !== null && batch.length === 0) {
      plan = await this.#planner.whole();
      batch = await batches.next(plan);
    }
    while (batch.length > 0 && !failed) {
      const decidedAt = performance.now();
      const edits = { certificates: batch, caCertificates: along?.take() ?? [] };
      const results = await gateway.write(edits, this.#planner.prepare);
      along?.done(results.caCertificates);
      failed = await this.#settlement.settle(results.certificates, decidedAt);
      const conflicts = results.certificates.filter((result) => result.kind === 'conflict');
      for (const { change, error } of batches.tryAgain(conflicts)) {
        failed = true;
        this.#findings.happened(change, failure(change, error.message));
      }
      plan = await this.#planner.whole();
      batch = await batches.next(plan);
    }
    if (observe) {
      plan = await this.#planner.announceable(plan);
      this.#findings.wouldChange(plan.changes);
    }
    this.#isHeld = !observe && plan.changes.length > 0 && !mayWrite();
    if (this.#isHeld) plan = await this.#planner.announceable(plan);
    this.#due = Math.min(
      this.#planner.validFrom(plan),
      batches.waitsUntil,
      this.#isHeld ? this.#now() + HELD_MS : Infinity,
    );
    this.#takeover.keep(plan.changes);
    this.noteHolders(plan);
    this.#last = plan;
    this.#findings.refusals(plan.refused, this.#book);
    return failed || this.#settlement.isOwing;
  }

  /** Something is read or looked at once more before it is decided. */
  private get isSettling(): boolean {
    return this.#book.isUnsettled || this.#findings.settling;
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
      bundles: scan.total - (plan?.aside.length ?? 0),
      read: scan.read,
      inSync: plan?.inSync.size ?? 0,
      refused: plan?.refused.size ?? 0,
      unused: plan?.unused.length ?? 0,
      events,
      sourceErrors: this.#findings.newSourceErrors(scan.errors, isPartial),
      unfinished: failed || this.#settlement.isOwing ? 'failed' : this.isSettling ? 'settling' : 'no',
      nextAt: Number.isFinite(this.#due) ? this.#due : null,
    };
  }
}

const always = () => true;

/** Looks in Kong for what another one was to write: the patrol may come to it late. */
async function lookFor(
  changes: readonly Change[],
  certificates: Pick<CertificateStore, 'readOne'>,
): Promise<void> {
  for (const change of changes.slice(0, MOST_HELD)) await certificates.readOne(changeId(change));
}

const asError = (error: unknown) => error as Error;
