import type { MaybePromise } from './maybe-async';

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

/**
 * Works on items one after the other, in slices.
 * @param work returns a promise only where it has to wait
 */
export async function inSlices<T>(items: Iterable<T>, work: (item: T) => MaybePromise<void>): Promise<void> {
  const slices = new Slices();
  const left = items[Symbol.iterator]();
  for (let wait = oneSlice(left, work, slices); wait !== null; wait = oneSlice(left, work, slices)) {
    await wait;
    // A promise may be fulfilled without a turn of the event loop.
    if (slices.due) await slices.pause();
  }
}

/**
 * A function of its own, which V8 compiles once: a long loop in an async function is compiled each time that it runs, and
 * with thousands of items that may take longer than the loop itself.
 * @returns null: nothing is left
 */
function oneSlice<T>(
  left: Iterator<T>,
  work: (item: T) => MaybePromise<void>,
  slices: Slices,
): Promise<void> | null {
  for (let next = left.next(); next.done !== true; next = left.next()) {
    const working = work(next.value);
    if (working instanceof Promise) return working;
    if (slices.due) return slices.pause();
  }
  return null;
}
