import type { Alert, AlertKind, Condition } from './alert';

/** A trouble that exists, and when it was sent. */
export interface Held {
  condition: Condition;
  /** When it was sent, in milliseconds since the epoch; null: not yet. */
  toldAt: number | null;
}

/** Troubles by key. */
export type AlertState = ReadonlyMap<string, Held>;

interface ChangeSettings {
  /** Milliseconds that a trouble of this kind has to last before it is told. */
  graceMs: (kind: AlertKind) => number;
  /** Milliseconds after which a lasting trouble is sent again; Infinity: never. */
  reminderMs: number;
  /** Whether a condition that is no longer reported may still exist, because nobody could look. */
  isUnknown: (condition: Condition) => boolean;
}

interface Changes {
  state: AlertState;
  alerts: Alert[];
  /** When the next trouble will have lasted long enough (milliseconds since the epoch); Infinity: none waits. */
  nextAt: number;
}

/** Decides what to send: each trouble when it begins, then as reminders, and when it is over. */
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
    // The end is sent under the labels of the beginning, whatever became of the names since.
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

/** The alert for a trouble that lasts. */
function firing(condition: Condition, isReminder: boolean): Alert {
  return { ...condition, status: 'firing', isReminder, isReplaced: false, endedAt: null };
}

/** The troubles that receivers know of: what waits to be delivered has not been told yet. */
export function* toldOf(state: AlertState, waiting: readonly Alert[], now: number): Generator<Held> {
  const untold = new Set(
    waiting.flatMap(({ status, isReminder, key }) => (status === 'firing' && !isReminder ? key : [])),
  );
  for (const held of state.values()) if (held.toldAt !== null && !untold.has(held.condition.key)) yield held;
  for (const { status, isReminder: _, isReplaced: _replaced, endedAt: _end, ...condition } of waiting)
    if (status === 'resolved') yield { condition, toldAt: now };
}
