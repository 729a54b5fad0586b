import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';

/** nginx makes this folder for the user of its workers, even in a prefix that belongs to root. */
const OF_WORKERS = 'client_body_temp';

/** Folder for this process's sockets and small files: Kong's prefix, or the folder in it that its user may use. */
export function stateFolder(prefix: string): string {
  return [prefix, join(prefix, OF_WORKERS)].find(isWritable) ?? prefix;
}

/** Path of a file in the state folder of another process, possibly of another user. */
export function findState(prefix: string, name: string): string {
  const paths = [join(prefix, name), join(prefix, OF_WORKERS, name)];
  return paths.find((path) => existsSync(path)) ?? join(stateFolder(prefix), name);
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
