import type { Digest, SourcedBundle } from './certificate';
import type { FailureKind } from './failure';
import type { Hold } from './hold';
import type { Plan } from './plan';
import type { Refusal } from './reason';
import type { StrayFile } from './source';
import type { Proof, Verdict } from './proof';
import type { Half, StoredCertificate } from './stored';

/** A refusal and since when it is known (milliseconds since the epoch). */
export interface KnownRefusal {
  why: Refusal;
  since: number;
}

/** Why something could not be written, and since when; it is tried again. */
export interface KnownFailure {
  error: string;
  failure: FailureKind;
  /** Milliseconds since the epoch. */
  since: number;
}

/** A source as it was at the last look. */
export interface SourceState {
  id: string;
  bundles: number;
  /** Trouble that is not one bundle's. */
  error: KnownRefusal | null;
  /** Files that are a part of no bundle though they look like one; left out: none. */
  strays?: readonly StrayFile[];
}

/** What a reloader knows between two passes. Views on what lives there: nothing is copied, everything may move on. */
export interface LiveView {
  /** Null: no pass has come that far yet. */
  readonly plan: Plan | null;
  readonly certificates: ReadonlyMap<string, StoredCertificate>;
  readonly sources: readonly SourceState[];
  /** Null where it was not understood. */
  bundle(id: string): SourcedBundle | null;
  /** Id of the source that yields it. */
  sourceOf(bundleId: string): string;
  /** The refusal that stands for a bundle. */
  refusal(bundleId: string): KnownRefusal | undefined;
  /** The refusal that a bundle had lately and has no more. */
  pastRefusal(bundleId: string): KnownRefusal | undefined;
  /** Why half of a certificate, or a new one of this id, could not be written so far. */
  failure(certificate: string, half: Half): KnownFailure | undefined;
  /** What one should know of a bundle though it is not refused, in a sentence; undefined: nothing. */
  note(bundleId: string): string | undefined;
  /** What holds back the change of half of a certificate, or of a new one of this id. */
  readonly hold: (certificate: string, half: Half) => Hold | undefined;
  /** Certificates that had a bundle before it could no longer be understood, by bundle id. */
  readonly holders: ReadonlyMap<string, readonly string[]>;
}

/** What Kong's listeners showed for one half of a certificate. */
export interface ServedObservation {
  verdict: Exclude<Verdict, 'overwritten'>;
  /** What should have been shown. */
  expected: Digest;
  /** SHA-256 of the leaf that was shown instead; null: nothing was, or it was what was expected. */
  fingerprint: string | null;
  /** Of what was shown instead; milliseconds since the epoch. */
  notAfter: number | null;
  /** Milliseconds since the epoch. */
  at: number;
  /** Empty when all is well; names that something else answers for are said. */
  detail: string;
}

/** A write that Kong took, and what the handshakes showed. */
export interface WrittenHalf {
  certificate: string;
  half: Half;
  /** What was written. */
  chain: Digest;
  /** Null: it was not proven. */
  proof: Proof | null;
  /** It is still there: neither undone nor overwritten. */
  isKept: boolean;
  /** Milliseconds since the epoch. */
  at: number;
  /** From the decision to write until the handshakes were done. */
  durationMs: number;
}

/** Is told of every write; must not throw. */
export interface WriteListener {
  written(what: WrittenHalf): void;
}
