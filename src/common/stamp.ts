import { closeSync, constants, fstatSync, openSync, readSync, statSync, type Stats } from 'node:fs';

/** Identifies a version of a file without reading it. */
export interface Stamp {
  mtimeMs: number;
  ctimeMs: number;
  size: number;
  ino: number;
}

/**
 * File systems round times to the kernel's clock tick, up to 10 ms: a file written again within one tick keeps its
 * stamp. A stamp this young is therefore not relied on, and the file is read once more.
 */
const TICK_MS = 20;

/** One stat, following links; null where the file is missing or out of reach (a loop of links, no permission). */
export function stampOf(path: string): Stamp | null {
  const stat = statOf(path);
  return stat === null ? null : toStamp(stat);
}

export function statOf(path: string): Stats | null {
  try {
    return statSync(path, { throwIfNoEntry: false }) ?? null;
  } catch {
    // Reading the file will tell why.
    return null;
  }
}

export function sameStamp(a: Stamp | null, b: Stamp | null): boolean {
  if (a === null || b === null) return a === b;
  return a.mtimeMs === b.mtimeMs && a.size === b.size && a.ino === b.ino && a.ctimeMs === b.ctimeMs;
}

/** Numbers of one stamp in a list of stamps. */
const NUMBERS = 4;

/**
 * Stamps as one list of numbers, which V8 keeps unboxed; a number in a field of an object would be an object of its own.
 * A missing file has NaN.
 */
export function flatStamps(stamps: readonly (Stamp | null)[]): readonly number[] {
  const flat = new Array<number>(stamps.length * NUMBERS);
  for (let index = 0; index < stamps.length; index++) {
    const stamp = stamps[index];
    const at = index * NUMBERS;
    flat[at] = stamp?.mtimeMs ?? Number.NaN;
    flat[at + 1] = stamp?.ctimeMs ?? Number.NaN;
    flat[at + 2] = stamp?.size ?? Number.NaN;
    flat[at + 3] = stamp?.ino ?? Number.NaN;
  }
  return flat;
}

/** Whether the stamp at this index is equal to another one. */
export function isStampAt(flat: readonly number[], index: number, stamp: Stamp | null): boolean {
  const at = index * NUMBERS;
  if (stamp === null) return Number.isNaN(flat[at]);
  return (
    flat[at] === stamp.mtimeMs &&
    flat[at + 1] === stamp.ctimeMs &&
    flat[at + 2] === stamp.size &&
    flat[at + 3] === stamp.ino
  );
}

/** The latest time among stamps; milliseconds since the epoch. */
export function latestOf(flat: readonly number[]): number {
  let latest = 0;
  for (let at = 0; at < flat.length; at += NUMBERS) {
    const modified = flat[at] as number;
    const changed = flat[at + 1] as number;
    if (modified > latest) latest = modified;
    if (changed > latest) latest = changed;
  }
  return latest;
}

/** Whether the file could have changed after `readAt` (ms since the epoch) and still show this stamp. */
export function isRacy(stamp: Stamp | null, readAt: number): boolean {
  return stamp !== null && Math.abs(readAt - Math.max(stamp.mtimeMs, stamp.ctimeMs)) < TICK_MS;
}

/** A file's text with the stamp that it had. */
export interface StampedText {
  text: string;
  stamp: Stamp;
  /** Its mode lets every user read it. */
  isOpen: boolean;
  /** False: the file was cut off or grew during the read. */
  isStable: boolean;
}

const buffer = Buffer.allocUnsafe(64 * 1024);

/**
 * Reads a file whole, through one file descriptor: the stamp and the text are of one file, whatever renames happen
 * meanwhile. A write in place that keeps the length shows in the file's time at the next scan; until then the gate
 * protects Kong.
 * @param maxBytes null is returned for a larger file
 * @throws the system's error: ENOENT, EACCES, EISDIR, …
 */
export function readStamped(path: string, maxBytes: number): StampedText | null {
  // Non-blocking: the path may lead to a pipe that nobody writes to.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile())
      throw Object.assign(new Error('not a file'), { code: stat.isDirectory() ? 'EISDIR' : 'ENOTFILE' });
    const stamp = toStamp(stat);
    if (stamp.size > maxBytes) return null;
    const target = stamp.size < buffer.length ? buffer : Buffer.allocUnsafe(stamp.size + 1);
    // One octet more than expected, to notice growth. Some file systems (/proc, FUSE) report the size 0.
    const limit = stamp.size === 0 ? target.length : stamp.size + 1;
    let length = 0;
    let got = -1;
    // A read that gets less than was asked for is at the end, where the size says so as well.
    for (; got !== 0 && length < limit && (length !== stamp.size || length === 0); length += got) {
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
 * Device and inode that a path leads to; null where it is missing. As bigint: some file systems have inode numbers
 * above 2^53, where two neighbours are one as a number.
 */
export function identityOf(path: string): string | null {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? null : `${stat.dev}:${stat.ino}`;
  } catch {
    return null;
  }
}
