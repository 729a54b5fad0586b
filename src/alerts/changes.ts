import type { Alert, AlertKind, Condition } from './alert';

/** What is wrong, and what of it was told. */
export interface Held {
  condition: Condition;
  /** Milliseconds since the epoch; null: not yet. */
  toldAt: number | null;
}

/** By key. Lives as long as the process: after a start everything that is wrong then is told once. */
export type AlertState = ReadonlyMap<string, Held>;

export interface ChangeSettings {
  /** Milliseconds that a trouble of this kind has to last before it is told. */
  graceMs: (kind: AlertKind) => number;
  /** Milliseconds after which what lasts is told again; Infinity: never. */
  reminderMs: number;
  /** What is no longer among the conditions, and of which it is not known whether it is over. */
  isUnknown: (condition: Condition) => boolean;
}

export interface Changes {
  state: AlertState;
  alerts: Alert[];
  /** When the next trouble will have lasted long enough (milliseconds since the epoch); Infinity: none waits. */
  nextAt: number;
}

/** Decides what is to be told: each trouble once when it begins, then reminders, and once when it is over. */
export function changesOf(
  before: AlertState,
  conditions: readonly Condition[],
  now: number,
  { graceMs, reminderMs, isUnknown }: ChangeSettings,
): Changes {
  let nextAt = Number.POSITIVE_INFINITY;
  const state = new Map<string, Held>();
  const alerts: Alert[] = [];
  const isDue = ({ condition, toldAt }: Held) =>
    toldAt === null ? now - condition.since >= graceMs(condition.kind) : now - toldAt >= reminderMs;
  const hold = (condition: Condition, known: Held | undefined) => {
    // What was told is told to be over under the same labels, whatever became of the names since.
    const labels = known?.toldAt == null ? condition.labels : known.condition.labels;
    const since =
      condition.isSinceSeen === true && known !== undefined ? known.condition.since : condition.since;
    const held: Held = { condition: { ...condition, labels, since }, toldAt: known?.toldAt ?? null };
    if (isDue(held)) {
      alerts.push(firing(held.condition, held.toldAt !== null));
      held.toldAt = now;
    } else if (held.toldAt === null) nextAt = Math.min(nextAt, since + graceMs(condition.kind));
    state.set(condition.key, held);
  };
  for (const condition of conditions) hold(condition, before.get(condition.key));
  const over: Condition[] = [];
  for (const [key, known] of before) {
    if (state.has(key)) continue;
    if (isUnknown(known.condition)) hold(known.condition, known);
    else if (known.toldAt !== null) over.push(known.condition);
  }
  const topics = new Set(
    [...state.values()].flatMap(({ condition, toldAt }) => (toldAt === null ? [] : [condition.topic])),
  );
  for (const condition of over) {
    const isReplaced = topics.has(condition.topic);
    alerts.push({ ...condition, status: 'resolved', isReminder: false, isReplaced, endedAt: now });
  }
  return { state, alerts, nextAt };
}

/** What is told of a trouble that lasts. */
export function firing(condition: Condition, isReminder: boolean): Alert {
  return { ...condition, status: 'firing', isReminder, isReplaced: false, endedAt: null };
}
