import { existsSync, renameSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { dirname } from 'node:path';

/**
 * Listens on a unix socket that Kong's user and group may use. A rename gives the socket its name: it is complete
 * at once, it replaces that of a process that is dead or still runs (at a reload Kong starts the new one first),
 * and that process cannot remove it when it ends.
 * @throws Error (EACCES, ENOENT, EINVAL for a path that is too long)
 */
export function listenOnPath(server: Server, path: string): Promise<void> {
  const temporary = `${path}.${process.pid}`;
  return new Promise((resolve, reject) => {
    // Where the folder is missing Node.js says EACCES.
    if (!existsSync(dirname(path)))
      throw Object.assign(new Error(`${path} cannot be made: there is no such folder`), { code: 'ENOENT' });
    rmSync(temporary, { force: true });
    server.once('error', reject);
    // Kong's workers may run as another user than this process. The mode is set as the socket is made: a link may
    // stand in its place a moment later.
    const before = process.umask(0o117);
    try {
      server.listen(temporary, () => {
        server.off('error', reject);
        try {
          renameSync(temporary, path);
          resolve();
        } catch (error) {
          // A listening server keeps the process alive.
          server.close();
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    } finally {
      process.umask(before);
    }
  });
}
