const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Only few different days occur, each often. */
const MAX_DAYS = 4_000;

const dates = new Map<number, string>();
const TWO = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, '0'));

/** Equal to `toISOString`, and three times as fast for many times on few days. */
export function isoTime(ms: number): string {
  const whole = Math.floor(ms);
  const day = Math.floor(whole / DAY_MS);
  const rest = whole - day * DAY_MS;
  const seconds = Math.floor(rest / 1000);
  const minutes = Math.floor(seconds / 60);
  const time = `${TWO[Math.floor(minutes / 60)] ?? ''}:${TWO[minutes % 60] ?? ''}:${TWO[seconds % 60] ?? ''}`;
  return `${dateOf(day)}${time}.${String(rest % 1000).padStart(3, '0')}Z`;
}

/** `2026-01-31T` */
function dateOf(day: number): string {
  const known = dates.get(day);
  if (known !== undefined) return known;
  if (dates.size >= MAX_DAYS) dates.clear();
  const text = new Date(day * DAY_MS).toISOString().slice(0, -'00:00:00.000Z'.length);
  dates.set(day, text);
  return text;
}

/** A duration for a person, in minutes or hours where days are too coarse. */
export function timeLeft(ms: number): string {
  const hours = Math.floor(ms / HOUR_MS);
  if (hours >= 48) return `${Math.floor(hours / 24)} days`;
  if (hours >= 2) return `${hours} h`;
  return `${Math.max(1, Math.floor(ms / 60_000))} min`;
}
