import { setTimeout as sleep } from 'node:timers/promises';
import { failureKindOf } from '../model';
import { HttpFailure } from './failure';

interface RetryOptions {
  /** Most tries. */
  attempts: number;
  signal?: AbortSignal | undefined;
}

const FIRST_WAIT_MS = 200;
/** Longest pause between two tries, even if the server asks for more. */
const MAX_WAIT_MS = 30_000;

/**
 * The one place that repeats a request at once: where nobody answered, after a pause that doubles, or that the
 * server asks for. Only for requests that can be repeated without harm.
 */
export async function withRetries<T>(
  { attempts, signal }: RetryOptions,
  request: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await request();
    } catch (error) {
      if (attempt >= attempts || signal?.aborted === true || failureKindOf(error) !== 'away') throw error;
      const asked = error instanceof HttpFailure ? (error.waitMs ?? 0) : 0;
      const waitMs = FIRST_WAIT_MS * 2 ** (attempt - 1) * (0.5 + Math.random());
      await sleep(Math.min(Math.max(waitMs, asked), MAX_WAIT_MS), undefined, { signal });
    }
  }
}
