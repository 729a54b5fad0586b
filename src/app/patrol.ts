import { collectGarbageIfGrown, collectGarbageSoon } from '../common/v8';
import type { TlsListener } from '../gateway';
import type { Schedule } from '../pass';
import type { ServedBook } from '../status';
import { Patrol } from '../verify';
import type { StreamListeners } from './listeners';
import type { PassRunner } from './pass';

/** Certificates that a poll checks; more are checked after a start, or after a renewal of many. */
const OF_A_POLL = 100;
/** The longest that one handshake takes. */
const LOOK_MS = 5_000;

/**
 * Checks between passes what is served. Asks for a pass where Kong no longer stores what it stored, or goes on serving
 * something else.
 * @param noted called after each round
 */
export function createPatrol(
  listeners: () => readonly TlsListener[],
  streams: StreamListeners,
  runner: PassRunner,
  schedule: Schedule,
  served: ServedBook,
  noted: () => void,
): Patrol {
  let checks = 0;
  return new Patrol({
    listeners,
    streams: {
      ready: () => streams.ready(),
      at: (sni, certificate, half) => {
        const age = Date.now() - (served.swappedAt(certificate, half) ?? 0);
        return age < streams.lateMs ? [] : streams.at(sni);
      },
    },
    timeoutMs: LOOK_MS,
    certificates: () => runner.live().certificates,
    seen: (certificate, half) => served.seen(certificate, half),
    isStored: async (certificate, half, chain) => {
      const isStored = await runner.isStillStored(certificate, half, chain);
      if (!isStored) schedule.request('poll');
      return isStored;
    },
    note: (certificate, half, seen) => {
      served.note(certificate, half, seen);
      if (seen.verdict === 'served') runner.noteServed(certificate, half);
    },
    noteUnserved: (certificate, half, chain) => {
      const isDue = runner.noteUnserved(certificate, half, chain);
      if (isDue) schedule.request('retry');
      return isDue;
    },
    done: (count, isLast) => {
      noted();
      checks += count;
      // Handshakes leave garbage that a process at rest would keep.
      if (isLast && checks > OF_A_POLL) collectGarbageSoon();
      else collectGarbageIfGrown();
      if (isLast) checks = 0;
    },
    isBusy: () => schedule.isRunning,
  });
}
