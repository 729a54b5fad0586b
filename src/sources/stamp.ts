import { statSync } from 'node:fs';

/** What tells one version of a file from another without reading it. */
export interface Stamp {
  mtimeMs: number;
  ctimeMs: number;
  size: number;
  ino: number;
}

/**
 * File systems stamp times with the kernel's clock tick, up to 10 ms coarse: a file written again within that
 * tick keeps its stamp. A stamp this young is therefore not relied on, and the file is read once more.
 */
const TICK_MS = 20;

/** One stat, following links; null where the file is not there. */
export function stampOf(path: string): Stamp | null {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined
    ? null
    : { mtimeMs: stat.mtimeMs, ctimeMs: stat.ctimeMs, size: stat.size, ino: stat.ino };
}

export function sameStamp(a: Stamp | null, b: Stamp | null): boolean {
  if (a === null || b === null) return a === b;
  return a.mtimeMs === b.mtimeMs && a.size === b.size && a.ino === b.ino && a.ctimeMs === b.ctimeMs;
}

/** Whether the file could have changed after `readAt` (ms since the epoch) and still show this stamp. */
export function isRacy(stamp: Stamp | null, readAt: number): boolean {
  return stamp !== null && Math.abs(readAt - Math.max(stamp.mtimeMs, stamp.ctimeMs)) < TICK_MS;
}
