import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Polls for a fact until it holds. The time is one that only a failing test needs: a loaded machine takes long.
 * @param what said when it never does
 */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  timeoutMs = 60_000,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const found = await look();
      if (found !== false && found !== null && found !== undefined) return found;
      last = found;
    } catch (error) {
      last = (error as Error).message;
    }
    if (performance.now() > deadline) throw new Error(`never happened: ${what} (last: ${String(last)})`);
    await sleep(20);
  }
}
