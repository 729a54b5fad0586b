import { setTimeout as sleep } from 'node:timers/promises';
import type { Digest, Half, KeyType, ServedObservation, Shown, StoredCertificate } from '../model';
import { ask, leafOf, type Listener } from './listeners';
import { probeName, unservable } from './names';

export interface PatrolOptions {
  /** Present TLS listeners of this Kong. */
  listeners: () => readonly Listener[];
  timeoutMs: number;
  certificates: () => ReadonlyMap<string, StoredCertificate>;
  /** The last observation of a certificate. */
  seen: (certificate: string, half: Half) => ServedObservation | undefined;
  /** Asks Kong whether it still stores what was expected, before a mismatch is reported. */
  isStored: (certificate: string, half: Half, chain: Digest) => Promise<boolean>;
  note: (certificate: string, half: Half, sight: ServedObservation) => void;
  /** Called at the end of each round, with the number of certificates in it. */
  done: (looked: number) => void;
  /** A round gives way to passes. */
  isBusy: () => boolean;
  /** Further listeners (of streams) that show the certificate of a name, asked after the others; default: none. */
  streams?: {
    /** Called before each round. */
    ready: () => Promise<void>;
    at: (sni: string, certificate: string, half: Half) => readonly Listener[];
  };
  /** Milliseconds until a certificate that was not seen to be served is asked for again; default: 10 s. */
  againMs?: number;
}

/** Halves of certificates in a round. */
const ROUND = 100;
/** Handshakes at the same time: each costs Kong a signature, and nobody is waiting. */
const CONCURRENCY = 2;
/** Pause between two rounds while some certificates were never looked at. */
const PAUSE_MS = 1_000;
const AGAIN_MS = 10_000;
/** Longest wait between handshakes for a certificate that is not served: each costs Kong a signature. */
const AGAIN_MOST_MS = 300_000;
/** Names of one certificate that are asked for at a time, at the first listener that answers. */
export const MAX_NAMES_ASKED = 5;

