import { realpathSync, type Stats } from 'node:fs';
import { printable } from '../../common/printable';
import { refusal, type StrayFile } from '../../model';
import type { FileAccess } from '../files/access';

interface LinkPlace {
  /** The link leads to a folder. */
  isFolder: boolean;
  /** The source's folder, and the user who owns it. */
  root: string;
  owner: number;
  /** The folder that the link is in. */
  folder: Stats;
}

/** Write permission for group or others. */
const OTHERS_MAY_WRITE = 0o022;

/**
 * Links out of the source's folder are followed only where root or the user of this process made them, to single
 * files also those of the folder's owner: otherwise a user with write access could make this process read files
 * that the user cannot read.
 * @returns why a link is not followed, or null
 */
export async function whyNotFollowed(
  access: FileAccess,
  path: string,
  { isFolder, root, owner, folder }: LinkPlace,
): Promise<StrayFile | null> {
  const trusted = new Set([0, process.getuid?.() ?? 0, ...(isFolder ? [] : [owner])]);
  if (trusted.has(folder.uid) && (folder.mode & OTHERS_MAY_WRITE) === 0) return null;
  const found = access.lstat(path);
  const { uid } = found instanceof Promise ? await found : found;
  if (trusted.has(uid) || isBelow(path, root)) return null;
  const location = printable(path);
  return {
    location,
    ...refusal(
      'unreadable',
      `${location} leads out of ${printable(root)} and was made by user ${uid}; such links are followed only where root or the user of this process made them`,
    ),
  };
}

function isBelow(path: string, root: string): boolean {
  try {
    return `${realpathSync(path)}/`.startsWith(`${realpathSync(root)}/`);
  } catch {
    // It leads nowhere, or out of reach: nothing will be read.
    return true;
  }
}
