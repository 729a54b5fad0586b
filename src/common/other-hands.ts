import { lstatSync, realpathSync, statSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';

/** Somebody besides root and one user who can change a file, or put another one into its place. */
export interface OtherHand {
  /** The file, or a folder above it. */
  path: string;
  /** Owner of `path`. */
  uid: number;
  gid: number;
  /** What lets it be changed: its owner, or a mode that lets others write. */
  by: 'owner' | 'mode';
}

const GROUP_WRITES = 0o020;
const EVERYBODY_WRITES = 0o002;
/** In such a folder nobody can rename or remove the files of others. */
const STICKY = 0o1000;

/**
 * Looks at a file and the folders above it, links followed.
 * @param uid who may change it, besides root
 * @throws Error of the system where it is not there
 */
export function otherHandOn(path: string, uid = process.getuid?.() ?? 0): OtherHand | null {
  for (let at = realpathSync(path), isFile = true; ; at = dirname(at), isFile = false) {
    const found = otherOf(isFile ? lstatSync(at) : statSync(at), uid);
    if (found !== null) return { path: at, ...found };
    if (at === dirname(at)) return null;
  }
}

function otherOf({ uid, gid, mode }: Stats, trusted: number): Omit<OtherHand, 'path'> | null {
  if (uid !== 0 && uid !== trusted) return { uid, gid, by: 'owner' };
  if ((mode & STICKY) !== 0) return null;
  const isOpen = (mode & EVERYBODY_WRITES) !== 0 || ((mode & GROUP_WRITES) !== 0 && gid !== 0);
  return isOpen ? { uid, gid, by: 'mode' } : null;
}

/** The end of a sentence that begins with the file's path, and what to do. */
export function describeOtherHand({ path, uid, by }: OtherHand): string {
  return by === 'owner'
    ? `can be changed by uid ${uid}, to whom ${path} belongs; give it to root or to the user that reads it (chown)`
    : `can be changed by others (the mode of ${path}); close it: chmod go-w ${path}`;
}
