import { setTimeout as sleep } from 'node:timers/promises';
import type { Expectation, NamesToAsk, Proof, ServedNames, Shown, Verifier } from '../model';
import { ask, placeOf, type Listener, type Place } from './listeners';
import { unservable } from './names';
import { LATE_MS, Proving } from './proving';

interface VerifierOptions {
  /** Present TLS listeners of this Kong for a name. */
  listeners: (sni: string) => readonly Listener[];
  /** Refreshes the data behind `listeners`. Never throws. */
  ready?: () => Promise<void>;
  /** Milliseconds until every worker has to serve the new certificate. */
  timeoutMs: number;
  /** Number of workers of this Kong; each has a cache of its own. */
  workers: () => number;
}

/** Handshakes at the same time: each costs Kong a signature. */
const CONCURRENCY = 8;
/** With more certificates than this, one good handshake each suffices. */
const MANY = 50;
/**
 * Pause before the first handshake of a proof. Kong's workers take over the write in these milliseconds; a handshake would
 * delay them, and the clients that wait for the new certificate.
 */
const TAKE_OVER_MS = 10;
/** Longest time that a write waits for the handshakes before it. */
const OBSERVE_MS = 1_000;

/**
 * Proves by handshakes that Kong serves what was written. A worker cannot be addressed, so a certificate counts as
 * served after twice as many good handshakes in a row as there are workers.
 */
export class HandshakeVerifier implements Verifier {
  constructor(private readonly options: VerifierOptions) {}

  async observe({ snis, keyType }: NamesToAsk): Promise<ServedNames> {
    const found = new Map<string, Shown>();
    await this.options.ready?.();
    const places = this.placesOf(snis.filter((sni) => unservable(sni) === null));
    const queue = places.values();
    const end = performance.now() + OBSERVE_MS;
    const worker = async () => {
      for (const place of queue) {
        const leftMs = Math.ceil(end - performance.now());
        if (leftMs <= 0) return;
        const shown = await ask(place, keyType, leftMs);
        if (shown.kind !== 'silent') found.set(placeOf(place), shown);
      }
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, places.length) }, worker));
    return found;
  }

  async prove(expected: readonly Expectation[], proven?: () => void): Promise<Proof[]> {
    const rounds = expected.length > MANY ? 1 : Math.max(2, 2 * this.options.workers());
    const { timeoutMs } = this.options;
    await Promise.all([sleep(TAKE_OVER_MS), this.options.ready?.()]);
    const end = performance.now() + timeoutMs;
    const proofs: Proof[] = [];
    const queue = expected.entries();
    const worker = async () => {
      for (const [index, expectation] of queue) {
        const ownMs = performance.now() < end ? timeoutMs : Math.min(timeoutMs, LATE_MS);
        const places = this.placesOf(expectation.snis.filter((sni) => unservable(sni) === null));
        proofs[index] = await new Proving(expectation, places, rounds, ownMs).run();
        proven?.();
      }
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, expected.length) }, worker));
    return proofs;
  }

  private placesOf(snis: readonly string[]): Place[] {
    return snis.flatMap((sni) => this.options.listeners(sni).map((at) => ({ ...at, sni })));
  }
}
