import type { Store } from './entities/store';
import { Faults, type Fault, type WriteHook } from './faults';
import { Serving } from './tls/serving';

/** Faults of a gateway: of the Admin API by faults and hooks, of the TLS side by holding back. */
export abstract class Controls {
  protected readonly faults = new Faults();
  protected readonly serving: Serving;

  protected constructor(
    protected readonly store: Store,
    workers: number,
  ) {
    this.serving = new Serving(store, workers);
  }

  /** @returns a function that takes the fault back */
  inject(fault: Fault): () => void {
    return this.faults.inject(fault);
  }

  /** Runs between arrival and execution of every write; a write that the hook makes itself does not wait. */
  beforePost(hook: WriteHook): () => void {
    return this.faults.beforeWrite(hook);
  }

  /** Takes back all faults and hooks. */
  clearFaults(): void {
    this.faults.clear();
  }

  /** Writes are accepted and stored, but the old certificate goes on being served. All, one id or one name. */
  freezeServing(target?: string): void {
    this.serving.overrides.freeze(target, this.store, this.serving.workers[0]);
  }

  /** Ends `freezeServing`, `serveInstead` and what lagging workers still hold back. */
  unfreeze(): void {
    this.serving.release();
  }

  /** What is written meanwhile is stored, and stays in the caches of all workers as it was until it is written again. */
  async withoutInvalidation(work: () => Promise<void>): Promise<void> {
    const resume = this.serving.overrides.suppressInvalidation();
    await work().finally(resume);
  }

  /** For this name, as the client sends it, whatever is stored. */
  serveInstead({ sni, cert, key }: { sni: string; cert: string; key: string }): void {
    this.serving.overrides.serveInstead(sni, cert, key);
  }

  /** This worker notices every change only so much later. */
  setWorkerLag(worker: number, ms: number): void {
    this.serving.overrides.setLag(worker, ms);
  }
}
