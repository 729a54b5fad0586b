/** Upper bounds in seconds: a swap takes milliseconds with a database, and up to half a minute without one. */
const BOUNDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

/** Counts durations in a dozen numbers. */
export class Histogram {
  readonly #counts = new Array<number>(BOUNDS.length).fill(0);
  count = 0;
  /** In seconds. */
  sum = 0;

  observe(seconds: number): void {
    this.count += 1;
    this.sum += seconds;
    const at = BOUNDS.findIndex((bound) => seconds <= bound);
    if (at !== -1) this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  /** Cumulative counts by upper bound. */
  get buckets(): [bound: number | '+Inf', count: number][] {
    let total = 0;
    const buckets = BOUNDS.map((bound, at): [number | '+Inf', number] => {
      total += this.#counts[at] ?? 0;
      return [bound, total];
    });
    return [...buckets, ['+Inf', this.count]];
  }
}
