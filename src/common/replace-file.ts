import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Replaces a file, atomically. A link in its place, or in that of the draft, is replaced and not
 * followed.
 * @param before owner and mode for the file, as they were when the text was made. Null: a private file of our own
 * @param isStill asked right before the replacement; false: the file is left alone
 * @returns false where it was left alone
 * @throws the system's error; nothing has changed then
 */
export function replaceFile(
  path: string,
  text: string | Uint8Array,
  before: Pick<Stats, 'uid' | 'gid' | 'mode'> | null,
  isStill = () => true,
): boolean {
  removeDrafts(path);
  const draft = draftOf(path);
  const file = openSync(draft, 'wx', 0o600);
  try {
    try {
      // Not writeSync: on a nearly full disk it writes a part and reports success.
      writeFileSync(file, text);
      if (before !== null) {
        if (before.uid !== process.getuid?.() || before.gid !== process.getgid?.())
          fchownSync(file, before.uid, before.gid);
        fchmodSync(file, before.mode & 0o7777);
      }
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    if (!isStill()) return false;
    renameSync(draft, path);
    return true;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** The same for a file of our own, without waiting for the disk. @throws Error of the system */
export async function replaceOwnFile(path: string, text: string | AsyncIterable<string>): Promise<void> {
  removeDrafts(path);
  const draft = draftOf(path);
  try {
    await writeFile(draft, text, { flag: 'wx', mode: 0o600, flush: true });
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
}

/** Removes drafts of this file by processes that were killed while they wrote them. */
export function removeDrafts(path: string): void {
  removeDraftsOf(dirname(path), (name) => name === basename(path));
}

/**
 * The same for several files of a folder, none of which has to exist: a process may be killed before it wrote the first.
 * @param isOne asked for the name of a draft's file
 */
export function removeDraftsOf(folder: string, isOne: (name: string) => boolean): void {
  for (const draft of namesIn(folder)) {
    const [, name = '', pid] = DRAFT.exec(draft) ?? [];
    if (pid === undefined || !isOne(name)) continue;
    if (Number(pid) !== process.pid && isRunning(Number(pid))) continue;
    try {
      rmSync(join(folder, draft), { force: true });
    } catch {
      // It takes a little room, and the next write looks again.
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const DRAFT = /^\.(.+)\.ssl-cert-reloader-(\d+)$/;

const draftOf = (path: string) => join(dirname(path), `.${basename(path)}.ssl-cert-reloader-${process.pid}`);

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
