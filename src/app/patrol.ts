import { collectGarbageSoon, collectMuchGarbage } from '../common/v8';
import type { TlsListener } from '../gateway';
import type { Schedule } from '../pass';
import type { ServedBook } from '../status';
import { Patrol } from '../verify';
import type { StreamListeners } from './listeners';
import type { PassRunner } from './pass';

/** A poll's handshakes; after a start, or a renewal of many, there are more. */
const USUAL = 100;
/** The longest that one handshake takes. */
const LOOK_MS = 5_000;

/**
 * Looks at what is served between passes, and asks for a pass where Kong no longer stores what it stored, or goes on
 * serving something else.
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
  let handshakes = 0;
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
    note: (certificate, half, seen) => served.note(certificate, half, seen),
    isBehind: (certificate, half, chain) => {
      const isDue = runner.isBehind(certificate, half, chain);
      if (isDue) schedule.request('retry');
      return isDue;
    },
    done: (looked, isLast) => {
      noted();
      handshakes += looked;
      // Handshakes leave garbage that a process at rest would keep.
      if (isLast && handshakes > USUAL) collectGarbageSoon();
      else collectMuchGarbage();
      if (isLast) handshakes = 0;
    },
    isBusy: () => schedule.isRunning,
  });
}
