import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** A file that this program left for its next process. */
export interface OwnFile {
  text: string;
  /** When it was last written or confirmed; milliseconds since the epoch. */
  at: number;
}

/**
 * Reads a file of our own in a folder where others may write: no link, no pipe, nothing of another user.
 * @returns null where it is missing
 * @throws Error saying in a few words why it is not used
 */
export function readOwnFile(path: string, maxBytes: number): OwnFile | null {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  let file;
  try {
    file = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new Error(code === 'ELOOP' ? 'it is a link' : code, { cause: error });
  }
  try {
    const stat = fstatSync(file);
    const { mtimeMs, nlink, size, uid } = stat;
    if (!stat.isFile() || nlink !== 1) throw new Error('it is a link, or not a file');
    if (uid !== process.getuid?.()) throw new Error(`it belongs to another user (uid ${uid})`);
    if (size > maxBytes) throw new Error(`it is larger than ${maxBytes / 1_048_576} MiB`);
    const bytes = Buffer.allocUnsafe(size);
    let length = 0;
    for (let got = -1; got !== 0 && length < size; length += got)
      got = readSync(file, bytes, length, size - length, null);
    return { text: bytes.toString('utf8', 0, length), at: mtimeMs };
  } finally {
    closeSync(file);
  }
}
