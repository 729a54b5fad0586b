import type { PassReport } from '../../src/model';

/** A pass in which nothing happened. */
export const reportOf = (more: Partial<PassReport> = {}): PassReport => ({
  cause: 'poll',
  startedAt: 0,
  durationMs: 0,
  bundles: 0,
  inSync: 0,
  refused: 0,
  read: 0,
  unused: 0,
  events: [],
  mendedSources: [],
  sourceErrors: [],
  failures: [],
  waiting: [],
  notes: [],
  bundleNotes: [],
  strays: [],
  unfinished: 'no',
  nextAt: null,
  ...more,
});
