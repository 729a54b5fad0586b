import { readFileSync } from 'node:fs';
import { MAX_BUNDLE_BYTES, refusal, type RawBundle, type Refusal } from '../model';
import { isRacy, sameStamp, stampOf, type Stamp } from './stamp';

/** How often a pair that changes while it is read is read again before the next scan gets its turn. */
const ATTEMPTS = 3;

/** One certificate file, with its key file where there are two. */
export class FileBundle {
  #cert: Stamp | null = null;
  #key: Stamp | null = null;
  #unsettled = true;

  constructor(
    readonly name: string,
    private readonly certPath: string,
    private readonly keyPath: string | null,
  ) {}

  /** One stat for each file; true where `read` would find something else than it last did. */
  hasChanged(): boolean {
    if (this.#unsettled) return true;
    return (
      !sameStamp(stampOf(this.certPath), this.#cert) ||
      (this.keyPath !== null && !sameStamp(stampOf(this.keyPath), this.#key))
    );
  }

  read(): RawBundle | Refusal {
    for (let attempt = 1; ; attempt++) {
      const before = this.stamps();
      let result: RawBundle | Refusal;
      try {
        result = this.readOnce(before);
      } catch (error) {
        result = unreadable(error);
      }
      const after = this.stamps();
      const stable = sameStamp(before.cert, after.cert) && sameStamp(before.key, after.key);
      if (stable || attempt === ATTEMPTS) {
        const now = Date.now();
        this.#cert = after.cert;
        this.#key = after.key;
        this.#unsettled = !stable || isRacy(after.cert, now) || isRacy(after.key, now);
        return stable
          ? result
          : refusal(
              'incomplete',
              `${this.certPath} changes while it is read; waiting until it is written whole`,
            );
      }
    }
  }

  private stamps(): { cert: Stamp | null; key: Stamp | null } {
    return { cert: stampOf(this.certPath), key: this.keyPath === null ? null : stampOf(this.keyPath) };
  }

  private readOnce(stamps: { cert: Stamp | null; key: Stamp | null }): RawBundle | Refusal {
    if ((stamps.cert?.size ?? 0) + (stamps.key?.size ?? 0) > MAX_BUNDLE_BYTES) {
      return refusal(
        'too_large',
        `${this.certPath} is larger than 1 MiB; a bundle is one leaf, its chain and its key`,
      );
    }
    return {
      name: this.name,
      location: this.certPath,
      cert: readFileSync(this.certPath, 'latin1'),
      key: this.keyPath === null ? '' : readFileSync(this.keyPath, 'latin1'),
      lone: this.keyPath === null,
    };
  }
}

/** A sentence for a failing file operation: the system's code and the path, and what helps. */
export function unreadable(error: unknown): Refusal {
  const { code = 'unknown error', path = 'the file' } = error as NodeJS.ErrnoException;
  const advice: Record<string, string> = {
    ENOENT: 'it does not exist (yet)',
    EACCES: 'permission denied; the user that Kong runs as must be able to read it',
    EISDIR: 'it is a folder; name a file, or use a source of type directory',
    ENOTDIR: 'a part of the path is not a folder',
    ELOOP: 'too many symbolic links',
  };
  return refusal('unreadable', `${path} cannot be read: ${advice[code] ?? code}`);
}
