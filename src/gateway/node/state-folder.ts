import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';

/** nginx makes it for the user of its workers, also in a prefix that belongs to root. */
const OF_WORKERS = 'client_body_temp';

/** Where this process keeps its sockets and small files: Kong's prefix, or the folder in it that its user may use. */
export function stateFolder(prefix: string): string {
  return [prefix, join(prefix, OF_WORKERS)].find(isWritable) ?? prefix;
}

/** A file that another process, perhaps of another user, has in its state folder. */
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
