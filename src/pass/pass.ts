import type { PassCause, PassReport } from '../model';
import type { CertificateWork, PassContext, Step, Touches } from './step';

interface PassesOptions {
  /** Steps, in order. */
  steps: readonly Step[];
  /** Report what would change, and change nothing. */
  observe: boolean;
  /** Whether this gateway writes, where several share a database; default: it does. */
  mayWrite?: () => boolean;
  /** Whether this gateway is being stopped; default: it is not. */
  isStopping?: () => boolean;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

/** Makes passes, one after the other. */
export class Passes {
  constructor(private readonly options: PassesOptions) {}

  /**
   * @param touched what a watch reported; other sources wait for the next poll
   * @param touches what it reports from then on
   * @throws Error when a step cannot work at all: Kong does not answer
   */
  async run(
    cause: PassCause,
    touched?: ReadonlySet<string>,
    touches: Touches | null = null,
  ): Promise<PassReport> {
    const began = performance.now();
    const pass = new Pass(cause, touched, this.options, touches);
    for (const step of this.options.steps) await step.run(pass);
    pass.report.durationMs = performance.now() - began;
    return pass.report;
  }
}

class Pass implements PassContext {
  readonly isAskedFor: boolean;
  readonly observe: boolean;
  readonly report: PassReport;
  readonly startedAt: number;
  readonly work: CertificateWork;

  constructor(
    readonly cause: PassCause,
    readonly touched: ReadonlySet<string> | undefined,
    private readonly options: PassesOptions,
    readonly touches: Touches | null,
    outer: Pass | null = null,
  ) {
    this.isAskedFor = cause === 'trigger' || cause === 'command';
    this.observe = options.observe;
    this.startedAt = this.now();
    this.report = outer?.report ?? emptyReport(cause, this.startedAt);
    // Shared with the outer pass: a change that one has attempted is not attempted by the other.
    const { attempted, again } = outer?.work ?? {
      attempted: new Map<string, number>(),
      again: new Set<string>(),
    };
    this.work = { ...emptyWork(), attempted, again };
  }

  within(touched: ReadonlySet<string>): PassContext {
    return new Pass(this.cause, touched, this.options, null, this);
  }

  now(): number {
    return (this.options.now ?? Date.now)();
  }

  mayWrite(): boolean {
    return !this.observe && !this.isStopping() && (this.options.mayWrite?.() ?? true);
  }

  isStopping(): boolean {
    return this.options.isStopping?.() ?? false;
  }

  leave(unfinished: 'settling' | 'failed'): void {
    if (this.report.unfinished !== 'failed') this.report.unfinished = unfinished;
  }

  dueAt(at: number): void {
    if (Number.isFinite(at)) this.report.nextAt = Math.min(this.report.nextAt ?? at, at);
  }
}

const emptyWork = (): Omit<CertificateWork, 'attempted' | 'again'> => ({
  scan: null,
  isCalm: false,
  plan: null,
  batch: [],
  waitsUntil: Number.POSITIVE_INFINITY,
  decidedAt: 0,
  before: new Map(),
  results: [],
  proofs: [],
  urgent: new Map(),
  hasFailed: false,
  caChanges: [],
  caResults: [],
});

const emptyReport = (cause: PassCause, startedAt: number): PassReport => ({
  cause,
  startedAt,
  durationMs: 0,
  bundles: 0,
  read: 0,
  inSync: 0,
  refused: 0,
  unused: 0,
  events: [],
  sourceErrors: [],
  mendedSources: [],
  failures: [],
  waiting: [],
  notes: [],
  bundleNotes: [],
  strays: [],
  unfinished: 'no',
  nextAt: null,
});
