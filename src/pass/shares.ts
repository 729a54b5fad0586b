/** Milliseconds that one tenant's bundles may take of a scan, and of the answers to a plan's questions. */
const SHARE_MS = 2_000;

/** Time that each tenant has taken. Whoever has thousands of costly bundles waits for itself; the operator does not wait. */
export class Shares {
  readonly #usedMs = new Map<string, number>();
  #isAlone: boolean | null = null;
  #isExceeded = false;

  /**
   * @param owners of all bundles: one that is alone has all the time
   * @param ticks milliseconds from any beginning
   */
  constructor(
    private readonly owners: () => Iterable<string>,
    private readonly ticks: () => number = () => performance.now(),
  ) {}

  /** @param owner empty: the operator */
  isSpent(owner: string): boolean {
    if (owner === '' || (this.#usedMs.get(owner) ?? 0) < SHARE_MS) return false;
    this.#isAlone ??= areAll(owner, this.owners());
    if (!this.#isAlone) this.#isExceeded = true;
    return !this.#isAlone;
  }

  /** Whether somebody wanted more than its share. */
  get isExceeded(): boolean {
    return this.#isExceeded;
  }

  /** The beginning of work, for `end`. */
  begin(): number {
    return this.ticks();
  }

  end(owner: string, begin: number): void {
    if (owner !== '') this.#usedMs.set(owner, (this.#usedMs.get(owner) ?? 0) + this.ticks() - begin);
  }
}

function areAll(owner: string, owners: Iterable<string>): boolean {
  for (const one of owners) if (one !== owner) return false;
  return true;
}
