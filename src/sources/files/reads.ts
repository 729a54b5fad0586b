import { wait, type MaybePromise } from '../../common/maybe-async';
import type { Stamp, StampedText } from '../../common/stamp';
import { MAX_BUNDLE_BYTES } from '../../model';
import type { FileAccess } from './access';

/** What a path leads to; null: nothing that can be read, which counts only for files that may be missing. */
export type FileRead = readonly [path: string, file: StampedText | null];

/**
 * Reads files that do not change meanwhile, without generators, which 10,000 bundles would feel.
 * @returns null where that needs a promise, a file is missing, too large or changes
 */
export function readAtOnce(access: FileAccess, paths: readonly string[]): FileRead[] | null {
  if (!access.isLocal) return null;
  const read: FileRead[] = [];
  try {
    for (const path of paths) {
      const file = access.read(path, MAX_BUNDLE_BYTES);
      if (file === null || file instanceof Promise || !file.isStable) return null;
      read.push([path, file]);
    }
  } catch {
    return null;
  }
  return read;
}

/**
 * Reads a file that must exist. Errors of reading carry no path; those of opening do.
 * @returns null where it is too large
 */
export function readNamed(access: FileAccess, path: string): MaybePromise<StampedText | null> {
  const named = (error: unknown): never => {
    throw Object.assign(error as Error, { path });
  };
  try {
    const found = access.read(path, MAX_BUNDLE_BYTES);
    return found instanceof Promise ? found.catch(named) : found;
  } catch (error) {
    return named(error);
  }
}

/** Reads a file that may be missing or unreadable. */
export function* readBeside(access: FileAccess, path: string): Generator<unknown, FileRead, never> {
  try {
    return [path, yield* wait(readNamed(access, path))];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EHANGING') throw error;
    return [path, null];
  }
}

/** Stamps of files; null for those that cannot be asked. */
export function* stampsOf(
  access: FileAccess,
  paths: readonly string[],
): Generator<unknown, (Stamp | null)[], never> {
  const stamps: (Stamp | null)[] = [];
  for (const path of paths) {
    const found = access.stat(path);
    stamps.push(yield* wait(found instanceof Promise ? found.catch(() => null) : found));
  }
  return stamps;
}
