import { existsSync, watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';
import { statOf } from '../../common/stamp';

/** inotify watches are a limited resource of the whole machine; beyond this many folders the poll has to do. */
const MAX_WATCHED_FOLDERS = 512;

/**
 * Watches folders for changes: a hint between polls, never relied upon. While the first folder does not exist,
 * its parent is watched for it.
 */
export class FolderWatch {
  /** By path; with the folder that it was then, since the path may lead to another one later. */
  readonly #watchers = new Map<string, { watcher: FSWatcher; folder: string | null }>();
  #stopped = false;

  constructor(
    private readonly root: string,
    /** Gets the path of what happened: a file in a folder, or a folder where the system does not say which. */
    private readonly touched: (path: string) => void,
  ) {
    this.refresh();
  }

  /** Watches the first folder anew where its path leads to another one by now. */
  refresh(): void {
    this.follow([this.root]);
  }

  /** Watches these folders from now on, and no others. */
  follow(folders: readonly string[]): void {
    const wanted = new Set(folders);
    for (const [path, { folder }] of this.#watchers) {
      if (!wanted.has(path) || folder !== identityOf(path)) this.drop(path);
    }
    for (const path of wanted) this.add(path, path);
    if (!this.#watchers.has(this.root)) this.add(dirname(this.root), this.root);
  }

  stop(): void {
    this.#stopped = true;
    for (const path of [...this.#watchers.keys()]) this.drop(path);
  }

  private add(path: string, report: string): void {
    if (this.#stopped || this.#watchers.has(path) || this.#watchers.size >= MAX_WATCHED_FOLDERS) return;
    try {
      const watcher = watch(path, { persistent: false }, (_, name) => {
        // A folder that was replaced by another of its name is watched anew with the next scan.
        if (!existsSync(path)) this.drop(path);
        this.touched(path === report && name !== null ? `${path}/${name}` : report);
      });
      // A folder that disappears ends its watcher; the next scan finds it when it is back.
      watcher.on('error', () => this.drop(path));
      this.#watchers.set(path, { watcher, folder: identityOf(path) });
    } catch {
      // Not there or not watchable (a network file system): the poll is the truth.
    }
  }

  private drop(path: string): void {
    this.#watchers.get(path)?.watcher.close();
    this.#watchers.delete(path);
  }
}

function identityOf(path: string): string | null {
  const stat = statOf(path);
  return stat === null ? null : `${stat.dev}:${stat.ino}`;
}
