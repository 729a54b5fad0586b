import type { PassCause, PassReport } from '../model';
import { SETTLE_MS } from './findings';
import type { Touches } from './step';

/** Causes that a person is behind. */
const ASKED_FOR: ReadonlySet<PassCause> = new Set(['trigger', 'command']);

interface ScheduleOptions {
  /** Milliseconds between polls. */
  intervalMs: number;
  pass: (cause: PassCause, touched: ReadonlySet<string> | undefined, touches: Touches) => Promise<PassReport>;
  /**
   * Whether everything touched is written whole, so that the pass need not wait for further changes; default: it waits.
   * @param isWaiting whether it still waits
   */
  isWhole?: IsWhole;
  /** Called when a pass failed as a whole. */
  failed: (cause: PassCause, error: Error) => void;
  random?: () => number;
}

type IsWhole = (touched: ReadonlySet<string>, isWaiting: () => boolean) => Promise<boolean>;

/** Share of the interval, so that many gateways do not poll in step. */
const JITTER = 0.1;
/** Delay after the last change notification before the files are scanned, and longest such delay. */
const DEBOUNCE_MS = 2;
const DEBOUNCE_MAX_MS = 200;
const BACKOFF_FIRST_MS = 1_000;
/** Longest wait before a forbidden or unanswered write is tried again. */
const BACKOFF_MOST_MS = 60_000;
/** Longest delay of a timer in Node. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * Decides when to make passes: at once, at every interval, when a watch reports, again after a failure. Never two
 * at once.
 */