interface Candidate {
  id: string;
  half: Half;
  chain: Digest;
  snis: readonly string[];
  keyType: KeyType | undefined;
}

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
  /** Former leaves of halves of certificates. */
  readonly #former = new Map<string, string>();
  /** The leaf that a client without SNI got at the last mismatch. */
  #defaultLeaf: string | null = null;
  /** Milliseconds to wait before halves are asked for again for which something else is served. */
  readonly #waits = new Map<string, number>();
  readonly #againMs: number;

  constructor(private readonly options: PatrolOptions) {
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
      if (candidates.length > 0) {
        const isWhole = await this.round(candidates);
        this.options.done(candidates.length);
        if (!isWhole) {
          if (again) this.#isDue = true;
          // The pass that it gave way to calls again, unless it has done so already.
          if (!isCalled() || this.options.isBusy()) return;
          continue;
        }
      } else if (!isAnyUnserved) return;
      const next = this.choose(false);
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

  /** @param again the next ones, too, though they were looked at */
  private choose(again: boolean): { candidates: Candidate[]; isAnyUnserved: boolean } {
    const now = Date.now();
    const all: Candidate[] = [];
    const first: Candidate[] = [];
    let isAnyUnserved = false;
    for (const certificate of this.options.certificates().values()) {
      for (const half of ['main', 'alt'] as const) {
        const candidate = candidateOf(certificate, half);
        if (candidate === null) continue;
        if (again) all.push(candidate);
        const seen = this.options.seen(candidate.id, half);
        const isUnserved =
          seen?.expected === candidate.chain && seen.verdict !== 'served' && isAskable(candidate);
        if (isUnserved) isAnyUnserved = true;
        const wait = this.#waits.get(keyOf(candidate)) ?? this.#againMs;
        if (seen?.expected !== candidate.chain || (isUnserved && now - seen.at >= wait))
          first.push(candidate);
        if (first.length >= ROUND) return { candidates: first, isAnyUnserved };
      }
    }
    const chosen = new Set(first);
    for (let step = 0; step < all.length && chosen.size < ROUND; step++) {
      chosen.add(all[this.#next++ % all.length] as Candidate);
    }
    this.#next %= Math.max(1, all.length);
    return { candidates: [...chosen], isAnyUnserved };
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
    const seen = await this.look(candidate);
    // A pass has written meanwhile, and noted what is served since.
    if (this.options.certificates().get(id)?.[half]?.chain !== chain) return;
    if (seen.verdict === 'wrong' && !(await this.options.isStored(id, half, chain))) return;
    if (this.#abort.signal.aborted) return;
    this.options.note(id, half, seen);
    if (seen.verdict === 'served' || seen.verdict === 'unreachable') this.#waits.delete(keyOf(candidate));
    else {
      const wait = 2 * (this.#waits.get(keyOf(candidate)) ?? this.#againMs / 2);
      this.#waits.set(keyOf(candidate), Math.min(wait, AGAIN_MOST_MS));
    }
  }

  /** The certificate's former leaf is wrong for it, though Kong no longer stores it. */
  private formerLeaf(candidate: Candidate): string | null {
    const { id, half, chain } = candidate;
    const key = keyOf(candidate);
    const seen = this.options.seen(id, half);
    if (seen !== undefined && leafOf(seen.expected) !== leafOf(chain))
      this.#former.set(key, leafOf(seen.expected));
    return this.#former.get(key) ?? null;
  }

  /** Asks for some of its names; one that is served by something else than Kong decides nothing about the others. */
  private async look(candidate: Candidate): Promise<ServedObservation> {
    const { chain, snis, keyType } = candidate;
    const seen: ServedObservation = {
      verdict: 'unreachable',
      expected: chain,
      fingerprint: null,
      notAfter: null,
      at: Date.now(),
      detail: 'it has no SNI to ask for',
    };
    const apart = snis.flatMap((sni) => unservable(sni) ?? []);
    const asked = snis.filter((sni) => unservable(sni) === null).slice(0, MAX_NAMES_ASKED);
    const former = this.formerLeaf(candidate);
    const before = this.options.seen(candidate.id, candidate.half);
    const wasServed =
      before?.expected === chain &&
      (before.verdict === 'wrong' || (before.verdict === 'served' && before.detail === ''));
    const others: Other[] = [];
    const late: Other[] = [];
    for (const sni of asked) {
      const { shown, detail } = await this.ask(sni, keyType);
      if (shown === null || shown.kind === 'silent')
        return { ...seen, detail: [detail, ...apart].join('; ') };
      if (shown.kind !== 'chain' || !isSameChain(shown.chain, chain)) others.push({ shown, detail });
      late.push(...(await this.askStreams(sni, candidate)));
    }
    if (others.length === asked.length && asked.length > 0)
      this.#defaultLeaf = await this.askDefault(keyType);
    const wrong = [
      ...others.filter(({ shown }) => wasServed || this.isWrong(shown, former, others.length < asked.length)),
      ...late,
    ];
    const [first] = [...wrong, ...others];
    const sentences = [...(wrong.length > 0 ? wrong : others).map(({ detail }) => detail), ...apart];
    const isAnyServed = asked.length > others.length;
    return {
      ...seen,
      verdict:
        wrong.length > 0 ? 'wrong' : isAnyServed ? 'served' : others.length > 0 ? 'another' : 'unreachable',
      ...(first?.shown.kind === 'chain' && !(wrong.length === 0 && isAnyServed)
        ? { fingerprint: first.shown.fingerprint, notAfter: first.shown.notAfter }
        : {}),
      detail: asked.length === 0 && apart.length === 0 ? seen.detail : sentences.join('; '),
    };
  }

  /**
   * Whether the answer for one name proves that the certificate is not served.
   * @param isAnyServed another name of it is served as it should be
   */
  private isWrong(shown: Shown, former: string | null, isAnyServed: boolean): boolean {
    if (shown.kind !== 'chain') return true;
    const leaf = leafOf(shown.chain);
    if (leaf === former) return true;
    for (const { main, alt } of this.options.certificates().values()) {
      if (leafOf(main.chain) === leaf || (alt !== null && leafOf(alt.chain) === leaf)) return !isAnyServed;
    }
    // Kong does not store it: the acme plugin, something in front of Kong, or the files for clients without SNI.
    return !isAnyServed && leaf === this.#defaultLeaf;
  }

  /** Asks the first listener that answers. */
  private async ask(sni: string, keyType: KeyType | undefined): Promise<Answer> {
    let last: Answer = { shown: null, detail: 'this Kong has no TLS listener to ask' };
    for (const listener of this.options.listeners()) {
      const shown = await ask({ ...listener, sni }, keyType, this.options.timeoutMs);
      if (shown.kind === 'chain') return { shown, detail: servedBy(listener, shown.fingerprint, sni) };
      last = { shown, detail: shown.detail };
      if (shown.kind === 'refused') return last;
    }
    return last;
  }

  /** Stream listeners that show another certificate. Only Kong answers there; a listener without an answer proves nothing. */
  private async askStreams(sni: string, { id, half, chain, keyType }: Candidate): Promise<Other[]> {
    const others: Other[] = [];
    for (const listener of this.options.streams?.at(sni, id, half) ?? []) {
      const shown = await ask({ ...listener, sni }, keyType, this.options.timeoutMs);
      if (shown.kind === 'chain' && !isSameChain(shown.chain, chain))
        others.push({ shown, detail: servedBy(listener, shown.fingerprint, sni) });
    }
    return others;
  }

  private async askDefault(keyType: KeyType | undefined): Promise<string | null> {
    for (const listener of this.options.listeners()) {
      const shown = await ask({ ...listener, sni: null }, keyType, this.options.timeoutMs);
      if (shown.kind === 'chain') return leafOf(shown.chain);
    }
    return null;
  }
}

/** Another certificate that was shown for a name. */
interface Other {
  shown: Shown;
  detail: string;
}

const servedBy = ({ host, port }: Listener, fingerprint: string, sni: string) =>
  `${host}:${port} serves ${fingerprint} for ${probeName(sni)}`;

interface Answer {
  /** Null: there is nobody to ask. */
  shown: Shown | null;
  detail: string;
}

function candidateOf(certificate: StoredCertificate, half: Half): Candidate | null {
  const stored = certificate[half];
  if (stored?.leaf == null) return null;
  const { keyType } = stored.leaf;
  const hasTwin = certificate.alt !== null && keyType !== 'other';
  return {
    id: certificate.id,
    half,
    chain: stored.chain,
    snis: certificate.snis,
    keyType: hasTwin ? keyType : undefined,
  };
}

const keyOf = ({ id, half }: Candidate) => `${id} ${half}`;

const isAskable = ({ snis }: Candidate) => snis.some((sni) => unservable(sni) === null);

/**
 * Kong sends what it stores. Node drops duplicates, sorts the rest in the order of issuers, and may lose the end of
 * what was not in it.
 */
function isSameChain(sent: Digest, expected: Digest): boolean {
  const parts = new Set(expected.split('.'));
  const shown = sent.split('.');
  const [leaf] = parts;
  return shown[0] === leaf && shown.length >= Math.min(parts.size, 2) && shown.every((one) => parts.has(one));
}
