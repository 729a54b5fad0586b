import type { PassCause, PassReport } from '../model';
import { SETTLE_MS } from './findings';

export interface ScheduleOptions {
  /** Milliseconds between polls. */
  intervalMs: number;
  pass: (cause: PassCause, touched?: ReadonlySet<string>) => Promise<PassReport>;
  /** A pass could not be made at all. */
  failed: (cause: PassCause, error: Error) => void;
  random?: () => number;
}

/** Of the interval; so that many gateways do not poll in step. */
const JITTER = 0.1;
/** How long after the last change notification the files are looked at, and how long they are waited for. */
const DEBOUNCE_MS = 5;
const DEBOUNCE_MAX_MS = 200;
const BACKOFF_FIRST_MS = 1_000;

/** Decides when to pass: at once, every interval, when a watch reports, again after a failure. Never two at once. */
export class Schedule {
  readonly #random: () => number;
  #timer: NodeJS.Timeout | null = null;
  #debounce: NodeJS.Timeout | null = null;
  #debounceSince = 0;
  #touched = new Set<string>();
  #running: Promise<void> | null = null;
  #next: PassCause | null = null;
  #failures = 0;
  #pollAt = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor(private readonly options: ScheduleOptions) {
    this.#random = options.random ?? Math.random;
  }

  start(): void {
    this.request('start');
  }

  /** Asks for a full pass now; one that runs already is finished first. */
  request(cause: PassCause): void {
    if (this.#stopped) return;
    this.#next = cause;
    this.run();
  }

  /** A watch saw something there. */
  touch(what: string): void {
    if (this.#stopped) return;
    const now = performance.now();
    if (this.#touched.size === 0) this.#debounceSince = now;
    this.#touched.add(what);
    const waited = now - this.#debounceSince;
    if (this.#debounce !== null) clearTimeout(this.#debounce);
    this.#debounce = setTimeout(() => this.run(), waited > DEBOUNCE_MAX_MS ? 0 : DEBOUNCE_MS);
  }

  /** Ends the timers and waits for a pass that is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#debounce !== null) clearTimeout(this.#debounce);
    await this.#running;
  }

  private run(): void {
    if (this.#running !== null) return;
    this.#running = this.drain().finally(() => {
      this.#running = null;
      // Something may have been touched between the last pass and now.
      if (!this.#stopped && (this.#next !== null || this.#touched.size > 0)) this.run();
    });
  }

  private async drain(): Promise<void> {
    while (!this.#stopped && (this.#next !== null || this.#touched.size > 0)) {
      const cause = this.#next ?? 'watch';
      const touched = this.#next === null ? this.#touched : undefined;
      this.#next = null;
      this.#touched = new Set();
      this.plan(await this.attempt(cause, touched), touched === undefined);
    }
  }

  private async attempt(cause: PassCause, touched?: ReadonlySet<string>): Promise<PassReport['unfinished']> {
    try {
      return (await this.options.pass(cause, touched)).unfinished;
    } catch (error) {
      this.options.failed(cause, error as Error);
      return 'failed';
    }
  }

  /** Sets the timer for the next pass. A partial one puts off neither poll nor retry. */
  private plan(unfinished: PassReport['unfinished'], wasFull: boolean): void {
    const now = performance.now();
    this.#failures = unfinished === 'failed' ? this.#failures + 1 : 0;
    if (wasFull) this.#pollAt = now + this.options.intervalMs * (1 - JITTER * this.#random());
    const retryAt = {
      no: Number.POSITIVE_INFINITY,
      settling: now + SETTLE_MS + 50,
      failed: now + BACKOFF_FIRST_MS * 2 ** Math.min(this.#failures - 1, 10) * (0.5 + this.#random()),
    }[unfinished];
    if (this.#timer !== null) clearTimeout(this.#timer);
    const isRetry = retryAt < this.#pollAt;
    const at = isRetry ? retryAt : this.#pollAt;
    this.#timer = setTimeout(() => this.request(isRetry ? 'retry' : 'poll'), Math.max(0, at - now));
  }
}
