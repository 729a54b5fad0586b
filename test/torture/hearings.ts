import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { groupBy } from '../../src/common/multimap';
import type { Span } from './judge';

/**
 * A worker of a real Kong has heard that a certificate was changed. Until then it serves what is in its cache: on a busy
 * machine seconds after another worker, as its log shows.
 */
export interface Hearing {
  id: string;
  worker: string;
  /** When the worker began, and when it heard; times of `performance.now()`. */
  began: number;
  at: number;
}

/** Lines of kong.conf for a plugin that logs what each worker hears. */
export const HEARINGS_LINES = [
  'plugins = bundled,ssl-cert-reloader,worker-hearings',
  `lua_package_path = ${resolve('test/torture/lua')}/?.lua;;`,
];

/** From Kong's log; none of the stand-in, whose workers follow at once. */
export function hearingsOf(prefix: string): Hearing[] {
  const log = join(prefix, 'logs', 'error.log');
  if (!existsSync(log)) return [];
  const line = /\[worker-hearings\] worker=(\d+) began=([\d.]+) now=([\d.]+) key=certificates:([\da-f-]+):/g;
  const timeOf = (seconds = '') => Number(seconds) * 1000 - performance.timeOrigin;
  return [...readFileSync(log, 'utf8').matchAll(line)].map(([, worker = '', began, now, id = '']) => ({
    ...{ id, worker },
    ...{ began: timeOf(began), at: timeOf(now) },
  }));
}

/**
 * Whether a worker was behind another one: it had heard of fewer changes of a certificate when the second look began than
 * the other had at the end of the first, and heard of one later.
 */
export function wasBehind(hearings: readonly Hearing[], first: Span, second: Span): boolean {
  const workers = [...groupBy(hearings, ({ worker }) => worker).values()];
  return workers.some((late) => {
    const began = late[0]?.began ?? 0;
    const heardOf = (worker: readonly Hearing[], until: number) =>
      worker.filter(({ at }) => at >= began && at < until).length;
    const known = heardOf(late, second.from);
    return (
      late.some(({ at }) => at >= second.from) &&
      workers.some((other) => other !== late && heardOf(other, first.to) > known)
    );
  });
}
