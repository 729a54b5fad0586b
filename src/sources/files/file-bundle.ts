import { MAX_BUNDLE_BYTES, refusal, type RawBundle, type Refusal } from '../../model';
import { whyUnreadable } from '../../common/configured-file';
import { hasOpenKey, type OpenKeyFiles } from './key-modes';
import { isRacy, readStamped, sameStamp, stampOf, type Stamp, type StampedText } from '../../common/stamp';

/** How often a pair that changes while it is read is read again before the next scan gets its turn. */
const ATTEMPTS = 3;

/** One certificate file, with its key file where there are two. */
export class FileBundle {
  #cert: Stamp | null = null;
  #key: Stamp | null = null;
  #unsettled = true;
  /** That its key file is open. */
  #isTold = false;

  constructor(
    readonly name: string,
    private readonly certPath: string,
    private readonly keyPath: string | null,
    /** What it is where it has no key file; see RawBundle. */
    private readonly lone: boolean | 'keystore' = false,
    private readonly openKeys?: OpenKeyFiles,
  ) {}

  get paths(): string[] {
    return this.keyPath === null ? [this.certPath] : [this.certPath, this.keyPath];
  }

  isAmong(paths: ReadonlySet<string>): boolean {
    return paths.has(this.certPath) || (this.keyPath !== null && paths.has(this.keyPath));
  }

  /** One stat for each file; true where `read` would find something else than it last did. */
  hasChanged(): boolean {
    if (this.#unsettled) return true;
    return (
      !sameStamp(stampOf(this.certPath), this.#cert) ||
      (this.keyPath !== null && !sameStamp(stampOf(this.keyPath), this.#key))
    );
  }

  read(): RawBundle | Refusal {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const result = this.readOnce();
      if (result !== null) return result;
    }
    this.#unsettled = true;
    return refusal(
      'incomplete',
      `${this.certPath} changes while it is read; waiting until it is written whole`,
    );
  }

  /** @returns null where a file changed meanwhile */
  private readOnce(): RawBundle | Refusal | null {
    // Before the first octet: what is written from then on has to show.
    const now = Date.now();
    try {
      const [cert, key] = this.paths.map((path) => readNamed(path));
      if (cert === null || key === null || cert === undefined) return this.tooLarge(now);
      if (!cert.isStable || key?.isStable === false) return null;
      this.settle(now, cert.stamp, key?.stamp ?? null);
      const { isOpen, text } = key ?? cert;
      if (isOpen && !this.#isTold && hasOpenKey(text)) {
        this.#isTold = true;
        this.openKeys?.note(this.keyPath ?? this.certPath);
      }
      return {
        name: this.name,
        location: this.certPath,
        cert: cert.text,
        key: key?.text ?? '',
        lone: this.lone,
      };
    } catch (error) {
      // The next scan sees whether anything has changed since.
      this.settle(now, ...this.stamps());
      return unreadable(error, this.certPath);
    }
  }

  private stamps(): [cert: Stamp | null, key: Stamp | null] {
    return [stampOf(this.certPath), this.keyPath === null ? null : stampOf(this.keyPath)];
  }

  private settle(now: number, cert: Stamp | null, key: Stamp | null): void {
    this.#cert = cert;
    this.#key = key;
    this.#unsettled = isRacy(cert, now) || isRacy(key, now);
  }

  private tooLarge(now: number): Refusal {
    this.settle(now, ...this.stamps());
    return refusal(
      'too_large',
      `${this.certPath} is larger than 1 MiB; a bundle is one leaf, its chain and its key`,
    );
  }
}

/** Errors of reading carry no path; those of opening do. */
function readNamed(path: string): StampedText | null {
  try {
    return readStamped(path, MAX_BUNDLE_BYTES);
  } catch (error) {
    throw Object.assign(error as Error, { path });
  }
}

/** A sentence for a failing file operation: the system's code and the path, and what helps. */
export function unreadable(error: unknown, where: string): Refusal {
  const { path = where } = error as NodeJS.ErrnoException;
  return refusal('unreadable', `${path} cannot be read: ${whyUnreadable(error, WORDS)}`);
}

const WORDS = { EISDIR: 'it is a folder; name a file, or use a source of type directory' };
