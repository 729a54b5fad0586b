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

/**
 * Gives this process the title of nginx's master, in whose command line a plugin server finds its Kong's prefix, and
 * without which it signals nobody. @returns a function that takes it back
 */
export function lookLikeMaster(prefix: string): () => void {
  const before = process.title;
  const title = `nginx: master process nginx -p ${prefix}`;
  process.title = title;
  // There is only as much room as the command line had; half a path would be worse than none.
  if (process.title !== title) process.title = before;
  return () => {
    process.title = before;
  };
}
