import { closeSync, fstatSync, openSync, readSync, statSync, type Stats } from 'node:fs';

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
  return stat === undefined ? null : toStamp(stat);
}

export function sameStamp(a: Stamp | null, b: Stamp | null): boolean {
  if (a === null || b === null) return a === b;
  return a.mtimeMs === b.mtimeMs && a.size === b.size && a.ino === b.ino && a.ctimeMs === b.ctimeMs;
}

/** Whether the file could have changed after `readAt` (ms since the epoch) and still show this stamp. */
export function isRacy(stamp: Stamp | null, readAt: number): boolean {
  return stamp !== null && Math.abs(readAt - Math.max(stamp.mtimeMs, stamp.ctimeMs)) < TICK_MS;
}

/** A file's text with the stamp that it had. */
export interface StampedText {
  text: string;
  stamp: Stamp;
  /** False: it was written while it was read. */
  isStable: boolean;
}

const buffer = Buffer.allocUnsafe(64 * 1024);

/**
 * Reads a file whole, and notices when it is written meanwhile. One file descriptor for everything: what is
 * stamped is what is read, whatever a rename does to the name.
 * @param maxBytes null is returned for a larger file
 * @throws the system's error: ENOENT, EACCES, EISDIR, …
 */
export function readStamped(path: string, maxBytes: number): StampedText | null {
  const file = openSync(path, 'r');
  try {
    const before = toStamp(fstatSync(file));
    if (before.size > maxBytes) return null;
    const target = before.size <= buffer.length ? buffer : Buffer.allocUnsafe(before.size);
    let length = 0;
    for (let got = -1; got !== 0 && length < target.length; length += got) {
      got = readSync(file, target, length, target.length - length, null);
      // The usual case: all of it at once, and no second call to see the end.
      if (length + got === before.size) {
        length += got;
        break;
      }
    }
    const stamp = toStamp(fstatSync(file));
    const isStable = sameStamp(before, stamp) && length === stamp.size;
    return { text: target.toString('latin1', 0, length), stamp, isStable };
  } finally {
    closeSync(file);
  }
}

function toStamp({ mtimeMs, ctimeMs, size, ino }: Stats): Stamp {
  return { mtimeMs, ctimeMs, size, ino };
}
