import type { Digest, SourcedBundle } from './certificate';
import type { FailureKind } from './failure';
import type { Hold } from './hold';
import type { Plan } from './plan';
import type { Refusal } from './reason';
import type { StrayFile } from './source';
import type { Proof, Verdict } from './proof';
import type { Half, StoredCertificate } from './stored';

/** A refusal with the time since which it is known (milliseconds since the epoch). */
export interface KnownRefusal {
  why: Refusal;
  since: number;
}

/** Why a write failed that is tried again, and since when. */
export interface KnownFailure {
  error: string;
  failure: FailureKind;
  /** Milliseconds since the epoch. */
  since: number;
}

/** State of a source at the last scan. */
export interface SourceState {
  id: string;
  bundles: number;
  /** A trouble that is not about a single bundle. */
  error: KnownRefusal | null;
  /** Files that look like a bundle and belong to none; left out: none. */
  strays?: readonly StrayFile[];
}

/** A reloader's knowledge between two passes. Live views: nothing is copied, everything may change. */
export interface LiveView {
  /** Null: no pass has got that far yet. */
  readonly plan: Plan | null;
  readonly certificates: ReadonlyMap<string, StoredCertificate>;
  readonly sources: readonly SourceState[];
  /** Null where the bundle could not be parsed. */
  bundle(id: string): SourcedBundle | null;
  /** Id of the bundle's source. */
  sourceOf(bundleId: string): string;
  /** The present refusal of a bundle. */
  refusal(bundleId: string): KnownRefusal | undefined;
  /** The former refusal of a bundle that has none any more. */
  pastRefusal(bundleId: string): KnownRefusal | undefined;
  /** Why half of a certificate, or a new one of this id, could not be written so far. */
  failure(certificate: string, half: Half): KnownFailure | undefined;
  /** A note on a bundle that is not refused, in a sentence; undefined: none. */
  note(bundleId: string): string | undefined;
  /** What holds back the change of half of a certificate, or of a new one of this id. */
  readonly hold: (certificate: string, half: Half) => Hold | undefined;
  /** Certificates that had a bundle before it became unreadable, by bundle id. */
  readonly holders: ReadonlyMap<string, readonly string[]>;
}

/** The view of a reloader that has made no pass. */
export const NO_KNOWLEDGE: LiveView = {
  plan: null,
  certificates: new Map(),
  sources: [],
  bundle: () => null,
  sourceOf: () => '',
  refusal: () => undefined,
  pastRefusal: () => undefined,
  failure: () => undefined,
  note: () => undefined,
  hold: () => undefined,
  holders: new Map(),
};

/** What Kong's listeners served for one half of a certificate. */
export interface ServedObservation {
  verdict: Exclude<Verdict, 'overwritten'>;
  /** The chain that should be served. */
  expected: Digest;
  /** SHA-256 of the leaf that was served instead; null: none, or it is the expected one. */
  fingerprint: string | null;
  /** Expiry of what was served instead; milliseconds since the epoch. */
  notAfter: number | null;
  /** Milliseconds since the epoch. */
  at: number;
  /** Empty when all is well; mentions names that something else answers for. */
  detail: string;
}

/** A write that Kong accepted, with the result of the handshakes. */
export interface WrittenHalf {
  certificate: string;
  half: Half;
  /** The chain that was written. */
  chain: Digest;
  /** Null: not proven. */
  proof: Proof | null;
  /** Neither rolled back nor overwritten. */
  isKept: boolean;
  /** Milliseconds since the epoch. */
  at: number;
  /** From the decision to write until the end of the handshakes. */
  durationMs: number;
}

/** Gets every write; must not throw. */
export interface WriteListener {
  written(what: WrittenHalf): void;
}
