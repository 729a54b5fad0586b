/** A value, or a promise of it where it takes time. */
export type MaybePromise<T> = T | Promise<T>;

/** To be used inside `drive`: `const text = yield* wait(read(path))`. */
export function* wait<T>(value: MaybePromise<T>): Generator<unknown, T, T> {
  return yield value;
}

/**
 * Runs steps that may have to wait, synchronously as long as no promise comes: a promise for each of 10,000 files
 * would cost as much as reading them.
 */
export function drive<R>(steps: Generator<unknown, R, never>): MaybePromise<R> {
  const run = steps as Generator<unknown, R, unknown>;
  let step = run.next();
  while (step.done !== true) {
    if (step.value instanceof Promise) return finish(run, step.value);
    step = run.next(step.value);
  }
  return step.value;
}

async function finish<R>(run: Generator<unknown, R, unknown>, first: Promise<unknown>): Promise<R> {
  let step = await resume(run, first);
  while (step.done !== true) step = await resume(run, step.value);
  return step.value;
}

async function resume<R>(
  run: Generator<unknown, R, unknown>,
  value: unknown,
): Promise<IteratorResult<unknown, R>> {
  let result: unknown;
  try {
    result = await value;
  } catch (error) {
    return run.throw(error);
  }
  return run.next(result);
}
