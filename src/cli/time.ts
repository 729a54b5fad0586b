const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/**
 * A point in time as a person gives it: `12h`, `30d`, or `2026-01-31`.
 * @param direction -1: that long ago; 1: in so long
 * @throws Error where it is neither
 */
export function timeOf(option: string, text: string, now: number, direction: -1 | 1): number {
  const [, count, unit = ''] = /^([0-9]{1,5})([mhdw])$/.exec(text) ?? [];
  if (count !== undefined) return now + direction * Number(count) * (UNITS[unit] ?? 0);
  const time = Date.parse(text);
  if (Number.isNaN(time))
    throw new Error(`${option} ${text}: give 90m, 12h, 30d, 4w, or a time such as 2026-01-31`);
  return time;
}
