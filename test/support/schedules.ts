import { vi } from 'vitest';
import type { PassReport } from '../../src/model';
import { Schedule } from '../../src/pass';
import { reportOf } from './reports';

export const INTERVAL_MS = 300_000;
type Ending = PassReport['unfinished'] | Error;

/** A schedule whose passes are noted as `cause@seconds`; each takes `lasts` milliseconds of the false clock. */
export function scheduled({
  random = 0.5,
  lasts = 0,
  endings = [] as Ending[],
  isWhole = (_: ReadonlySet<string>) => Promise.resolve(false),
} = {}) {
  const start = performance.now();
  const passes: string[] = [];
  const failures: string[] = [];
  const touched: string[][] = [];
  let running = 0;
  let mostAtOnce = 0;
  const schedule = new Schedule({
    intervalMs: INTERVAL_MS,
    random: () => random,
    isWhole,
    failed: (cause, error) => failures.push(`${cause}: ${error.message}`),
    pass: async (cause, what) => {
      passes.push(`${cause}@${Math.round((performance.now() - start) / 10) / 100}`);
      if (what !== undefined) touched.push([...what].sort());
      running += 1;
      mostAtOnce = Math.max(mostAtOnce, running);
      if (lasts > 0) await new Promise((resolve) => setTimeout(resolve, lasts));
      running -= 1;
      const ending = endings.shift() ?? 'no';
      if (ending instanceof Error) throw ending;
      return reportOf({ cause, unfinished: ending });
    },
  });
  return {
    schedule,
    passes,
    failures,
    touched,
    mostAtOnce: () => mostAtOnce,
    setLasts: (ms: number) => (lasts = ms),
  };
}

export const advance = (ms: number) => vi.advanceTimersByTimeAsync(ms);
