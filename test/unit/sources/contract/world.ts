import type { Issued } from '../../../../src/authority/authority';

/** A place that a source of some type looks at, with one bundle in it, and what may happen there. */
export interface World {
  /** The source's record in the configuration. */
  config: object;
  /** The bundle is there, whole. */
  put: (pair: Issued) => void;
  /** The bundle as it looks while it is being written: the new certificate, and the key not yet. */
  putHalf: (pair: Issued) => void;
  /** The bundle is larger than any real one, and its certificate is a good one. */
  putHuge: (pair: Issued) => void;
  /** The bundle is gone; the place is there. */
  remove: () => void;
  /** The place does not let itself be read. */
  forbid: () => void;
  /** The place takes every question and answers none. */
  hang: () => void;
  /** `forbid` and `hang` are over. */
  recover: () => void;
  /** Number of fetches of key material since the last call. */
  fetches: () => number;
  /** Connections and open files that the source keeps. */
  open: () => number;
}

export type Harness = () => World | Promise<World>;
