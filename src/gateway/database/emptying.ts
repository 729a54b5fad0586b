import { changeId, type Change } from '../../model';

/**
 * Empty PATCHes that Kong has not answered yet. Kong writes the whole row as it read it, so one that takes long would undo
 * what is written meanwhile: a rollback, or a renewal. Writes of the same certificate wait for it.
 */
export class Emptying {
  readonly #pending = new Map<string, Promise<void>>();

  /** Empties caches of one certificate; one after the other. */
  async of(id: string, work: () => Promise<void>): Promise<void> {
    const before = this.#pending.get(id);
    const running = (before ?? Promise.resolve()).then(work);
    const over = running.catch(() => undefined);
    this.#pending.set(id, over);
    try {
      await running;
    } finally {
      if (this.#pending.get(id) === over) this.#pending.delete(id);
    }
  }

  /** Resolves once none is under way for a certificate that one of these changes writes, or takes a name from. */
  async isOver(changes: readonly Change[]): Promise<void> {
    if (this.#pending.size === 0) return;
    const ids = changes.flatMap((change) => [
      changeId(change),
      ...(change.moveSnis ?? []).map(({ from }) => from),
    ]);
    await Promise.all(ids.flatMap((id) => this.#pending.get(id) ?? []));
  }
}
