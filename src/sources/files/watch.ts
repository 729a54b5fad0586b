import { existsSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import { printable } from '../../common/printable';
import { identityOf } from '../../common/stamp';
import { linksOn } from './mounts';

/** inotify watches are a limited resource of the whole machine; further folders are polled only. */
const MAX_WATCHED_FOLDERS = 4_096;

interface Watched {
  watcher: FSWatcher;
  /** Identity of the folder when the watch began: its path may lead to another one later. */
  identity: string | null;
}

/**
 * Watches folders for changes: a hint between polls, never relied upon. While the first folder is missing, the
 * nearest existing one above it is watched for its creation. Links that lead to it are watched, too: a deployment swaps
 * `current` for another release.
 */
export class FolderWatch {
  readonly #watchers = new Map<string, Watched>();
  #above: { watcher: FSWatcher; path: string } | null = null;
  readonly #links = new Map<string, FSWatcher>();
  #stopped = false;
  #unwatched = 0;
  #warning: string | null = null;

  constructor(
    private readonly root: string,
    /** Called with the path of a change: a file in a folder, or a folder where the system does not say which file. */
    private readonly touched: (path: string) => void,
  ) {
    this.refresh();
  }

  /** Renews the watch of the first folder where its path leads to another one by now. */
  refresh(): void {
    this.follow([{ path: this.root, identity: identityOf(this.root) }]);
  }

  /**
   * Watches these folders and no others from now on.
   * @param folders with their identities
   */
  follow(folders: Iterable<{ path: string; identity: string | null }>): void {
    const wanted = new Map<string, string | null>();
    for (const { path, identity } of folders) wanted.set(path, identity);
    for (const [path, { identity }] of this.#watchers) {
      if (!wanted.has(path) || wanted.get(path) !== identity) this.drop(path);
    }
    let unwatched = 0;
    for (const [path, identity] of wanted) if (!this.add(path, identity)) unwatched += 1;
    if (!this.#watchers.has(this.root)) {
      this.watchAbove();
      unwatched = 0;
    } else this.dropAbove();
    this.noteUnwatched(unwatched);
  }

  /** Warnings, each once. */
  takeWarnings(): string[] {
    const warning = this.#warning;
    this.#warning = null;
    return warning === null ? [] : [warning];
  }

  stop(): void {
    this.#stopped = true;
    for (const path of [...this.#watchers.keys()]) this.drop(path);
    this.dropAbove();
    this.dropLinks();
  }

  private noteUnwatched(count: number): void {
    if (count > 0 && this.#unwatched === 0) {
      this.#warning =
        `${count} of ${count + this.#watchers.size} folders below ${printable(this.root)} are not watched ` +
        '(see fs.inotify.max_user_watches); what changes there is seen by the next poll (interval)';
    }
    this.#unwatched = count;
  }

  /** @returns whether it is watched */
  private add(path: string, identity: string | null): boolean {
    if (this.#stopped || this.#watchers.has(path)) return true;
    if (identity === null || this.#watchers.size >= MAX_WATCHED_FOLDERS) return false;
    try {
      const watcher = watch(path, { persistent: false }, (_, name) => {
        // A folder that was replaced by another of its name is watched again with the next scan.
        if (!existsSync(path)) this.drop(path);
        this.touched(name === null ? path : `${path}/${name}`);
      });
      // A folder that disappears ends its watcher; the next scan finds it when it is back.
      watcher.on('error', () => this.drop(path));
      this.#watchers.set(path, { watcher, identity });
      if (path === this.root) this.watchLinks();
      return true;
    } catch {
      // Missing, not watchable, or no watches left: the poll will find changes.
      return false;
    }
  }

  private watchLinks(): void {
    this.dropLinks();
    for (const link of linksOn(this.root)) {
      try {
        const watcher = watch(dirname(link), { persistent: false }, (_, name) => {
          if (name === basename(link)) this.touched(this.root);
        });
        watcher.on('error', () => watcher.close());
        this.#links.set(link, watcher);
      } catch {
        // The poll will find it.
      }
    }
  }

  private dropLinks(): void {
    for (const watcher of this.#links.values()) watcher.close();
    this.#links.clear();
  }

  private drop(path: string): void {
    this.#watchers.get(path)?.watcher.close();
    this.#watchers.delete(path);
  }

  /** Watches for the next folder on the way down to the root; others in that folder may change all the time. */
  private watchAbove(): void {
    let [path, next] = [dirname(this.root), this.root];
    while (path !== '/' && path !== '.' && !existsSync(path)) [path, next] = [dirname(path), path];
    if (this.#stopped || this.#above?.path === path) return;
    this.dropAbove();
    try {
      const watcher = watch(path, { persistent: false }, (_, name) => {
        if (name === null || `${path === '/' ? '' : path}/${name}` === next) this.touched(this.root);
      });
      watcher.on('error', () => this.dropAbove());
      this.#above = { watcher, path };
      // It may have appeared before the watch began.
      if (existsSync(next)) this.touched(this.root);
    } catch {
      // The poll will find it.
    }
  }

  private dropAbove(): void {
    this.#above?.watcher.close();
    this.#above = null;
  }
}
