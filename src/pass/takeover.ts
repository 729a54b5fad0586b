import type { Difference, DifferenceStore } from './differences';
import { changeId, refusal, type Change, type Nudger, type Refusal } from '../model';

export interface TakeoverOptions {
  /**
   * What to do with a certificate of the ingress controller that it has not renewed itself: report it, ask the
   * controller to look again, or write what it would write.
   */
  mode: 'observe' | 'nudge' | 'force';
  /** Milliseconds that the controller gets; it normally needs three seconds. */
  graceMs: number;
  /** Null: there is no cluster to nudge in. */
  nudger: Nudger | null;
  /** Keeps differences from one run to the next; default: in memory only. */
  differences?: DifferenceStore;
}

/** `at`: time of the next decision (milliseconds since the epoch). */
type Decision = { kind: 'write' } | { kind: 'wait'; at: number } | { kind: 'refuse'; why: Refusal };

/** Decides when this plugin may write a certificate of the ingress controller. */
export class Takeover {
  /** By half of a certificate. */
  readonly #differences: Map<string, Difference>;
  /** Differences that were decided on here; the others come from other runs. */
  readonly #decided = new Set<string>();
  /** Last takeover of each half; milliseconds since the epoch. */
  readonly #takenAt = new Map<string, number>();

  constructor(private readonly options: TakeoverOptions) {
    this.#differences = new Map(options.differences?.load());
  }

  /**
   * @param now milliseconds since the epoch
   * @param happened gets the result of a nudge
   */
  async decide(change: Change, now: number, happened: (detail: string) => void): Promise<Decision> {
    // The controller itself waits for this change.
    if (change.kind === 'create' || !change.isOfController || change.handsOver === true)
      return { kind: 'write' };
    const id = halfId(change);
    const { mode, graceMs } = this.options;
    this.#decided.add(id);
    let known = this.#differences.get(id);
    if (known?.chain !== change.bundle.chain) {
      known = { chain: change.bundle.chain, since: now, nudgedAt: null };
      this.#differences.set(id, known);
    }
    // A clock that was set back must not make the controller's time longer.
    known.since = Math.min(known.since, now);
    if (known.nudgedAt !== null) known.nudgedAt = Math.min(known.nudgedAt, now);
    // A takeover may have displaced a newer certificate that the controller wrote in the same moment.
    const age = now - (this.#takenAt.get(id) ?? Number.NEGATIVE_INFINITY);
    const wasJustTaken = age >= 0 && age < graceMs;
    if (now < known.since + graceMs && !wasJustTaken) return { kind: 'wait', at: known.since + graceMs };
    if (mode === 'force') {
      this.#takenAt.set(id, now);
      return { kind: 'write' };
    }
    if (mode === 'nudge' && known.nudgedAt === null) {
      const { secret, leaf } = change.bundle;
      if (secret === undefined || this.options.nudger === null) {
        return { kind: 'refuse', why: overdue(change, 'there is no Secret to nudge it with') };
      }
      const done = await this.options.nudger.nudge(secret, leaf.fingerprint);
      if (typeof done !== 'string') return { kind: 'refuse', why: done };
      known.nudgedAt = now;
      happened(done);
    }
    if (known.nudgedAt !== null && now < known.nudgedAt + graceMs) {
      return { kind: 'wait', at: known.nudgedAt + graceMs };
    }
    return { kind: 'refuse', why: overdue(change, 'to write it from here, set takeover: force') };
  }

  /** Forgets differences that are over. */
  keep(changes: readonly Change[]): void {
    const open = new Set(changes.map(halfId));
    const closed = [...this.#decided].filter((id) => !open.has(id));
    for (const id of closed) {
      this.#differences.delete(id);
      this.#decided.delete(id);
    }
    const own = [...this.#differences].filter(([id]) => this.#decided.has(id));
    this.options.differences?.save(new Map(own), closed);
  }
}

const halfId = (change: Change) => `${changeId(change)} ${change.kind === 'update' ? change.half : ''}`;

function overdue(change: Change & { kind: 'update' }, advice: string): Refusal {
  const { bundle, addSnis } = change;
  const what =
    addSnis.length > 0
      ? `lost its names (${addSnis.slice(0, 3).join(', ')}${addSnis.length > 3 ? ', …' : ''})`
      : `not taken the newer ${bundle.location}`;
  return refusal(
    'managed_elsewhere',
    `certificate ${changeId(change)} in Kong belongs to the ingress controller, which has ${what}; ${advice}`,
  );
}
