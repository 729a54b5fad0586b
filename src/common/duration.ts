const HOUR_MS = 3_600_000;

/** A duration for a person, in minutes or hours where days are too coarse. */
export function timeLeft(ms: number): string {
  const hours = Math.floor(ms / HOUR_MS);
  if (hours >= 48) return `${Math.floor(hours / 24)} days`;
  if (hours >= 2) return `${hours} h`;
  return `${Math.max(1, Math.floor(ms / 60_000))} min`;
}
