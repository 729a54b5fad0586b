import { randomBytes } from 'node:crypto';
import { linkSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { PLUGIN_NAME } from '../common/product';
import { removeDraftsOf } from '../common/replace-file';
import { stateFolder } from '../gateway';

/** The holder of the lock: its process id (as its container counts), empty where it gave none. */
export class LockHolder {
  constructor(
    private readonly prefix: string,
    readonly pid: string,
  ) {}

  get sentence(): string {
    const who =
      this.pid === '' ? 'another ssl-cert-reloader' : `another ssl-cert-reloader (process ${this.pid})`;
    return `${who} works for the Kong of ${this.prefix}`;
  }

  get wayOut(): string {
    return `${this.sentence}: end it first, or give this one a prefix of its own (-p, any folder)`;
  }
}

const ANSWER_MS = 1_000;

/**
 * One process at a time works for a prefix. The lock is a unix socket whose other end tells its process id: the kernel
 * says whether anybody is there, also across containers, and a process that dies leaves nothing to wait for.
 */
export class PrefixLock {
  #inode = 0;

  private constructor(
    private readonly prefix: string,
    private readonly path: string,
    private server: Server,
  ) {}

  /** @returns the lock, or its holder; null: it cannot be placed, and neither could the sockets that it protects */
  static async take(prefix: string): Promise<PrefixLock | LockHolder | null> {
    const path = join(stateFolder(prefix), `${PLUGIN_NAME}.lock`);
    let beside;
    try {
      beside = await listenBeside(path);
    } catch {
      return null;
    }
    const lock = new PrefixLock(prefix, path, beside.server);
    const holder = await lock.claim(beside.draft);
    if (holder === null) {
      await removeRemains(dirname(path));
      return lock;
    }
    beside.server.close();
    return holder;
  }

  /**
   * To be asked now and then. Makes the lock anew where it was removed.
   * @returns the new holder; null: this process still holds it
   */
  async lostTo(): Promise<LockHolder | null> {
    if (inodeOf(this.path) === this.#inode) return null;
    try {
      const { server, draft } = await listenBeside(this.path);
      const holder = await this.claim(draft);
      this.server.close();
      this.server = server;
      return holder;
    } catch {
      // The folder is gone or full: no other process gets the lock either.
      return null;
    }
  }

  release(): void {
    if (inodeOf(this.path) === this.#inode) rmSync(this.path, { force: true });
    this.server.close();
  }

  /** Gives a listening socket, made under a draft name, the name of the lock. */
  private async claim(draft: string): Promise<LockHolder | null> {
    this.#inode = inodeOf(draft);
    try {
      while (!isLinked(draft, this.path)) {
        const found = inodeOf(this.path);
        const pid = await ask(this.path);
        if (pid !== null) return new LockHolder(this.prefix, pid);
        discard(this.path, `${draft}.dead`, found);
      }
      return null;
    } finally {
      rmSync(draft, { force: true });
    }
  }
}

/**
 * Links, since a link fails where something exists and a rename would replace it.
 * @returns false where something exists
 */
function isLinked(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    // The file system has no links.
    if (inodeOf(path) !== 0) return false;
    renameSync(draft, path);
    return true;
  }
}

/** Removes the socket of a dead process; a successor's, should it have appeared there meanwhile, is put back. */
function discard(path: string, aside: string, inode: number): void {
  try {
    renameSync(path, aside);
    if (inodeOf(aside) !== inode) linkSync(aside, path);
  } catch {
    // It is gone, or a successor has taken it: the next try will tell.
  }
  rmSync(aside, { force: true });
}

/** A random name: processes of two containers may have the same id. */
const draftOf = (path: string) => `${path}.${randomBytes(4).toString('hex')}`;

function listenBeside(path: string): Promise<{ server: Server; draft: string }> {
  const draft = draftOf(path);
  const server = createServer((client) => {
    client.on('error', () => undefined);
    client.end(`${process.pid}\n`);
  });
  server.unref();
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    // The next process may run as another user. The mode is set as the socket is made: a link may stand in its
    // place later.
    const mask = process.umask(0o111);
    try {
      server.listen(draft, () => resolve({ server, draft }));
    } finally {
      process.umask(mask);
    }
  });
}

/** The process id of the listener, or an empty text; null: nobody listens. */
function ask(path: string): Promise<string | null> {
  return new Promise((resolve) => {
    let text = '';
    const client = connect(path);
    const end = (found: string | null) => {
      clearTimeout(timer);
      client.destroy();
      resolve(found);
    };
    // The limit holds however much the holder writes meanwhile.
    const timer = setTimeout(() => end(''), ANSWER_MS);
    client.on('data', (chunk) => {
      text += chunk.toString('latin1').slice(0, 20);
      if (text.length > 20) end('');
    });
    client.on('end', () => end(/^\d{1,10}$/.exec(text.trim())?.[0] ?? ''));
    client.on('error', ({ code }: NodeJS.ErrnoException) => {
      end(code === 'ECONNREFUSED' || code === 'ENOENT' || code === 'ENOTSOCK' ? null : '');
    });
  });
}

/** Sockets under their draft names. */
const REMAINS = new RegExp(`^${PLUGIN_NAME}(-status)?\\.(lock|socket)\\.[\\da-f]+(\\.dead)?$`);

/** Removes sockets and files of state whose processes were killed before these had their names. */
async function removeRemains(folder: string): Promise<void> {
  removeDraftsOf(folder, (name) => name.startsWith(`${PLUGIN_NAME}.`));
  try {
    for (const name of readdirSync(folder).filter((one) => REMAINS.test(one))) {
      const path = join(folder, name);
      // A socket without a listener belongs to a process that has ended.
      if ((await ask(path)) === null) rmSync(path, { force: true });
    }
  } catch {
    // They take no room; the next start looks again.
  }
}

const inodeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.ino ?? 0;
