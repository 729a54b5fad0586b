/** Longest stretch of synchronous work before other work gets its turn. */
const SLICE_MS = 5;

/**
 * Lets long synchronous loops share the event loop: a synchronous stat costs 7 µs, a promise for each 50 µs, so
 * slices of a few milliseconds beat both a blocked loop and a promise for each file.
 */
export class Slices {
  #until = performance.now() + SLICE_MS;
  #count = 0;

  /** @param every checks the clock once in so many calls: fewer where one step takes long */
  constructor(private readonly every = 16) {}

  /** True when it is time to `pause`. */
  get due(): boolean {
    this.#count += 1;
    return this.#count % this.every === 0 && performance.now() >= this.#until;
  }

  async pause(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#until = performance.now() + SLICE_MS;
  }
}
