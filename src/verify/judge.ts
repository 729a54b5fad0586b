import type { Expectation, Shown, Verdict } from '../model';
import { leafOf, placeOf, type Place } from './listeners';
import { probeName } from './names';

/** What one handshake says about what was written. */
export interface Judgement {
  verdict: Exclude<Verdict, 'overwritten'>;
  servedFingerprint: string | null;
  detail: string;
}

/**
 * Judges what was shown for a name by what was served for it before: whoever answered for it then is not wrong now.
 * No answer is never the wrong answer.
 */
export function judge(shown: Shown, place: Place, expected: Expectation): Judgement {
  const { chains, previous, before } = expected;
  switch (shown.kind) {
    case 'silent':
      return { verdict: 'unreachable', servedFingerprint: null, detail: shown.detail };
    case 'refused': {
      const wasRefused = before?.get(placeOf(place))?.kind === 'refused';
      return wasRefused
        ? { verdict: 'another', servedFingerprint: null, detail: `${shown.detail}, as before the write` }
        : { verdict: 'wrong', servedFingerprint: null, detail: shown.detail };
    }
    case 'chain': {
      const { chain, fingerprint: servedFingerprint } = shown;
      if (chains.includes(chain)) return { verdict: 'served', servedFingerprint, detail: '' };
      const detail = `${place.host}:${place.port} serves ${servedFingerprint} for ${probeName(place.sni ?? '')}`;
      const leaf = leafOf(chain);
      const then = before?.get(placeOf(place));
      const isSame = then?.kind === 'chain' && leafOf(then.chain) === leaf;
      // A name that the write added was served by something else before by all means.
      const isAnothers = previous != null && !isAdded(place, expected) && leaf !== leafOf(previous) && isSame;
      return isAnothers
        ? { verdict: 'another', servedFingerprint, detail: `${detail}, as before the write` }
        : { verdict: 'wrong', servedFingerprint, detail };
    }
  }
}

/** Whether the certificate was not to be served for this name before the write. */
export const isAdded = ({ sni }: Place, { previous, added = [] }: Expectation): boolean =>
  previous === null || (sni !== null && added.includes(sni));
