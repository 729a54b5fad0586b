import type { Change } from './plan';

/** Why a change waits that could be made: a pin, a freeze, or a missing approval. */
export type HoldKind = 'pinned' | 'frozen' | 'approval';

export interface Hold {
  kind: HoldKind;
  /** When it ends by itself (milliseconds since the epoch); null: when a person ends it. */
  until: number | null;
  /** One sentence for a person. */
  detail: string;
}

/** Whether a change may be made now; `urgent` says why a change that should wait is made all the same. */
export type Permission = { kind: 'free'; urgent: string | null } | { kind: 'held'; hold: Hold };

/** Asked before each change; see `src/holds`. */
export interface HoldBook {
  /** @param now milliseconds since the epoch */
  permits(change: Change, now: number): Permission;
}

/** A name whose certificate stays unchanged. */
export interface Pin {
  name: string;
  /** End, in milliseconds since the epoch; null: until it is removed. */
  until: number | null;
  since: number;
  /** An operator had its former certificate put back. */
  isRollback?: true;
}
