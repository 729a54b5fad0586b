import type { CertificateState } from '../model';
import type { CertificateFacts } from './facts';

interface StateSince {
  state: CertificateState;
  /** Milliseconds since the epoch. */
  since: number;
}

/** Start of each certificate's present state. Certificates that changed at once share one record. */
export class SinceBook {
  #states = new Map<string, StateSince>();

  /**
   * Takes over the state of all certificates at `now`.
   * @returns those whose state has changed
   */
  update(all: Iterable<CertificateFacts>, now: number): CertificateFacts[] {
    const states = new Map<string, StateSince>();
    const shared = new Map<CertificateState, StateSince>();
    const changed: CertificateFacts[] = [];
    for (const facts of all) {
      const key = factsKey(facts);
      const before = this.#states.get(key);
      if (before?.state === facts.state) states.set(key, before);
      else {
        const record = shared.get(facts.state) ?? { state: facts.state, since: now };
        shared.set(facts.state, record);
        states.set(key, record);
        changed.push(facts);
      }
    }
    this.#states = states;
    return changed;
  }

  /** Takes over from an earlier process since when each state holds. */
  remember(all: Iterable<{ facts: CertificateFacts; since: number }>): void {
    for (const { facts, since } of all) this.#states.set(factsKey(facts), { state: facts.state, since });
  }

  /** Undefined: it was missing at the last update, or in another state. */
  since(facts: CertificateFacts): number | undefined {
    const known = this.#states.get(factsKey(facts));
    return known?.state === facts.state ? known.since : undefined;
  }
}

/** Mostly a string that the certificate has anyway, which costs no memory. */
function factsKey({ certificate, half, bundleId }: CertificateFacts): string {
  if (certificate === null) return `bundle ${bundleId ?? ''}`;
  return half === 'main' ? certificate.id : `${certificate.id} alt`;
}
