import { setMaxListeners } from 'node:events';
import { noAnswerWithin } from './failure';

/** The end of a request: by its time limit, or because the caller gives up. */
export class Limit {
  /** Reason of the end; null before it. */
  reason: unknown = null;
  readonly #timer: NodeJS.Timeout;
  #stop: ((reason: Error) => void) | null = null;

  constructor(
    timeoutMs: number,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.#timer = setTimeout(() => this.end(noAnswerWithin(timeoutMs)), timeoutMs);
    if (signal === undefined) return;
    // One signal may belong to many requests.
    setMaxListeners(0, signal);
    if (signal.aborted) this.giveUp();
    else signal.addEventListener('abort', this.giveUp);
  }

  get isOver(): boolean {
    return this.reason !== null;
  }

  /** Sets how to stop the work that is under way; stops it at once where the limit is reached. */
  stopBy(stop: (reason: Error) => void): void {
    this.#stop = stop;
    if (this.isOver) stop(this.reason as Error);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.signal?.removeEventListener('abort', this.giveUp);
  }

  private readonly giveUp = () => this.end(this.signal?.reason);

  private end(reason: unknown): void {
    this.reason ??= reason;
    this.#stop?.(this.reason as Error);
  }
}
