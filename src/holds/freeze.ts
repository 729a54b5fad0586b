import { Cron } from 'croner';

export interface FreezeConfig {
  start: string;
  minutes: number;
  time_zone: string;
}

/** More windows, or a longer start, take longer to look at than a pass may wait. */
const MAX_WINDOWS = 50;
const MAX_START = 200;

/** Windows of time in which nothing is swapped. */
export class Freeze {
  readonly #windows: readonly Window[];
  /** The last result, and the time for which it holds: every change of a pass asks. */
  #end: number | null = null;
  #from = Infinity;
  #until = -Infinity;

  /** @throws Error naming the wrong field */
  constructor(windows: readonly FreezeConfig[]) {
    if (windows.length > MAX_WINDOWS) throw new Error(`freeze: there are more than ${MAX_WINDOWS} windows`);
    this.#windows = windows.map((window, index) => new Window(window, `freeze[${index}]`));
  }

  /** End of the window that contains `now`, including windows that follow directly; null: none. */
  endOf(now: number): number | null {
    if (now < this.#from || now >= this.#until) this.look(now);
    return this.#end;
  }

  private look(now: number): void {
    this.#end = null;
    this.#from = now;
    const starts = this.#windows.map((window) => window.startAfter(now));
    for (let round = 0; round <= this.#windows.length; round++) {
      const at: number = this.#end ?? now;
      const latest = Math.max(at, ...this.#windows.map((window) => window.endAfter(at)));
      if (latest <= at) break;
      this.#end = latest;
    }
    this.#until = this.#end ?? Math.min(...starts);
  }
}

class Window {
  readonly #cron: Cron;
  readonly #ms: number;
  /** The start that was looked for last, and the next one. */
  #last = Infinity;
  #next = -Infinity;

  constructor({ start, minutes, time_zone: timezone }: FreezeConfig, field: string) {
    this.#cron = parse(start, timezone, field);
    this.#ms = minutes * 60_000;
    // Such a day is looked for in all years, each time.
    if (this.#cron.nextRun() === null) throw new Error(`${field}.start: there is no such day`);
  }

  /** End of the last window that has begun by then. A window that begins at this very moment has begun. */
  endAfter(at: number): number {
    this.look(at);
    return this.#last + this.#ms;
  }

  startAfter(at: number): number {
    this.look(at);
    return this.#next;
  }

  private look(at: number): void {
    if (at >= this.#last && at < this.#next) return;
    const [last] = this.#cron.previousRuns(1, new Date(at + 1_000));
    this.#last = last?.getTime() ?? -Infinity;
    this.#next = this.#cron.nextRun(new Date(at))?.getTime() ?? Infinity;
  }
}

function parse(start: string, timezone: string, field: string): Cron {
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone });
  } catch {
    throw new Error(`${field}.time_zone: not a time zone; give one as Europe/Berlin`);
  }
  try {
    if (start.length > MAX_START) throw new RangeError('too long');
    return new Cron(start, { timezone, paused: true, mode: '5-part' });
  } catch {
    throw new Error(`${field}.start: not cron's five words, such as "0 18 * * 5" for Friday at 18:00`);
  }
}
