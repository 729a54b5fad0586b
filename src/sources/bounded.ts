import {
  refusal,
  type Ownership,
  type Reading,
  type Refusal,
  type ScanOptions,
  type Source,
  type SourceScan,
} from '../model';

/** A read that takes longer counts as slow. */
const SLOW_MS = 250;

/** A scan that is under way. */
interface Running {
  scan: Promise<SourceScan>;
  startedAt: number;
  /** Whether a pass waits for it. */
  isAwaited: boolean;
}

/**
 * Limits how long a source may hold up a pass: where its scan takes longer than `patienceMs`, the pass goes on
 * without it and the next scan returns the result. Until then the known bundles stay. Reads are limited likewise.
 */
export class BoundedSource implements Source {
  readonly id: string;
  readonly snis?: readonly string[];
  readonly ownership?: Ownership;
  readonly cluster?: string;
  readonly asked?: () => Promise<ReadonlyMap<string, string> | null>;
  #running: Running | null = null;
  /** Result of a scan that ended after the pass had gone on. */
  #late: SourceScan | null = null;
  #total = 0;
  /** Bundles that were not read in time. */
  readonly #missed = new Set<string>();
  /** Milliseconds of slow reads since the last scan. */
  #slowMs = 0;
  #touched: ((what: string) => void) | null = null;
  #isClosed = false;

  constructor(
    private readonly source: Source,
    private readonly patienceMs: number,
  ) {
    this.id = source.id;
    if (source.snis !== undefined) this.snis = source.snis;
    if (source.ownership !== undefined) this.ownership = source.ownership;
    if (source.cluster !== undefined) this.cluster = source.cluster;
    if (source.asked === undefined) return;
    this.asked = async () => {
      const asked = await within(source.asked?.() ?? Promise.resolve(null), patienceMs);
      return asked === LATE ? null : asked;
    };
  }

  /** May change between two scans. */
  get create(): boolean {
    return this.source.create;
  }

  async scan(touched?: ReadonlySet<string>, options?: ScanOptions): Promise<SourceScan> {
    this.#slowMs = 0;
    this.#running ??= this.begin(touched, options);
    const running = this.#running;
    const ms = running.startedAt + this.patienceMs - performance.now();
    running.isAwaited = true;
    try {
      const found = await within(running.scan, ms);
      if (found !== LATE) this.#running = null;
      return this.handOut(found === LATE ? null : found);
    } catch (error) {
      this.#running = null;
      throw error;
    } finally {
      running.isAwaited = false;
    }
  }

  async read(name: string): Promise<Reading> {
    if (this.#slowMs > this.patienceMs) return this.miss(name);
    const startedAt = performance.now();
    const reading = await within(Promise.resolve(this.source.read(name)), this.patienceMs);
    const tookMs = performance.now() - startedAt;
    if (tookMs > SLOW_MS) this.#slowMs += tookMs;
    return reading === LATE ? this.miss(name) : reading;
  }

  warnings(): string[] {
    return this.source.warnings?.() ?? [];
  }

  watch(touched: (what: string) => void): () => void {
    this.#touched = touched;
    const stop = this.source.watch?.(touched);
    return () => {
      this.#touched = null;
      stop?.();
    };
  }

  close(): void {
    this.#isClosed = true;
    this.source.close?.();
  }

  private begin(touched: ReadonlySet<string> | undefined, options: ScanOptions | undefined): Running {
    const scan = this.source.scan(touched, options);
    const running: Running = { scan, startedAt: performance.now(), isAwaited: true };
    const ended = (late: SourceScan | null) => {
      if (running.isAwaited || this.#isClosed) return;
      this.#running = null;
      this.#late = late;
      this.#touched?.(this.id);
    };
    scan.then(ended, () => ended(null));
    return running;
  }

  /** @param found null: the scan is still under way */
  private handOut(found: SourceScan | null): SourceScan {
    const late = this.#late;
    this.#late = null;
    const scan = found ?? { changed: [], removed: [], total: this.#total, errors: [this.slow()] };
    const both = late === null ? scan : merged(late, scan, found === null);
    this.#total = both.total;
    if (found === null || this.#missed.size === 0) return both;
    const changed = [...new Set([...both.changed, ...this.#missed])];
    this.#missed.clear();
    return { ...both, changed: changed.filter((name) => !both.removed.includes(name)) };
  }

  private miss(name: string): Refusal {
    this.#missed.add(name);
    return this.slow();
  }

  private slow(): Refusal {
    const ms = this.patienceMs;
    return refusal(
      'unreachable',
      `${this.id} does not answer within ${ms / 1000} s; its last known content is kept until it does`,
    );
  }
}

/**
 * Joins the results of two scans in a row.
 * @param keepTotal whether to keep the first one's total
 */
function merged(before: SourceScan, after: SourceScan, keepTotal: boolean): SourceScan {
  const changed = new Set([...before.changed, ...after.changed]);
  const removed = new Set([...before.removed, ...after.removed]);
  for (const name of after.changed) removed.delete(name);
  for (const name of after.removed) changed.delete(name);
  return {
    changed: [...changed],
    removed: [...removed],
    total: keepTotal ? before.total : after.total,
    errors: after.errors,
    ...(after.partial === undefined ? {} : { partial: after.partial }),
    areAsksNew: before.areAsksNew === true || after.areAsksNew === true,
  };
}

const LATE = Symbol('late');

/** @throws errors of `work` that come in time; later ones are dropped */
async function within<T>(work: Promise<T>, ms: number): Promise<T | typeof LATE> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<typeof LATE>((resolve) => {
    // A timer cannot take Infinity, which means that nothing is late.
    if (ms < 2 ** 31) timer = setTimeout(() => resolve(LATE), Math.max(0, ms));
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
