import { setMaxListeners } from 'node:events';
import { noAnswerWithin } from './failure';

/** When a request has to be over: its time limit, or whoever asked gives up. */
export class Limit {
  /** Why it is over; null while it is not. */
  reason: unknown = null;
  readonly #timer: NodeJS.Timeout;
  #stop: ((reason: Error) => void) | null = null;

  constructor(
    timeoutMs: number,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.#timer = setTimeout(() => this.end(noAnswerWithin(timeoutMs)), timeoutMs);
    if (signal === undefined) return;
    // One signal may be that of many requests.
    setMaxListeners(0, signal);
    if (signal.aborted) this.giveUp();
    else signal.addEventListener('abort', this.giveUp);
  }

  get isOver(): boolean {
    return this.reason !== null;
  }

  /** What is under way now, and how it is stopped; at once where the limit is over. */
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
