import type { Plan } from '../model';

/**
 * Beside an ingress controller a refusal may last for a moment only: after a host was removed from Certificate and
 * Ingress the Secret is renewed first, and the controller follows. Refusals get the same time for that as the
 * controller's writes.
 */
export class RefusalGrace {
  /** By bundle id; milliseconds since the epoch. */
  readonly #since = new Map<string, number>();

  constructor(private readonly graceMs: number) {}

  /**
   * Moves refusals that are too young from `refused` to `waiting`.
   * @param isOfController whether the controller may have the refused bundle
   * @returns when the time of the first one is over; Infinity: none waits
   */
  apply(plan: Plan, isOfController: (bundleId: string) => boolean, now: number): number {
    for (const id of this.#since.keys()) if (!plan.refused.has(id)) this.#since.delete(id);
    if (plan.refused.size === 0 || !plan.isBesideController) return Number.POSITIVE_INFINITY;
    // Refused because the controller did not write it: its time is over already.
    const overdue = new Set(plan.changes.map(({ bundle }) => bundle.id));
    let due = Number.POSITIVE_INFINITY;
    for (const [id, why] of plan.refused) {
      if (overdue.has(id) || !isOfController(id)) continue;
      // A clock that was set back must not make the time longer.
      const since = Math.min(this.#since.get(id) ?? now, now);
      this.#since.set(id, since);
      if (now >= since + this.graceMs) continue;
      plan.refused.delete(id);
      plan.waiting.set(id, why);
      due = Math.min(due, since + this.graceMs);
    }
    return due;
  }
}
