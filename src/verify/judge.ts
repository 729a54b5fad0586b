import type { Expectation, Shown, Verdict } from '../model';
import { leafOf, placeOf, type Place } from './listeners';
import { probeName } from './names';

/** Result of one handshake about a written certificate. */
export interface Judgement {
  verdict: Exclude<Verdict, 'overwritten'>;
  servedFingerprint: string | null;
  detail: string;
}

/**
 * Judges what was served for a name by what was served for it before: a server that answered then is not wrong now.
 * A missing answer is never a wrong one.
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
      // Something else served a name before the write added it, in any case.
      const isAnothers = previous != null && !isAdded(place, expected) && leaf !== leafOf(previous) && isSame;
      return isAnothers
        ? { verdict: 'another', servedFingerprint, detail: `${detail}, as before the write` }
        : { verdict: 'wrong', servedFingerprint, detail };
    }
  }
}

/** Whether the certificate did not have to be served for this name before the write. */
export const isAdded = ({ sni }: Place, { previous, added = [] }: Expectation): boolean =>
  previous === null || (sni !== null && added.includes(sni));
