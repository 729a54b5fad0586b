import { Cron } from 'croner';

export interface FreezeConfig {
  start: string;
  minutes: number;
  time_zone: string;
}

/** Windows of time in which nothing is swapped. */
export class Freeze {
  readonly #windows: { cron: Cron; ms: number }[];

  /** @throws Error naming the wrong field */
  constructor(windows: readonly FreezeConfig[]) {
    this.#windows = windows.map(({ start, minutes, time_zone: timezone }, index) => {
      const cron = parse(start, timezone, `freeze[${index}]`);
      return { cron, ms: minutes * 60_000 };
    });
  }

  /** End of the window that contains `now`, including windows that follow directly; null: none. */
  endOf(now: number): number | null {
    let end: number | null = null;
    for (let round = 0; round <= this.#windows.length; round++) {
      const at = end ?? now;
      const ends = this.#windows.map(({ cron, ms }) => {
        // A window that begins at this very moment has begun.
        const [last] = cron.previousRuns(1, new Date(at + 1_000));
        return last === undefined ? at : last.getTime() + ms;
      });
      const latest = Math.max(at, ...ends);
      if (latest <= at) break;
      end = latest;
    }
    return end;
  }
}

function parse(start: string, timezone: string, field: string): Cron {
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone });
  } catch {
    throw new Error(`${field}.time_zone: not a time zone; give one as Europe/Berlin`);
  }
  try {
    return new Cron(start, { timezone, paused: true, mode: '5-part' });
  } catch {
    throw new Error(`${field}.start: not cron's five words, such as "0 18 * * 5" for Friday at 18:00`);
  }
}
