import type { LogRoot } from '../../src/report';

/** A log that nobody reads. */
export const silentLog: LogRoot = {
  log: () => undefined,
  open: () => ({ log: () => undefined, close: () => undefined }),
};
