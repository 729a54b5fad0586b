import { accessSync, constants, lstatSync, readlinkSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { whyUnreadable } from '../../common/configured-file';
import { printable } from '../../common/printable';
import { refusal, type Refusal } from '../../model';

const WORDS = {
  EISDIR: 'it is a folder; name a file, or use a source of type directory',
  EMFILE: 'this process has no file descriptors left; it is tried again',
  ENFILE: 'the system has no file descriptors left; it is tried again',
  ESTALE: 'its server has lost it (a stale NFS handle); it is tried again',
  EIO: 'the disk or the server of the file system fails (input/output error)',
};

/** A sentence about a failed file operation: what, where, why, and what helps. */
export function unreadable(error: unknown, where: string): Refusal {
  const { code, path = where, message } = error as NodeJS.ErrnoException;
  if (code === 'EHANGING') return refusal('unreachable', printable(message));
  const why = byPath(code, path) ?? whyUnreadable(error, WORDS);
  return refusal('unreadable', `${printable(path)} cannot be read: ${why}`);
}

/** A bind mount follows the file or folder, not its name: what a renewal puts in its place is not seen through it. */
export const replacedMount = (path: string): Refusal =>
  refusal(
    'unreadable',
    `${printable(path)} was replaced where it is mounted from, and only the former one is seen here: mount the folder that holds it, not the file (a Kubernetes subPath is never renewed), and start the container again`,
  );

function byPath(code: string | undefined, path: string): string | null {
  if (code === 'ENOENT' || code === 'ENOTDIR') return brokenLink(path);
  return code === 'EACCES' ? closedTo(path) : null;
}

/** Names a link that leads nowhere: a folder may be mounted without the one that its links lead to. */
export function brokenLink(path: string): string | null {
  for (let at = path; at !== '/' && at !== '.'; at = dirname(at)) {
    try {
      if (!lstatSync(at).isSymbolicLink()) return null;
      const target = readlinkSync(at);
      const which = at === path ? 'it' : printable(at);
      return `${which} is a link to ${printable(target)}, which does not exist; if the folder is a mount, mount what its links lead to as well`;
    } catch {
      // Not a link; a folder above may be one.
    }
  }
  return null;
}

/** What keeps this process's user out: the file itself, or a folder above it. */
function closedTo(path: string): string | null {
  const closed = firstClosed(path);
  if (closed === null) return null;
  try {
    const { mode, uid, gid } = statSync(closed);
    const isFile = closed === path;
    const octal = (mode & 0o7777).toString(8).padStart(4, '0');
    const way = isFile ? '0640' : '0750';
    return (
      `permission denied: ${isFile ? 'it' : `the folder ${printable(closed)}`} has mode ${octal} and belongs to user ${uid}, group ${gid}, ` +
      `while Kong runs as user ${process.getuid?.() ?? 'unknown'}; ${isFile ? '' : `chgrp it to a group of Kong's user and `}chmod ${way}` +
      `${isFile ? " with a group of Kong's user" : ''}, or let the deploy hook of the ACME client copy the files`
    );
  } catch {
    return null;
  }
}

/** The outermost folder that may not be entered, else the path itself, links followed. */
function firstClosed(path: string): string | null {
  const folders: string[] = [];
  for (let at = dirname(path); at !== '/' && at !== '.'; at = dirname(at)) folders.unshift(at);
  for (const folder of folders) if (!isAllowed(folder, constants.X_OK)) return folder;
  try {
    const target = lstatSync(path).isSymbolicLink() ? readlinkSync(path) : null;
    if (target !== null) return firstClosed(resolve(dirname(path), target));
  } catch {
    return null;
  }
  return isAllowed(path, constants.R_OK) ? null : path;
}

function isAllowed(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EACCES';
  }
}
