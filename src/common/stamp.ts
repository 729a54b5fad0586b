import { closeSync, constants, fstatSync, openSync, readSync, statSync, type Stats } from 'node:fs';

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

/** One stat, following links; null where the file is not there, or is out of reach (a loop of links, no right). */
export function stampOf(path: string): Stamp | null {
  const stat = statOf(path);
  return stat === null ? null : toStamp(stat);
}

export function statOf(path: string): Stats | null {
  try {
    return statSync(path, { throwIfNoEntry: false }) ?? null;
  } catch {
    // Reading it says why.
    return null;
  }
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
  /** Everybody on the machine can read it. */
  isOpen: boolean;
  /** False: it was cut off or grew while it was read. */
  isStable: boolean;
}

const buffer = Buffer.allocUnsafe(64 * 1024);

/**
 * Reads a file whole. One file descriptor for everything: what is stamped is what is read, whatever a rename does
 * to the name. A write in place that keeps the length shows at the next scan, by its time; until then the gate
 * stands before Kong.
 * @param maxBytes null is returned for a larger file
 * @throws the system's error: ENOENT, EACCES, EISDIR, …
 */
export function readStamped(path: string, maxBytes: number): StampedText | null {
  // Without waiting: nobody may ever write to what turns out to be a pipe.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile())
      throw Object.assign(new Error('not a file'), { code: stat.isDirectory() ? 'EISDIR' : 'ENOTFILE' });
    const stamp = toStamp(stat);
    if (stamp.size > maxBytes) return null;
    const target = stamp.size < buffer.length ? buffer : Buffer.allocUnsafe(stamp.size + 1);
    // One more octet than it should have shows that it grew. Some file systems (/proc, FUSE) give every file the size 0.
    const limit = stamp.size === 0 ? target.length : stamp.size + 1;
    let length = 0;
    for (let got = -1; got !== 0 && length < limit; length += got) {
      got = readSync(file, target, length, limit - length, null);
    }
    if (length > maxBytes || (stamp.size === 0 && length === limit)) return null;
    const isOpen = (stat.mode & constants.S_IROTH) !== 0;
    return { text: target.toString('latin1', 0, length), stamp, isOpen, isStable: length === stamp.size };
  } finally {
    closeSync(file);
  }
}

export function toStamp({ mtimeMs, ctimeMs, size, ino }: Stats): Stamp {
  return { mtimeMs, ctimeMs, size, ino };
}

/**
 * Device and inode of what a path leads to; null where it is not there. As whole numbers: some file systems have inode
 * numbers above 2^53, where neighbours are one as a JavaScript number.
 */
export function identityOf(path: string): string | null {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? null : `${stat.dev}:${stat.ino}`;
  } catch {
    return null;
  }
}
