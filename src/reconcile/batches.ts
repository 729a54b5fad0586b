import { changeId, type Change, type Plan } from '../model';
import type { Findings } from './findings';
import type { Takeover } from './takeover';

export interface BatchesOptions {
  takeover: Takeover;
  findings: Findings;
  /** How many changes there may be in a batch now. */
  size: () => number;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** What one pass writes, batch by batch: no change twice, and the ingress controller gets its time. */
export class Batches {
  readonly #attempted = new Set<string>();
  /** How often each met somebody else's write. */
  readonly #conflicts = new Map<string, number>();
  /** When to look again at a change that the last batch left to the ingress controller. */
  waitsUntil = Number.POSITIVE_INFINITY;

  constructor(private readonly options: BatchesOptions) {}

  /** What to write now; what must not be written is added to the plan's refusals. */
  async next(plan: Plan): Promise<Change[]> {
    const { takeover, findings, size, now } = this.options;
    this.waitsUntil = Number.POSITIVE_INFINITY;
    const limit = size();
    const batch: Change[] = [];
    for (const change of plan.changes) {
      const key = keyOf(change);
      if (this.#attempted.has(key)) continue;
      if (batch.length >= limit) break;
      const verdict = await takeover.judge(change, now(), (detail) =>
        findings.happened(change, { kind: 'nudged', certificate: changeId(change), detail }),
      );
      if (verdict.kind === 'refuse') plan.refused.set(change.bundle.id, verdict.why);
      else if (verdict.kind === 'wait') this.waitsUntil = Math.min(this.waitsUntil, verdict.at);
      else {
        this.#attempted.add(key);
        batch.push(change);
      }
    }
    return batch;
  }

  /**
   * Changes that met somebody else's write may be planned again, a few times.
   * @returns those that met too many
   */
  tryAgain<T extends { change: Change }>(conflicts: readonly T[]): T[] {
    return conflicts.filter(({ change }) => {
      const key = keyOf(change);
      const met = (this.#conflicts.get(key) ?? 0) + 1;
      this.#conflicts.set(key, met);
      if (met < MOST_CONFLICTS) this.#attempted.delete(key);
      return met >= MOST_CONFLICTS;
    });
  }
}

const MOST_CONFLICTS = 3;

const keyOf = (change: Change) => `${changeId(change)} ${change.bundle.id} ${change.bundle.content}`;
