import type { KeptFacts } from './kept-facts';
import type { Digest, Half, Proof, ServedObservation, WriteListener, WrittenHalf } from '../model';

/** The last observation of each half, and its last swap. No texts and no parsed certificates. */
export class ServedBook implements WriteListener {
  readonly #seen = { main: new Map<string, ServedObservation>(), alt: new Map<string, ServedObservation>() };
  readonly #swapped = { main: new Map<string, number>(), alt: new Map<string, number>() };
  #version = 0;
  #changes = 0;

  /** Increases with every record. */
  get version(): number {
    return this.#version;
  }

  /** Increases with every record that may change a certificate's state: of another verdict, or of another chain. */
  get changes(): number {
    return this.#changes;
  }

  seen(certificate: string, half: Half): ServedObservation | undefined {
    return this.#seen[half].get(certificate);
  }

  /** Time of its last swap; milliseconds since the epoch. */
  swappedAt(certificate: string, half: Half): number | undefined {
    return this.#swapped[half].get(certificate);
  }

  note(certificate: string, half: Half, seen: ServedObservation): void {
    this.#version += 1;
    const before = this.#seen[half].get(certificate);
    if (before?.verdict !== seen.verdict || before.expected !== seen.expected) this.#changes += 1;
    this.#seen[half].set(certificate, seen);
  }

  written({ certificate, half, chain, proof, isKept, at }: WrittenHalf): void {
    if (isKept) this.#swapped[half].set(certificate, at);
    if (proof === null || proof.verdict === 'overwritten') return;
    this.note(certificate, half, seenIn(proof, proof.verdict, chain, at));
  }

  /**
   * Takes over the swaps that an earlier process made, and what it saw to be wrong: that is wrong until somebody has
   * looked again. What it saw served is looked at first, as if nobody had.
   */
  remember(all: Iterable<KeptFacts>): void {
    for (const { facts, swappedAt } of all) {
      const { certificate, half, seen } = facts;
      if (certificate === null) continue;
      if (swappedAt !== null) this.#swapped[half].set(certificate.id, swappedAt);
      if (seen?.verdict === 'wrong' || seen?.verdict === 'another') this.note(certificate.id, half, seen);
    }
  }

  /** Forgets certificates that are no longer in Kong. */
  keep(certificates: ReadonlyMap<string, unknown>): void {
    for (const kept of [this.#seen.main, this.#seen.alt, this.#swapped.main, this.#swapped.alt]) {
      if (kept.size === 0) continue;
      for (const id of kept.keys()) if (!certificates.has(id)) kept.delete(id);
    }
  }
}

function seenIn(
  proof: Proof,
  verdict: ServedObservation['verdict'],
  expected: Digest,
  at: number,
): ServedObservation {
  const { servedFingerprint, detail } = proof;
  const fingerprint = verdict === 'served' ? null : servedFingerprint;
  return { verdict, expected, fingerprint, notAfter: null, at, detail };
}
