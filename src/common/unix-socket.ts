import { existsSync, renameSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { dirname } from 'node:path';

/**
 * Listens on a unix socket that Kong's user and group may use. The socket appears under its name by a rename: it is
 * complete at once, it replaces the one of a process that is dead or still runs (Kong overlaps the two at a
 * reload), and that process cannot take the new one away when it ends.
 * @throws Error (EACCES, ENOENT, EINVAL for a path that is too long)
 */
export function listenOnPath(server: Server, path: string): Promise<void> {
  const temporary = `${path}.${process.pid}`;
  return new Promise((resolve, reject) => {
    // Node.js says EACCES where there is no such folder.
    if (!existsSync(dirname(path)))
      throw Object.assign(new Error(`${path} cannot be made: there is no such folder`), { code: 'ENOENT' });
    rmSync(temporary, { force: true });
    server.once('error', reject);
    // Kong's workers may run as another user than whoever started this process. Its mode is set as it is made: a link may
    // stand in its place a moment later.
    const before = process.umask(0o117);
    try {
      server.listen(temporary, () => {
        server.off('error', reject);
        try {
          renameSync(temporary, path);
          resolve();
        } catch (error) {
          // What goes on listening keeps the process alive.
          server.close();
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    } finally {
      process.umask(before);
    }
  });
}