export class Schedule {
  readonly #random: () => number;
  #timer: NodeJS.Timeout | null = null;
  #debounce: NodeJS.Timeout | null = null;
  #debounceSince = 0;
  #isChecking = false;
  #touched = new Set<string>();
  /** Touches that a running pass has taken: other steps of the next pass may need them. */
  readonly #taken = new Set<string>();
  /** Tells a running pass that something was touched. */
  #tell: () => void = () => undefined;
  #running: Promise<void> | null = null;
  #next: PassCause | null = null;
  /** Callers that wait for the next full pass. */
  #waiting: Waiter[] = [];
  #failures = 0;
  #pollAt = Number.POSITIVE_INFINITY;
  #retryAt = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor(private readonly options: ScheduleOptions) {
    this.#random = options.random ?? Math.random;
  }

  start(): void {
    this.request('start');
  }

  /** Asks for a full pass; one that is running is finished first. */
  request(cause: PassCause): void {
    if (this.#stopped) return;
    // A pass that a person asked for is more than a poll: it also retries refused bundles.
    if (this.#next === null || !ASKED_FOR.has(this.#next)) this.#next = cause;
    this.run();
  }

  /**
   * Asks for a full pass and waits for it; one that is running is finished first.
   * @throws Error when the pass could not be made, or none will follow
   */
  demand(cause: PassCause): Promise<PassReport> {
    if (this.#stopped) return Promise.reject(new Error('the reloader was stopped'));
    const report = new Promise<PassReport>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.request(cause);
    return report;
  }

  /** To be called when a watch reports a change. */
  touch(what: string): void {
    if (this.#stopped) return;
    const now = performance.now();
    if (this.#touched.size === 0) this.#debounceSince = now;
    this.#touched.add(what);
    const waited = now - this.#debounceSince;
    if (this.#debounce !== null) clearTimeout(this.#debounce);
    this.#debounce = setTimeout(() => this.endDebounce(), waited > DEBOUNCE_MAX_MS ? 0 : DEBOUNCE_MS);
    if (this.options.isWhole !== undefined && !this.#isChecking) this.checkWhole(this.options.isWhole);
  }

  /** Ends the delay early if everything touched is written whole. */
  private checkWhole(isWhole: IsWhole): void {
    this.#isChecking = true;
    // Changes that are reported in one turn of the event loop belong together.
    setImmediate(() => {
      const touched = this.#touched;
      const { size } = touched;
      const checked = (isReady: boolean) => {
        this.#isChecking = false;
        if (this.#debounce === null || this.#stopped) return;
        if (touched !== this.#touched || size !== touched.size) this.checkWhole(isWhole);
        else if (isReady) this.endDebounce();
      };
      isWhole(touched, () => this.#debounce !== null).then(checked, () => checked(false));
    });
  }

  /** Ends the delay after changes. */
  private endDebounce(): void {
    if (this.#debounce !== null) clearTimeout(this.#debounce);
    this.#debounce = null;
    this.#tell();
    this.run();
  }

  /** Ends the timers and waits for a pass that is running. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#debounce !== null) clearTimeout(this.#debounce);
    await this.#running;
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('the reloader was stopped'));
  }

  /** Whether a pass is running. */
  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** Touches during a running pass. */
  private readonly touches: Touches = {
    ready: () =>
      new Promise((resolve) => {
        if (this.#touched.size > 0 && this.#debounce === null) resolve();
        else this.#tell = resolve;
      }),
    take: () => {
      if (this.#stopped || this.#next !== null || this.#touched.size === 0) return null;
      const touched = this.#touched;
      this.#touched = new Set();
      for (const what of touched) this.#taken.add(what);
      return touched;
    },
  };

  private run(): void {
    if (this.#running !== null) return;
    this.#running = this.drain().finally(() => {
      this.#running = null;
      // Changes may have been reported between the last pass and now.
      if (!this.#stopped && (this.#next !== null || this.#touched.size > 0)) this.run();
    });
  }

  private async drain(): Promise<void> {
    while (!this.#stopped && (this.#next !== null || this.#touched.size > 0)) {
      const cause = this.#next ?? 'watch';
      const touched = this.#next === null ? this.#touched : undefined;
      this.#next = null;
      this.#touched = new Set();
      const waiting = touched === undefined ? this.#waiting.splice(0) : [];
      this.plan(await this.attempt(cause, touched, waiting), touched === undefined);
      for (const what of this.#taken) this.#touched.add(what);
      this.#taken.clear();
    }
  }

  private async attempt(
    cause: PassCause,
    touched: ReadonlySet<string> | undefined,
    waiting: readonly Waiter[],
  ): Promise<Outcome> {
    try {
      const report = await this.options.pass(cause, touched, this.touches);
      this.#tell = () => undefined;
      for (const { resolve } of waiting) resolve(report);
      return report;
    } catch (error) {
      this.options.failed(cause, error as Error);
      for (const { reject } of waiting) reject(error as Error);
      return { unfinished: 'failed', nextAt: null };
    }
  }

  /** Sets the timer for the next pass. A partial pass delays neither poll nor retry. */
  private plan({ unfinished, nextAt }: Outcome, wasFull: boolean): void {
    if (this.#stopped) return;
    const now = performance.now();
    if (wasFull) {
      this.#pollAt = now + this.options.intervalMs * (1 - JITTER * this.#random());
      this.#retryAt = Number.POSITIVE_INFINITY;
      if (unfinished !== 'failed') this.#failures = 0;
    }
    if (unfinished === 'failed') {
      this.#failures += 1;
      const backoff = Math.min(BACKOFF_FIRST_MS * 2 ** Math.min(this.#failures - 1, 10), BACKOFF_MOST_MS);
      this.#retryAt = Math.min(this.#retryAt, now + backoff * (0.5 + this.#random()));
    } else if (unfinished === 'settling') this.#retryAt = Math.min(this.#retryAt, now + SETTLE_MS + 50);
    if (nextAt !== null) this.#retryAt = Math.min(this.#retryAt, now + Math.max(0, nextAt - Date.now()) + 50);
    if (this.#timer !== null) clearTimeout(this.#timer);
    const isRetry = this.#retryAt < this.#pollAt;
    const at = isRetry ? this.#retryAt : this.#pollAt;
    const delay = Math.min(Math.max(0, at - now), MAX_DELAY_MS);
    this.#timer = setTimeout(() => this.request(isRetry ? 'retry' : 'poll'), delay);
  }
}

interface Waiter {
  resolve: (report: PassReport) => void;
  reject: (error: Error) => void;
}

type Outcome = Pick<PassReport, 'unfinished' | 'nextAt'>;
