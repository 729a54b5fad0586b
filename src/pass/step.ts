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
import type { BookScan } from './bundle-book';

/** One part of a pass. The list in `app/pass.ts` says in which order they run; never two at once. */
export interface Step {
  /** @throws Error where the pass cannot be made; what was found until then must not get lost */
  run(pass: PassContext): Promise<void>;
  /** Sources that it follows, as they were at their last scan. */
  sources?(): readonly SourceState[];
  /**
   * Its part of the status, as of the last pass.
   * @param before what it was, also where another configuration ran by then
   */
  status?(before: Partial<ReloaderStatus>): Partial<ReloaderStatus>;
  /** Writes what the last pass found; each thing once. */
  log?(log: Log): void;
}

/** What the steps of one pass share. */
export interface PassContext {
  readonly cause: PassCause;
  /** What a watch reported: the rest is left for the next poll. Undefined: everything is looked at. */
  readonly touched: ReadonlySet<string> | undefined;
  /** Somebody asked for this pass: what was refused is tried again. */
  readonly isAskedFor: boolean;
  /** What would change is reported, and nothing is changed. */
  readonly observe: boolean;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Milliseconds since the epoch. */
  now(): number;
  /** To be asked before each write: this gateway is the one that writes, does not only observe, and is not stopping. */
  mayWrite(): boolean;
  /** What the pass has found so far; each step adds to it. */
  readonly report: PassReport;
  /** Something is left to do before the next poll; the worst that is said of a pass counts. */
  leave(unfinished: 'settling' | 'failed'): void;
  /** Something becomes due then (milliseconds since the epoch). */
  dueAt(at: number): void;
  /** What the steps for certificates hand on to each other. */
  readonly work: CertificateWork;
  /** What a watch reports while this pass runs; null: that is left to the next one. */
  readonly touches: Touches | null;
  /** A part of this pass for what was touched since it began: its report is this one's, its work is its own. */
  within(touched: ReadonlySet<string>): PassContext;
}

/** What a watch reports while a pass runs. The next pass gets it, too: some of it may be of other steps. */
export interface Touches {
  /** Settles once something was touched and nothing is any more. */
  ready(): Promise<void>;
  /** What was touched since the last call; null: nothing, or a whole pass is due. */
  take(): ReadonlySet<string> | null;
}

export interface CertificateWork {
  /** Null: the sources were not scanned yet. */
  scan: BookScan | null;
  /** Nothing was left from the pass before, and only a watch's report is to be followed. */
  isCalm: boolean;
  /** Null: nothing changed and nothing waits, so there was nothing to plan. */
  plan: Plan | null;
  /** Changes to write now; empty: nothing is left that was not attempted. */
  batch: Change[];
  /** Changes that were attempted in this pass, and how often each met somebody else's write. */
  readonly attempted: Map<string, number>;
  /** Those of them that may be attempted again. */
  readonly again: Set<string>;
  /** When the first of the changes is due that are left to the ingress controller for now. */
  waitsUntil: number;
  /** When the batch was decided on (`performance.now()`). */
  decidedAt: number;
  /** What was served for the names of each change before it was written. */
  before: Map<Change, ServedNames>;
  results: WriteResult[];
  /** Of what was written, in the order of `results`; empty where nothing is proven. */
  proofs: Proof[];
  /** Why changes of the batch are made though they were to wait. */
  readonly urgent: Map<Change, string>;
  hasFailed: boolean;
  /** Changes to what Kong trusts, which go along with the first write. */
  caChanges: CaChange[];
  caResults: CaResult[];
}

/** What takes long in a pass: read and open bundles, check changes, write them, have Kong take the whole, prove. */
export type Phase = 'read' | 'open' | 'check' | 'write' | 'send' | 'prove';

/** Is told how far a pass is, for a person who waits. */
export interface ProgressListener {
  /** @param total how many steps there will be */
  begin(phase: Phase, total: number): void;
  step(): void;
}
