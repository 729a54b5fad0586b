import type {
  CaChange,
  CaResult,
  Change,
  Log,
  PassCause,
  PassReport,
  Plan,
  Proof,
  ServedNames,
  SourceState,
  WriteResult,
} from '../model';
import type { ReloaderStatus } from '../public';
import type { BundleScan } from './bundle-reader';

/** One part of a pass. The list in `app/pass.ts` sets the order; never two at once. */
export interface Step {
  /** @throws Error where the pass cannot be made; earlier findings must not get lost */
  run(pass: PassContext): Promise<void>;
  /** State of the sources that it follows, as of their last scan. */
  sources?(): readonly SourceState[];
  /**
   * Its part of the status, as of the last pass.
   * @param before the former part, possibly from another configuration
   */
  status?(before: Partial<ReloaderStatus>): Partial<ReloaderStatus>;
  /** Logs the findings of the last pass; each once. */
  log?(log: Log): void;
}

/** Shared by the steps of one pass. */
export interface PassContext {
  readonly cause: PassCause;
  /** What a watch reported: everything else waits for the next poll. Undefined: everything is scanned. */
  readonly touched: ReadonlySet<string> | undefined;
  /** A person asked for this pass: refused bundles are tried again. */
  readonly isAskedFor: boolean;
  /** Changes are reported and not made. */
  readonly observe: boolean;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Milliseconds since the epoch. */
  now(): number;
  /** To be asked before each write: this gateway leads, does not only observe, and is not stopping. */
  mayWrite(): boolean;
  /** Whether nothing that may take long should begin any more. */
  isStopping(): boolean;
  /** Findings so far; each step adds to them. */
  readonly report: PassReport;
  /** Says that something is left to do before the next poll; `failed` outweighs `settling`. */
  leave(unfinished: 'settling' | 'failed'): void;
  /** Says that something becomes due at this time (milliseconds since the epoch). */
  dueAt(at: number): void;
  /** State that the steps for certificates pass on to each other. */
  readonly work: CertificateWork;
  /** Reports of watches during this pass; null: they are left to the next one. */
  readonly touches: Touches | null;
  /** A part of this pass for places touched since it began: it shares the report, and has a work of its own. */
  within(touched: ReadonlySet<string>): PassContext;
}

/** Reports of watches during a pass. The next pass gets them, too: other steps may need them. */
export interface Touches {
  /** Settles once something was touched and the touches have paused. */
  ready(): Promise<void>;
  /** Places touched since the last call; null: none, or a whole pass is due. */
  take(): ReadonlySet<string> | null;
}

export interface CertificateWork {
  /** Null: the sources were not scanned yet. */
  scan: BundleScan | null;
  /** Nothing was left from the pass before, and only a watch's report is to be followed. */
  isCalm: boolean;
  /** Null: nothing changed and nothing waits, so there was nothing to plan. */
  plan: Plan | null;
  /** Changes to write now; empty: every change was attempted. */
  batch: Change[];
  /** Number of conflicts with other writers of each change that was attempted in this pass. */
  readonly attempted: Map<string, number>;
  /** Changes among them that may be attempted again. */
  readonly again: Set<string>;
  /** When the first change that is left to the ingress controller becomes due. */
  waitsUntil: number;
  /** Time of the decision on the batch (`performance.now()`). */
  decidedAt: number;
  /** What was served before each change, for its names. */
  before: Map<Change, ServedNames>;
  results: WriteResult[];
  /** Proofs of the writes, in the order of `results`; empty where nothing is proven. */
  proofs: Proof[];
  /** Why changes of the batch are made although they should wait. */
  readonly urgent: Map<Change, string>;
  hasFailed: boolean;
  /** Changes to what Kong trusts, to be sent with the first write. */
  caChanges: CaChange[];
  caResults: CaResult[];
}

/**
 * The long parts of a pass: reading and opening bundles, checking changes, writing them, waiting for Kong to take
 * the whole, proving.
 */
export type Phase = 'read' | 'check' | 'write' | 'send' | 'prove';

/** Gets the progress of a pass, for a person who waits. */
export interface ProgressListener {
  /** @param total number of units of work */
  begin(phase: Phase, total: number): void;
  step(): void;
}
