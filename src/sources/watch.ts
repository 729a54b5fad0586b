import { watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';

/** inotify watches are a limited resource of the whole machine; beyond this many folders the poll has to do. */
const MAX_WATCHED_FOLDERS = 512;

/**
 * Watches folders for changes, a hint between polls. Folders that appear later are watched from the next event
 * or refresh on; while the root does not exist, its parent is watched instead.
 * @param folders which folders to watch now
 * @returns how to stop
 */
export function watchFolders(
  folders: () => readonly string[],
  root: string,
  touched: (folder: string) => void,
): () => void {
  const watchers = new Map<string, FSWatcher>();
  let stopped = false;

  const add = (path: string, report: string) => {
    if (stopped || watchers.has(path) || watchers.size >= MAX_WATCHED_FOLDERS) return;
    try {
      const watcher = watch(path, { persistent: false }, () => {
        touched(report);
        refresh();
      });
      // A folder that disappears ends its watcher; the poll finds it when it is back.
      watcher.on('error', () => drop(path));
      watchers.set(path, watcher);
    } catch {
      // Not there or not watchable (a network file system): the poll is the truth.
    }
  };
  const drop = (path: string) => {
    watchers.get(path)?.close();
    watchers.delete(path);
  };
  const refresh = () => {
    const wanted = new Set(folders());
    for (const path of watchers.keys()) if (!wanted.has(path) && path !== dirname(root)) drop(path);
    for (const path of wanted) add(path, path);
    if (!watchers.has(root)) add(dirname(root), root);
  };

  refresh();
  const timer = setInterval(refresh, 5_000);
  timer.unref();
  return () => {
    stopped = true;
    clearInterval(timer);
    for (const path of [...watchers.keys()]) drop(path);
  };
}
