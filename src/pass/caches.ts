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

/** A half of a certificate that Kong stores and does not serve. */
interface UnservedHalf {
  certificate: string;
  half: Half;
  /** The chain that Kong stores. */
  chain: Digest;
  /** How often caches were emptied for it. */
  times: number;
  waitMs: number;
  /** When the caches are to be emptied next (milliseconds since the epoch). */
  dueAt: number;
  /** Since when listeners have served it again, and in how many looks; null: they do not. */
  served: { since: number; looks: number } | null;
}

/** Kong's nodes follow one another within 5 s by default. */
const AFTER_MS = 9_000;
/** Wait after the first attempt, whatever came of it; it doubles with each further one. */
const FIRST_WAIT_MS = 60_000;
const MOST_WAIT_MS = 3_600_000;
/** A certificate that was served for so long, in so many looks, is in a new trouble: one of two workers may serve it all the time. */
const FORGET_AFTER_MS = 600_000;
const ENOUGH_LOOKS = 5;
/** Certificates of one period; where more than that are not served, caches are hardly the cause. */
const MOST = 10;

/**
 * Has Kong empty its caches of certificates that it stores and does not serve. Kong does so by itself after each write that
 * its database confirms; a write whose confirmation got lost is stored and never served.
 */
export class CachesStep implements Step {
  /** By half of a certificate. */
  readonly #unserved = new Map<string, UnservedHalf>();
  readonly #due = new Set<UnservedHalf>();
  /** A full period is followed by one that is twice as long. */
  #period = { from: Number.NEGATIVE_INFINITY, ms: FIRST_WAIT_MS, left: MOST };
  #lines: Parameters<Log>[] = [];

  /** @param afterMs how long listeners may lag behind a write */
  constructor(
    private readonly memory: CertificateMemory,
    private readonly afterMs: () => number = () => AFTER_MS,
  ) {}

  /**
   * Notes that listeners do not serve the chain that Kong stores.
   * @returns whether the next pass should have the caches emptied
   */
  noteUnserved(certificate: string, half: Half, chain: Digest, now: number): boolean {
    const key = halfKey(certificate, half);
    let known = this.#unserved.get(key);
    if (known?.chain !== chain || isOver(known, now)) {
      known = {
        certificate,
        half,
        chain,
        times: 0,
        waitMs: FIRST_WAIT_MS,
        dueAt: now + Math.max(AFTER_MS, this.afterMs()),
        served: null,
      };
      this.#unserved.set(key, known);
    }
    known.served = null;
    if (now < known.dueAt || this.isPeriodFull(now)) return false;
    if (this.sourceOf(known) === null) {
      postpone(known, now);
      return false;
    }
    if (!this.#due.has(known)) this.#period.left -= 1;
    this.#due.add(known);
    return true;
  }

  /** Notes that a listener serves what Kong stores. */
  noteServed(certificate: string, half: Half, now: number): void {
    const known = this.#unserved.get(halfKey(certificate, half));
    if (known === undefined) return;
    known.served ??= { since: now, looks: 0 };
    known.served.looks += 1;
    // The caches were the cause: after a bulk, more may be in the same trouble.
    if (known.served.looks === ENOUGH_LOOKS && known.times > 0)
      this.#period.left = Math.min(MOST, this.#period.left + 1);
  }

  /** True while the present period has as many as it may have. Begins the next one when it is over. */
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
    for (const [key, unserved] of this.#unserved) {
      const { certificate, half, chain } = unserved;
      if (stored.get(certificate)?.[half]?.chain !== chain || isOver(unserved, pass.now()))
        this.#unserved.delete(key);
    }
    for (const unserved of due) {
      postpone(unserved, pass.now());
      // A gateway that does not lead, too: it changes no content, and the leader cannot know what is served here.
      if (pass.observe || pass.isStopping()) continue;
      const certificate = stored.get(unserved.certificate);
      if (certificate?.[unserved.half]?.chain !== unserved.chain) continue;
      const bundle = this.sourceOf(unserved);
      if (bundle !== null && this.mayChange(certificate, unserved.half, bundle, pass.now()))
        await this.empty(unserved, certificate, bundle);
    }
  }

  log(log: Log): void {
    for (const line of this.#lines.splice(0)) log(...line);
  }

  /** The bundle with the chain that Kong stores; null: no source has it. */
  private sourceOf({ certificate, chain }: UnservedHalf): SourcedBundle | null {
    for (const [id, holders] of this.memory.plan?.inSync ?? []) {
      if (!holders.includes(certificate)) continue;
      const bundle = this.memory.book.get(id);
      if (bundle !== null && isChainOf(bundle, chain, true)) return bundle;
    }
    return null;
  }

  /** Clients get another certificate, as after a swap, so freezes and pins apply. */
  private mayChange(certificate: StoredCertificate, half: Half, bundle: SourcedBundle, now: number): boolean {
    const change = { kind: 'update', bundle, certificate, half, isOfController: false, addSnis: [] } as const;
    const permission = this.memory.holds.permits(change, now);
    // What needs an approval got it before it was stored.
    return permission.kind === 'free' || permission.hold.kind === 'approval';
  }

  private async empty(
    unserved: UnservedHalf,
    { id, snis }: StoredCertificate,
    { location }: SourcedBundle,
  ): Promise<void> {
    // The names come along from the second time on: each costs a request.
    const names = unserved.times === 0 ? [] : snis;
    unserved.times += 1;
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

const isOver = ({ served }: UnservedHalf, now: number) =>
  served !== null && served.looks >= ENOUGH_LOOKS && now - served.since >= FORGET_AFTER_MS;

function postpone(unserved: UnservedHalf, now: number): void {
  unserved.dueAt = now + unserved.waitMs;
  unserved.waitMs = Math.min(2 * unserved.waitMs, MOST_WAIT_MS);
}
