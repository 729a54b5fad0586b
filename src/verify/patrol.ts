import { setTimeout as sleep } from 'node:timers/promises';
import { halfKey, type Digest, type Half, type ServedObservation } from '../model';
import {
  candidateOf,
  isAskable,
  keyOf,
  SpotCheck,
  type Candidate,
  type SpotCheckOptions,
} from './spot-check';

export interface PatrolOptions extends SpotCheckOptions {
  /** Asks Kong whether it still stores what was expected, before a mismatch is reported. */
  isStored: (certificate: string, half: Half, chain: Digest) => Promise<boolean>;
  note: (certificate: string, half: Half, seen: ServedObservation) => void;
  /**
   * Called where Kong stores a certificate and serves another one.
   * @returns whether a pass was asked for that does something about it
   */
  noteUnserved: (certificate: string, half: Half, chain: Digest) => boolean;
  /** Called at the end of each round, with the number of certificates in it, and whether no other follows. */
  done: (count: number, isLast: boolean) => void;
  /** A round gives way to passes. */
  isBusy: () => boolean;
  /** Milliseconds until a certificate that was not seen to be served is asked for again; default: 10 s. */
  againMs?: number;
}

const HALVES: readonly Half[] = ['main', 'alt'];
/** Halves of certificates in a round. */
const ROUND = 100;
/** Handshakes at the same time: each costs Kong a signature, and nobody is waiting. */
const CONCURRENCY = 2;
/** Pause between two rounds while some certificates were never looked at. */
const PAUSE_MS = 1_000;
const AGAIN_MS = 10_000;
/** Good looks in a row after which a certificate that was not served is as good as any other. */
const ENOUGH_LOOKS = 5;
/** Longest wait between handshakes for a certificate that is not served: each costs Kong a signature. */
const AGAIN_MOST_MS = 300_000;

/**
 * Checks by handshakes between passes whether Kong serves what it stores: first certificates that were never checked or
 * not seen to be served, then the next hundred at each poll. One handshake meets one worker, so a lasting trouble is
 * found in time, and a short one is soon forgotten.
 */
export class Patrol {
  #running: Promise<void> | null = null;
  readonly #abort = new AbortController();
  /** Start of the next round. */
  #next = 0;
  /** Whether a poll was made since the last round began. */
  #isDue = false;
  /** A pass was made since the last round began. */
  #isCalled = false;
  readonly #check: SpotCheck;
  /** Milliseconds to wait before halves are asked for again for which something else is served. */
  readonly #waits = new Map<string, number>();
  /** Good looks that are still needed at halves for which something else was served. */
  readonly #doubts = new Map<string, number>();
  readonly #againMs: number;

  constructor(private readonly options: PatrolOptions) {
    this.#check = new SpotCheck(options);
    this.#againMs = options.againMs ?? AGAIN_MS;
  }

