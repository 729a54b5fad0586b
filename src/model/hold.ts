import type { Change } from './plan';

/** Why a change that could be made waits: a person pinned the name, a freeze, or nobody has approved it. */
export type HoldKind = 'pinned' | 'frozen' | 'approval';

export interface Hold {
  kind: HoldKind;
  /** When it ends by itself (milliseconds since the epoch); null: when a person says so. */
  until: number | null;
  /** One sentence for a person. */
  detail: string;
}

/** Whether a change may be made now, and what to say of one that may not have been but for its urgency. */
export type Permission = { kind: 'free'; urgent: string | null } | { kind: 'held'; hold: Hold };

/** Asked before each change; see `src/holds`. */
export interface HoldBook {
  /** @param now milliseconds since the epoch */
  permits(change: Change, now: number): Permission;
}

/** A name that stays as it is. */
export interface Pin {
  name: string;
  /** Milliseconds since the epoch; null: until it is taken away. */
  until: number | null;
  since: number;
  /** An operator had its former certificate put back. */
  isRollback?: true;
}
