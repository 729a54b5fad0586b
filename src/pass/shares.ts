/** Milliseconds that one tenant's bundles may take of a scan, and of the answers to a plan's questions. */
const SHARE_MS = 2_000;

/** Time that each tenant has taken. Whoever has thousands of costly bundles waits for itself; the operator does not wait. */
export class Shares {
  readonly #usedMs = new Map<string, number>();

  /** @param ticks milliseconds from any beginning */
  constructor(private readonly ticks: () => number = () => performance.now()) {}

  /** @param owner empty: the operator */
  isSpent(owner: string): boolean {
    return owner !== '' && (this.#usedMs.get(owner) ?? 0) >= SHARE_MS;
  }

  /** The beginning of work, for `end`. */
  begin(): number {
    return this.ticks();
  }

  end(owner: string, begin: number): void {
    if (owner !== '') this.#usedMs.set(owner, (this.#usedMs.get(owner) ?? 0) + this.ticks() - begin);
  }
}
