import { chmodSync, existsSync, renameSync, rmSync } from 'node:fs';
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
    server.listen(temporary, () => {
      server.off('error', reject);
      try {
        // Kong's workers may run as another user than whoever started this process.
        chmodSync(temporary, 0o660);
        renameSync(temporary, path);
        resolve();
      } catch (error) {
        // What goes on listening keeps the process alive.
        server.close();
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  });
}
