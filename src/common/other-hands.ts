import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { resolve } from 'node:path';

/** A user besides root and one other who can change a file, or replace it. */
interface OtherHand {
  /** The file, or a folder above it. */
  path: string;
  /** Owner of `path`. */
  uid: number;
  gid: number;
  /** The reason: ownership, or a mode that lets others write. */
  by: 'owner' | 'mode';
}

const GROUP_WRITES = 0o020;
const EVERYBODY_WRITES = 0o002;
/** Sticky bit: in such a folder nobody can rename or remove the files of others. */
const STICKY = 0o1000;

const MAX_LINKS = 40;

/**
 * Checks the whole way to a file: the folders, the links, and the folders in which those are. Write access to any
 * of them would allow redirecting the path after the check.
 * @param uid the user, besides root, who may change it
 * @throws the system's error where the file is missing
 */
export function otherHandOn(path: string, uid = process.getuid?.() ?? 0): OtherHand | null {
  let at = '/';
  let rest = resolve(path).split('/');
  let nearest: OtherHand | null = null;
  for (let links = 0; ;) {
    const stat = lstatSync(at);
    const found = otherOf(stat, uid);
    if (found !== null) nearest = { path: at, ...found };
    if (stat.isSymbolicLink()) {
      links += 1;
      if (links > MAX_LINKS) throw Object.assign(new Error('too many links'), { code: 'ELOOP' });
      rest = [...resolve(at, '..', readlinkSync(at)).split('/'), ...rest];
      at = '/';
    }
    const next = rest.find((part) => part !== '');
    if (next === undefined) return nearest;
    rest = rest.slice(rest.indexOf(next) + 1);
    at = at === '/' ? `/${next}` : `${at}/${next}`;
  }
}

function otherOf(stat: Stats, trusted: number): Omit<OtherHand, 'path'> | null {
  const { uid, gid, mode } = stat;
  if (uid !== 0 && uid !== trusted) return { uid, gid, by: 'owner' };
  // The mode of a link is meaningless.
  if (stat.isSymbolicLink() || (mode & STICKY) !== 0) return null;
  const isOpen = (mode & EVERYBODY_WRITES) !== 0 || ((mode & GROUP_WRITES) !== 0 && gid !== 0);
  return isOpen ? { uid, gid, by: 'mode' } : null;
}

/** The end of a sentence that begins with the file's path, with the remedy. */
export function describeOtherHand({ path, uid, by }: OtherHand): string {
  return by === 'owner'
    ? `can be changed by uid ${uid}, to whom ${path} belongs; give it to root or to the user that reads it (chown)`
    : `can be changed by others (the mode of ${path}); close it: chmod go-w ${path}`;
}
