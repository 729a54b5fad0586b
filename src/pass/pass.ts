import type { PassCause, PassReport } from '../model';
import type { CertificateWork, PassContext, Step } from './step';

export interface PassesOptions {
  /** Steps, in order. */
  steps: readonly Step[];
  /** Report what would change, and change nothing. */
  observe: boolean;
  /** Whether this gateway writes, where several share a database; default: it does. */
  mayWrite?: () => boolean;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

/** Makes passes, one after the other. */
export class Passes {
  constructor(private readonly options: PassesOptions) {}

  /**
   * @param touched what a watch reported; other sources wait for the next poll
   * @throws Error when a step cannot work at all: Kong does not answer
   */
  async run(cause: PassCause, touched?: ReadonlySet<string>): Promise<PassReport> {
    const began = performance.now();
    const pass = new Pass(cause, touched, this.options);
    for (const step of this.options.steps) await step.run(pass);
    pass.report.durationMs = performance.now() - began;
    return pass.report;
  }
}

/** Repeats steps until the first of them finds nothing new to attempt, or a change failed. */
export function rounds(plan: Step, ...others: readonly Step[]): Step {
  return {
    run: async (pass) => {
      const { work } = pass;
      await plan.run(pass);
      while (work.batch.length > 0 && !work.hasFailed) {
        for (const step of others) await step.run(pass);
        await plan.run(pass);
      }
    },
  };
}

class Pass implements PassContext {
  readonly isAskedFor: boolean;
  readonly observe: boolean;
  readonly report: PassReport;
  readonly startedAt: number;
  readonly work: CertificateWork = {
    scan: null,
    isCalm: false,
    plan: null,
    batch: [],
    attempted: new Map(),
    again: new Set(),
    waitsUntil: Number.POSITIVE_INFINITY,
    decidedAt: 0,
    before: new Map(),
    results: [],
    proofs: [],
    urgent: new Map(),
    hasFailed: false,
    caChanges: [],
    caResults: [],
  };

  constructor(
    readonly cause: PassCause,
    readonly touched: ReadonlySet<string> | undefined,
    private readonly options: PassesOptions,
  ) {
    this.isAskedFor = cause === 'trigger' || cause === 'command';
    this.observe = options.observe;
    this.startedAt = this.now();
    this.report = emptyReport(cause, this.startedAt);
  }

  now(): number {
    return (this.options.now ?? Date.now)();
  }

  mayWrite(): boolean {
    return !this.observe && (this.options.mayWrite?.() ?? true);
  }

  leave(unfinished: 'settling' | 'failed'): void {
    if (this.report.unfinished !== 'failed') this.report.unfinished = unfinished;
  }

  dueAt(at: number): void {
    if (Number.isFinite(at)) this.report.nextAt = Math.min(this.report.nextAt ?? at, at);
  }
}

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
