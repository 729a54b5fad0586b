import {
  halfKey,
  isChainOf,
  type Digest,
  type Half,
  type Log,
  type SourcedBundle,
  type StoredCertificate,
} from '../model';
import type { CertificateMemory } from './memory';
import type { PassContext, Step } from './step';

/** A half of a certificate for which listeners show something else than Kong stores. */
interface Behind {
  certificate: string;
  half: Half;
  /** The chain that Kong stores. */
  chain: Digest;
  /** How often caches were emptied for it. */
  times: number;
  waitMs: number;
  /** When the caches are to be emptied next (milliseconds since the epoch). */
  dueAt: number;
}

/** Kong's nodes follow one another within 5 s by default. */
const AFTER_MS = 9_000;
/** Wait after the first time, whatever came of it; it doubles with each further one. */
const FIRST_WAIT_MS = 60_000;
const MOST_WAIT_MS = 3_600_000;
/** Certificates of one period; where more than that are behind, their caches are hardly the cause. */
const MOST = 10;

/**
 * Has Kong empty its caches, where its listeners go on showing something else than it stores. Kong does so by itself
 * after each write that its database confirms; a write whose confirmation got lost is stored, and never served.
 */
export class CachesStep implements Step {
  /** By half of a certificate. */
  readonly #behind = new Map<string, Behind>();
  readonly #due = new Set<Behind>();
  /** A period with more certificates than it may have is followed by one that is twice as long. */
  #period = { from: Number.NEGATIVE_INFINITY, ms: FIRST_WAIT_MS, left: MOST };
  #lines: Parameters<Log>[] = [];

  /** @param afterMs how long listeners may be behind without a cause */
  constructor(
    private readonly memory: CertificateMemory,
    private readonly afterMs: () => number = () => AFTER_MS,
  ) {}

  /**
   * Notes that listeners do not show the chain that Kong stores.
   * @returns whether the next pass should have the caches emptied
   */
  note(certificate: string, half: Half, chain: Digest, now: number): boolean {
    const key = halfKey(certificate, half);
    let known = this.#behind.get(key);
    if (known?.chain !== chain) {
      known = {
        certificate,
        half,
        chain,
        times: 0,
        waitMs: FIRST_WAIT_MS,
        dueAt: now + Math.max(AFTER_MS, this.afterMs()),
      };
      this.#behind.set(key, known);
    }
    if (now < known.dueAt || this.isPeriodFull(now)) return false;
    if (this.sourceOf(known) === null) {
      postpone(known, now);
      return false;
    }
    if (!this.#due.has(known)) this.#period.left -= 1;
    this.#due.add(known);
    return true;
  }

  /** Whether as many as a period may have were due in the present one. */
  private isPeriodFull(now: number): boolean {
    const { from, ms, left } = this.#period;
    if (Math.abs(now - from) < ms) return left === 0;
    this.#period = {
      from: now,
      ms: left > 0 ? FIRST_WAIT_MS : Math.min(2 * ms, MOST_WAIT_MS),
      left: MOST,
    };
    return false;
  }

  async run(pass: PassContext): Promise<void> {
    const due = [...this.#due];
    this.#due.clear();
    const { stored } = this.memory.gateway.certificates;
    for (const [key, { certificate, half, chain }] of this.#behind)
      if (stored.get(certificate)?.[half]?.chain !== chain) this.#behind.delete(key);
    for (const behind of due) {
      postpone(behind, pass.now());
      if (!pass.mayWrite()) continue;
      const certificate = stored.get(behind.certificate);
      if (certificate?.[behind.half]?.chain !== behind.chain) continue;
      const bundle = this.sourceOf(behind);
      if (bundle !== null && this.mayChange(certificate, behind.half, bundle, pass.now()))
        await this.empty(behind, certificate, bundle);
    }
  }

  log(log: Log): void {
    for (const line of this.#lines.splice(0)) log(...line);
  }

  /** The bundle that Kong has for it. */
  private sourceOf({ certificate, chain }: Behind): SourcedBundle | null {
    for (const [id, holders] of this.memory.plan?.inSync ?? []) {
      if (!holders.includes(certificate)) continue;
      const bundle = this.memory.book.get(id);
      if (bundle !== null && isChainOf(bundle, chain, true)) return bundle;
    }
    return null;
  }

  /** What clients get changes, as with a swap: not in a freeze, nor while it is pinned. */
  private mayChange(certificate: StoredCertificate, half: Half, bundle: SourcedBundle, now: number): boolean {
    const change = { kind: 'update', bundle, certificate, half, isOfController: false, addSnis: [] } as const;
    const permission = this.memory.holds.permits(change, now);
    // What needs an approval got it before it was stored.
    return permission.kind === 'free' || permission.hold.kind === 'approval';
  }

  private async empty(
    behind: Behind,
    { id, snis }: StoredCertificate,
    { location }: SourcedBundle,
  ): Promise<void> {
    // The names come along from the second time on: each costs a request.
    const names = behind.times === 0 ? [] : snis;
    behind.times += 1;
    const fields = { certificate_id: id, location, snis: snis.slice(0, 10) };
    try {
      if (!(await this.memory.gateway.emptyCaches({ id, snis: names }))) return;
      this.#lines.push([
        'warn',
        'Kong serves another certificate than it stores; it was told to empty its cache',
        fields,
      ]);
    } catch (error) {
      const { message } = error as Error;
      this.#lines.push([
        'warn',
        'Kong serves another certificate than it stores, and could not be told to empty its cache',
        { ...fields, error: message },
      ]);
    }
  }
}

function postpone(behind: Behind, now: number): void {
  behind.dueAt = now + behind.waitMs;
  behind.waitMs = Math.min(2 * behind.waitMs, MOST_WAIT_MS);
}
