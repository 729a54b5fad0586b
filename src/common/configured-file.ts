import { closeSync, openSync, readSync } from 'node:fs';
import { isRacy, readStamped, sameStamp, stampOf, type Stamp } from './stamp';

/** A configuration, a certificate, a token: none of them is larger. */
export const MAX_CONFIGURED_BYTES = 1_048_576;

/** A file that the configuration names cannot be read; the message names the file and what helps, and quotes nothing. */
export class FileError extends Error {
  override readonly name = 'FileError';

  constructor(
    readonly path: string,
    /** Of the system, or EFBIG and ENOTFILE where it is larger than allowed or not a file. */
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist (yet)',
  EACCES: 'permission denied; the user that Kong runs as must be able to read it',
  EISDIR: 'it is a folder; name a file',
  ENOTFILE: 'it is a pipe, a socket or a device; name a file',
  ENOTDIR: 'a part of the path is not a folder',
  ELOOP: 'too many symbolic links',
};

/** What the system's code for a file that cannot be read means to a person. */
export function whyUnreadable(error: unknown, words: Readonly<Record<string, string>> = {}): string {
  const { code = 'unknown error' } = error as NodeJS.ErrnoException;
  return words[code] ?? WORDS[code] ?? code;
}

/**
 * The text of a file that the configuration names. It never waits for a pipe, and never reads a device or more than
 * `maxBytes`.
 * @throws FileError
 */
export function readConfiguredFile(path: string, maxBytes = MAX_CONFIGURED_BYTES): string {
  return readOnce(path, maxBytes).text;
}

function readOnce(path: string, maxBytes: number): { text: string; stamp: Stamp } {
  let read;
  try {
    read = readStamped(path, maxBytes);
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new FileError(path, code, `${path} cannot be read: ${whyUnreadable(error)}`);
  }
  if (read === null) {
    const limit = maxBytes >= 1_048_576 ? `${maxBytes / 1_048_576} MiB` : `${maxBytes} bytes`;
    throw new FileError(path, 'EFBIG', `${path} is larger than ${limit}; is it the right file?`);
  }
  return { text: Buffer.from(read.text, 'latin1').toString('utf8'), stamp: read.stamp };
}

/**
 * The start of a file that a person names as an argument; a pipe is waited for (`<(command)`).
 * @throws the system's error
 */
export function readArgument(path: string, maxBytes: number): Buffer {
  const descriptor = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(maxBytes);
    let length = 0;
    for (let count = -1; count !== 0 && length < maxBytes; length += count) {
      count = readSync(descriptor, buffer, length, maxBytes - length, null);
    }
    return buffer.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}

/** A file that is read again when it has changed: one stat where it has not. */
export class ConfiguredFile {
  #known: { text: string; stamp: Stamp; isRacy: boolean } | null = null;

  constructor(
    readonly path: string,
    private readonly maxBytes = MAX_CONFIGURED_BYTES,
  ) {}

  /** The same string, not only an equal one, while the file is as it was. @throws FileError */
  read(): string {
    const known = this.#known;
    if (known !== null && !known.isRacy && sameStamp(stampOf(this.path), known.stamp)) return known.text;
    // Nothing older is used in place of what cannot be read.
    this.#known = null;
    const now = Date.now();
    const { text, stamp } = readOnce(this.path, this.maxBytes);
    const kept = known?.text === text ? known.text : text;
    this.#known = { text: kept, stamp, isRacy: isRacy(stamp, now) };
    return kept;
  }

  /** Has the next call read the file, whatever its stamp. */
  forget(): void {
    if (this.#known !== null) this.#known.isRacy = true;
  }
}
