import type { JsonObject } from './json';

/** A fault of a request to the Admin API. Without `status` and `reset` the request is only delayed. */
export interface Fault {
  /** Any method when absent. */
  method?: string;
  /** Tried on path and query. */
  path?: RegExp;
  /** Number of requests that it hits; default 1, Infinity for all until it is removed. */
  times?: number;
  status?: number;
  headers?: Readonly<Record<string, string>>;
  /** JSON, or text as it is. */
  body?: JsonObject | string;
  delayMs?: number;
  /** Destroys the socket instead of answering. */
  reset?: boolean;
  /** The request is executed first; only its answer is lost or replaced. */
  afterExecute?: boolean;
}

/** A write that is about to be executed. */
export interface PendingWrite {
  method: string;
  path: string;
  body: JsonObject;
}

export type WriteHook = (write: PendingWrite) => void | Promise<void>;

/** The faults that tests have asked for. */
export class Faults {
  #faults: { fault: Fault; left: number }[] = [];
  readonly #hooks = new Set<WriteHook>();
  #isInHook = false;

  /** @returns a function that takes it back */
  inject(fault: Fault): () => void {
    const entry = { fault, left: fault.times ?? 1 };
    this.#faults.push(entry);
    return () => {
      this.#faults = this.#faults.filter((other) => other !== entry);
    };
  }

  /** The fault that hits this request, used up by it. */
  take(method: string, target: string): Fault | null {
    const entry = this.#faults.find(
      ({ fault, left }) =>
        left > 0 &&
        (fault.method ?? method) === method &&
        (fault.path === undefined || fault.path.test(target)),
    );
    if (entry === undefined) return null;
    entry.left--;
    if (entry.left <= 0) this.#faults = this.#faults.filter((other) => other !== entry);
    return entry.fault;
  }

  /** @returns a function that takes it back */
  beforeWrite(hook: WriteHook): () => void {
    this.#hooks.add(hook);
    return () => this.#hooks.delete(hook);
  }

  async runHooks(write: PendingWrite): Promise<void> {
    // A hook that writes through the Admin API itself must not wait for itself.
    if (this.#isInHook || this.#hooks.size === 0) return;
    this.#isInHook = true;
    try {
      for (const hook of [...this.#hooks]) await hook(write);
    } finally {
      this.#isInHook = false;
    }
  }

  clear(): void {
    this.#faults = [];
    this.#hooks.clear();
  }
}
