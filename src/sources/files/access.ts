import { lstatSync, readdirSync, type Dirent, type Stats } from 'node:fs';
import { constants, lstat, open, readdir, stat } from 'node:fs/promises';
import type { MaybePromise } from '../../common/maybe-async';
import { identityOf, readStamped, statOf, type StampedText } from '../../common/stamp';
import type { Refusal } from '../../model';
import { Mounts, type Mount } from './mounts';
import { replacedMount } from './trouble';

/** Asynchronous or synchronous access to files. Errors are the system's. */
export interface FileAccess {
  /** Whether every call returns at once. */
  readonly isLocal: boolean;
  /** Follows links; null where nothing is there, or it is out of reach. */
  stat(path: string): MaybePromise<Stats | null>;
  /** Device and inode that a path leads to; null where it is missing. */
  identity(path: string): MaybePromise<string | null>;
  /** Does not follow the link. */
  lstat(path: string): MaybePromise<Stats>;
  list(path: string): MaybePromise<Dirent[]>;
  /** Null: larger than `maxBytes`. */
  read(path: string, maxBytes: number): MaybePromise<StampedText | null>;
}

/** Calls that return at once, for local file systems. */
const LOCAL: FileAccess = {
  isLocal: true,
  stat: statOf,
  identity: identityOf,
  lstat: (path) => lstatSync(path),
  list: (path) => readdirSync(path, { withFileTypes: true }),
  read: readStamped,
};

/** A call that takes longer counts as hanging. */
const DEADLINE_MS = 5_000;

/**
 * Calls to a file system that may hang: each has a deadline, and while one hangs no other is made. A hanging call
 * cannot be cancelled, and occupies one of the few threads that Node has for files and names.
 */
class BoundedAccess implements FileAccess {
  readonly isLocal = false;
  #hangs = false;

  constructor(private readonly mount: Mount) {}

  stat(path: string): Promise<Stats | null> {
    return this.within(path, () => ASYNCHRONOUS.stat(path));
  }

  identity(path: string): Promise<string | null> {
    return this.within(path, () => ASYNCHRONOUS.identity(path));
  }

  lstat(path: string): Promise<Stats> {
    return this.within(path, () => ASYNCHRONOUS.lstat(path));
  }

  list(path: string): Promise<Dirent[]> {
    return this.within(path, () => ASYNCHRONOUS.list(path));
  }

  read(path: string, maxBytes: number): Promise<StampedText | null> {
    return this.within(path, () => ASYNCHRONOUS.read(path, maxBytes));
  }

  /** @throws Error with the code EHANGING */
  private async within<T>(path: string, call: () => MaybePromise<T>): Promise<T> {
    if (this.#hangs) throw this.hanging(path);
    const running = Promise.resolve(call());
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#hangs = true;
        reject(this.hanging(path));
      }, DEADLINE_MS).unref();
    });
    const ended = () => {
      this.#hangs = false;
      clearTimeout(timer);
    };
    running.then(ended, ended);
    return Promise.race([running, late]);
  }

  private hanging(path: string): Error {
    const { path: where, type } = this.mount;
    const error = new Error(
      `${path} does not answer: the file system at ${where} (${type}) hangs; is its server up? Other sources are not affected`,
    );
    return Object.assign(error, { code: 'EHANGING' });
  }
}

const MOUNTS = new Mounts();

/** Access to a place: cautious from the moment at which a part of it turns out to be on a file system that may hang. */
export class PlaceAccess implements FileAccess {
  #current: FileAccess = LOCAL;
  #mount: Mount | null = null;

  constructor(private readonly root: string) {}

  /** To be called now and then: mounts come and go. */
  refresh(): void {
    MOUNTS.refresh();
    const mount = MOUNTS.of(this.root) ?? MOUNTS.below(this.root);
    if (mount !== null) this.take(mount);
  }

  /** To be called before a link is followed. */
  linkFound(path: string): void {
    const mount = this.#current === LOCAL ? MOUNTS.of(path) : null;
    if (mount !== null) this.take(mount);
  }

  get isLocal(): boolean {
    return this.#current.isLocal;
  }

  /** What is mounted there and can no longer be renewed. */
  get replacedMounts(): Refusal[] {
    return MOUNTS.replaced(this.root).map(replacedMount);
  }

  stat(path: string): MaybePromise<Stats | null> {
    return this.#current.stat(path);
  }

  identity(path: string): MaybePromise<string | null> {
    return this.#current.identity(path);
  }

  lstat(path: string): MaybePromise<Stats> {
    return this.#current.lstat(path);
  }

  list(path: string): MaybePromise<Dirent[]> {
    return this.#current.list(path);
  }

  read(path: string, maxBytes: number): MaybePromise<StampedText | null> {
    return this.#current.read(path, maxBytes);
  }

  private take(mount: Mount): void {
    if (this.#mount?.path === mount.path && this.#mount.type === mount.type) return;
    this.#mount = mount;
    this.#current = new BoundedAccess(mount);
  }
}

const ASYNCHRONOUS: FileAccess = {
  isLocal: false,
  stat: (path) => stat(path).catch(() => null),
  identity: (path) =>
    stat(path, { bigint: true }).then(
      ({ dev, ino }) => `${dev}:${ino}`,
      () => null,
    ),
  lstat,
  list: (path) => readdir(path, { withFileTypes: true }),
  read: readWhole,
};

/** As `readStamped`, without blocking the event loop. */
async function readWhole(path: string, maxBytes: number): Promise<StampedText | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const found = await file.stat();
    if (!found.isFile())
      throw Object.assign(new Error('not a file'), { code: found.isDirectory() ? 'EISDIR' : 'ENOTFILE' });
    const { mtimeMs, ctimeMs, size, ino } = found;
    if (size > maxBytes) return null;
    const buffer = Buffer.alloc(Math.min(Math.max(size, 64 * 1024), maxBytes) + 1);
    let length = 0;
    for (let got = -1; got !== 0 && length < buffer.length; length += got) {
      ({ bytesRead: got } = await file.read(buffer, length, buffer.length - length, null));
    }
    if (length > maxBytes || (size === 0 && length === buffer.length)) return null;
    return {
      text: buffer.toString('latin1', 0, length),
      stamp: { mtimeMs, ctimeMs, size, ino },
      isOpen: (found.mode & constants.S_IROTH) !== 0,
      isStable: length === size,
    };
  } finally {
    await file.close();
  }
}