  /**
   * Looks at what was never looked at.
   * @param isPoll look at the next ones again, too
   */
  go(isPoll: boolean): void {
    this.#isCalled = true;
    if (isPoll) this.#isDue = true;
    if (this.#running !== null || this.#abort.signal.aborted) return;
    this.#running = this.walk()
      .catch(() => undefined)
      .finally(() => {
        this.#running = null;
      });
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  private async walk(): Promise<void> {
    const { signal } = this.#abort;
    // Functions, since nothing that is awaited here is known to change these.
    const isStopped = () => signal.aborted;
    const isCalled = () => this.#isCalled;
    while (!isStopped()) {
      const again = this.#isDue;
      this.#isDue = false;
      this.#isCalled = false;
      const { candidates, isAnyUnserved } = this.choose(again);
      if (candidates.length === 0 && !isAnyUnserved) return;
      const isWhole = candidates.length === 0 || (await this.round(candidates));
      const next = this.choose(false);
      if (candidates.length > 0) this.options.done(candidates.length, next.candidates.length === 0);
      if (!isWhole) {
        if (again) this.#isDue = true;
        // The pass that it gave way to calls again, unless it has done so already.
        if (!isCalled() || this.options.isBusy()) return;
        continue;
      }
      if (next.candidates.length > 0) await sleep(PAUSE_MS, undefined, { signal, ref: false });
      else if (next.isAnyUnserved) await this.rest(signal);
    }
  }

  /** Until something that was not seen to be served is asked for again, or a pass was made. */
  private async rest(signal: AbortSignal): Promise<void> {
    const pause = Math.min(PAUSE_MS, this.#againMs);
    for (let waited = 0; waited < this.#againMs && !this.#isCalled; waited += pause) {
      await sleep(pause, undefined, { signal, ref: false });
    }
  }

  /** @param again whether to check the next hundred of those that were checked before, too */
  private choose(again: boolean): { candidates: Candidate[]; isAnyUnserved: boolean } {
    const now = Date.now();
    const candidates: Candidate[] = [];
    let isAnyUnserved = false;
    for (const certificate of this.options.certificates().values()) {
      for (const half of HALVES) {
        const stored = certificate[half];
        if (stored?.leaf == null) continue;
        const seen = this.options.seen(certificate.id, half);
        const isNew = seen?.expected !== stored.chain;
        const isDoubted = seen?.verdict !== 'served' || this.#doubts.has(halfKey(certificate.id, half));
        const isUnserved = !isNew && isDoubted && isAskable(certificate);
        if (isUnserved) isAnyUnserved = true;
        if (isNew || (isUnserved && now - seen.at >= this.waitFor(certificate.id, half)))
          candidates.push(candidateOf(certificate, half, stored));
        if (candidates.length >= ROUND) return { candidates, isAnyUnserved };
      }
    }
    // The remaining ones are of certificates that are gone.
    if (!isAnyUnserved) this.#doubts.clear();
    if (again) this.addNext(candidates);
    return { candidates, isAnyUnserved };
  }

  /** Fills a round up with the certificates after those of the last round; after the last one comes the first. */
  private addNext(candidates: Candidate[]): void {
    const chosen = new Set(candidates.map(keyOf));
    for (let turn = 0; turn < 2; turn++) {
      let index = 0;
      for (const certificate of this.options.certificates().values()) {
        for (const half of HALVES) {
          const stored = certificate[half];
          if (stored?.leaf == null || index++ < this.#next) continue;
          if (candidates.length >= ROUND) return;
          this.#next = index;
          const key = halfKey(certificate.id, half);
          if (!chosen.has(key)) candidates.push(candidateOf(certificate, half, stored));
          chosen.add(key);
        }
      }
      this.#next = 0;
    }
  }

  private waitFor(id: string, half: Half): number {
    return this.#waits.get(halfKey(id, half)) ?? this.#againMs;
  }

  /** @returns false where it gave way */
  private async round(candidates: readonly Candidate[]): Promise<boolean> {
    const queue = candidates.values();
    await this.options.streams?.ready();
    let isWhole = true;
    const worker = async () => {
      for (const candidate of queue) {
        if (this.options.isBusy() || this.#abort.signal.aborted) {
          isWhole = false;
          return;
        }
        await this.lookAt(candidate);
      }
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, candidates.length) }, worker));
    return isWhole;
  }

  private async lookAt(candidate: Candidate): Promise<void> {
    const { id, half, chain } = candidate;
    const seen = await this.#check.look(candidate);
    // A pass has written meanwhile, and noted what is served since.
    if (this.options.certificates().get(id)?.[half]?.chain !== chain) return;
    if (seen.verdict === 'wrong' && !(await this.options.isStored(id, half, chain))) return;
    if (this.#abort.signal.aborted) return;
    this.options.note(id, half, seen);
    this.noteDoubt(keyOf(candidate), seen.verdict);
    const isActedOn = seen.verdict === 'wrong' && this.options.noteUnserved(id, half, chain);
    if (seen.verdict === 'served' || seen.verdict === 'unreachable' || isActedOn)
      this.#waits.delete(keyOf(candidate));
    else {
      const wait = 2 * (this.#waits.get(keyOf(candidate)) ?? this.#againMs / 2);
      this.#waits.set(keyOf(candidate), Math.min(wait, AGAIN_MOST_MS));
    }
  }

  /** A certificate that was not served is looked at a few times more: one of two workers may serve it all the time. */
  private noteDoubt(key: string, verdict: ServedObservation['verdict']): void {
    const left = this.#doubts.get(key) ?? 0;
    if (verdict === 'wrong' && (left > 0 || this.#doubts.size < ROUND)) this.#doubts.set(key, ENOUGH_LOOKS);
    else if (verdict === 'served' && left > 1) this.#doubts.set(key, left - 1);
    else if (verdict === 'served') this.#doubts.delete(key);
  }
}
