import { closeSync, openSync, readSync } from 'node:fs';
import { isRacy, readStamped, sameStamp, stampOf, type Stamp } from './stamp';

/** No configuration, certificate or token is larger. */
const MAX_CONFIGURED_BYTES = 1_048_576;

/**
 * A file of the configuration that cannot be read; the message names the file and the remedy, and quotes no
 * content.
 */
export class FileError extends Error {
  override readonly name = 'FileError';

  constructor(
    readonly path: string,
    /** The system's error code, or EFBIG and ENOTFILE where it is too large or not a file. */
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

/** What an error code of a file that cannot be read means, for a person. */
export function whyUnreadable(error: unknown, words: Readonly<Record<string, string>> = {}): string {
  const { code = 'unknown error' } = error as NodeJS.ErrnoException;
  return words[code] ?? WORDS[code] ?? code;
}

/**
 * Reads a file that the configuration names. Never waits for a pipe, never reads a device or more than `maxBytes`.
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
 * Reads the start of a file that a person names as an argument, waiting for a pipe (`<(command)`).
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

  constructor(readonly path: string) {}

  /**
   * Returns the identical string while the file is unchanged.
   * @throws FileError
   */
  read(): string {
    const known = this.#known;
    if (known !== null && !known.isRacy && sameStamp(stampOf(this.path), known.stamp)) return known.text;
    // A file that cannot be read is an error; no older content takes its place.
    this.#known = null;
    const now = Date.now();
    const { text, stamp } = readOnce(this.path, MAX_CONFIGURED_BYTES);
    const kept = known?.text === text ? known.text : text;
    this.#known = { text: kept, stamp, isRacy: isRacy(stamp, now) };
    return kept;
  }

  /** Makes the next call read the file, even if its stamp is unchanged. */
  forget(): void {
    if (this.#known !== null) this.#known.isRacy = true;
  }
}
