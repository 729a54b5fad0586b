import { setTimeout as sleep } from 'node:timers/promises';
import { digestOf, fingerprint, parseCertificate } from '../certificates';
import type { Digest, Half, KeyType, ServedObservation, StoredCertificate } from '../model';
import { handshake, UnreachableError } from './handshake';
import { probeName, type Listener } from './verifier';

export interface PatrolOptions {
  listeners: readonly Listener[];
  timeoutMs: number;
  certificates: () => ReadonlyMap<string, StoredCertificate>;
  /** Whether this was looked at since it is stored. */
  isSeen: (certificate: string, half: Half, chain: Digest) => boolean;
  /** Asks Kong whether it still stores what was expected, before anybody is told that it is not served. */
  isStored: (certificate: string, half: Half, chain: Digest) => Promise<boolean>;
  note: (certificate: string, half: Half, sight: ServedObservation) => void;
  /** Called at the end of each round, with the number of certificates in it. */
  done: (looked: number) => void;
  /** A round gives way to passes. */
  isBusy: () => boolean;
}

/** Halves of certificates in a round. */
const ROUND = 100;
/** Handshakes at the same time: each costs Kong a signature, and nobody is waiting. */
const CONCURRENCY = 2;
/** Between two rounds while there are certificates that were never looked at. */
const PAUSE_MS = 1_000;
/** Names of one certificate that are asked for at a time. */
const MAX_SNIS = 5;

interface Target {
  id: string;
  half: Half;
  chain: Digest;
  snis: readonly string[];
  keyType: KeyType | undefined;
}

/**
 * Looks now and then whether Kong serves what it stores: what was never looked at first, then the next hundred at
 * each poll. One handshake meets one worker, so this finds what is wrong for long, not for a moment.
 */
export class Patrol {
  #running: Promise<void> | null = null;
  readonly #abort = new AbortController();
  /** Where the next round begins. */
  #next = 0;
  /** A poll was made since the last round began. */
  #isDue = false;

  constructor(private readonly options: PatrolOptions) {}

  /**
   * Looks at what was never looked at.
   * @param isPoll look at the next ones again, too
   */
  go(isPoll: boolean): void {
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
    // A function, since nothing that is awaited here is known to change it.
    const isStopped = () => signal.aborted;
    while (!isStopped()) {
      const again = this.#isDue;
      this.#isDue = false;
      const targets = this.targets(again);
      if (targets.length === 0) return;
      const isWhole = await this.round(targets);
      this.options.done(targets.length);
      if (!isWhole) {
        // The pass that it gave way to calls again.
        if (again) this.#isDue = true;
        return;
      }
      if (this.targets(false).length > 0) await sleep(PAUSE_MS, undefined, { signal, ref: false });
    }
  }

  private targets(again: boolean): Target[] {
    const certificates = this.options.certificates();
    const all: Target[] = [];
    const unseen: Target[] = [];
    for (const certificate of certificates.values()) {
      for (const half of ['main', 'alt'] as const) {
        const stored = certificate[half];
        if (stored?.leaf == null) continue;
        const { keyType } = stored.leaf;
        const target = {
          id: certificate.id,
          half,
          chain: stored.chain,
          snis: certificate.snis,
          keyType: certificate.alt !== null && keyType !== 'other' ? keyType : undefined,
        };
        if (again) all.push(target);
        if (!this.options.isSeen(certificate.id, half, stored.chain)) unseen.push(target);
        if (unseen.length >= ROUND) return unseen;
      }
    }
    if (!again) return unseen;
    const chosen = new Set(unseen);
    for (let step = 0; step < all.length && chosen.size < ROUND; step++) {
      chosen.add(all[this.#next++ % all.length] as Target);
    }
    this.#next %= Math.max(1, all.length);
    return [...chosen];
  }

  /** @returns false where it gave way */
  private async round(targets: readonly Target[]): Promise<boolean> {
    const queue = targets.values();
    let isWhole = true;
    const worker = async () => {
      for (const target of queue) {
        if (this.options.isBusy() || this.#abort.signal.aborted) {
          isWhole = false;
          return;
        }
        await this.lookAt(target);
      }
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, targets.length) }, worker));
    return isWhole;
  }

  private async lookAt(target: Target): Promise<void> {
    const { id, half, chain } = target;
    const sight = await this.look(target);
    if (sight.verdict === 'wrong' && !(await this.options.isStored(id, half, chain))) return;
    if (!this.#abort.signal.aborted) this.options.note(id, half, sight);
  }

  /** The first name that is not served decides. */
  private async look({ chain, snis, keyType }: Target): Promise<ServedObservation> {
    const sight: ServedObservation = {
      verdict: 'unreachable',
      expected: chain,
      fingerprint: null,
      notAfter: null,
      at: Date.now(),
      detail: 'it has no SNI to ask for',
    };
    for (const sni of snis.slice(0, MAX_SNIS)) {
      Object.assign(sight, await this.ask(probeName(sni), chain, keyType));
      if (sight.verdict !== 'served') break;
    }
    return sight;
  }

  /** Asks the first listener that answers. */
  private async ask(
    servername: string,
    chain: Digest,
    keyType: KeyType | undefined,
  ): Promise<Partial<ServedObservation>> {
    let unreached: Partial<ServedObservation> = {};
    for (const { host, port, proxyProtocol = false } of this.options.listeners) {
      const where = `${host}:${port}`;
      const { timeoutMs } = this.options;
      try {
        const sent = await handshake({ host, port, proxyProtocol, servername, keyType, timeoutMs });
        if (isSameChain(sent, chain)) return { verdict: 'served', detail: '' };
        const [leaf] = sent as [Buffer];
        const shown = fingerprint(leaf);
        const detail = `${where} serves ${shown} for ${servername}`;
        return { verdict: 'wrong', fingerprint: shown, notAfter: notAfterOf(leaf), detail };
      } catch (error) {
        const detail = `a handshake with ${where} for ${servername} failed: ${(error as Error).message}`;
        if (!(error instanceof UnreachableError)) return { verdict: 'wrong', detail };
        unreached = { verdict: 'unreachable', detail };
      }
    }
    return unreached;
  }
}

/**
 * Kong sends what it stores. Node drops what stands twice in it, brings the rest into the order of the issuers, and may
 * lose the end of what was not in it.
 */
function isSameChain(sent: readonly Buffer[], expected: Digest): boolean {
  const parts = new Set(expected.split('.'));
  const shown = sent.map((der) => digestOf([der]));
  const [leaf] = parts;
  return shown[0] === leaf && shown.length >= Math.min(parts.size, 2) && shown.every((one) => parts.has(one));
}

function notAfterOf(leaf: Buffer): number | null {
  try {
    return parseCertificate(leaf).info.notAfter;
  } catch {
    return null;
  }
}
