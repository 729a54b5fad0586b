import { isMainThread } from 'node:worker_threads';

/**
 * Calls `reload` at SIGHUP to this process, whose id stands in `<prefix>/pids/nginx.pid` as the master's does.
 * Threads get no signals. @returns a function that ends it
 */
export function onHangUp(reload: () => void): () => void {
  if (!isMainThread) return () => undefined;
  process.on('SIGHUP', reload);
  return () => process.off('SIGHUP', reload);
}
