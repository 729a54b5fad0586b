import type { Proof } from './proof';
import type { SecretRef } from './certificate';
import type { FailureKind } from './failure';
import type { Hold } from './hold';
import type { Refusal } from './reason';
import type { StrayFile } from './source';
import type { Half } from './stored';

/** How a certificate came into Kong. */
export type SwapKind =
  | 'swapped'
  | 'created'
  /** The ingress controller did not write its own certificate in its time. */
  | 'taken_over'
  /** Names of a certificate of ours are the ingress controller's now. */
  | 'handed_over'
  /** An operator had its former pair put back. */
  | 'reverted';

/** What became of one bundle in a pass. */
export type Outcome =
  | { kind: 'swapped'; certificate: string; how: SwapKind; proof: Proof | null }
  | { kind: 'rolled_back'; certificate: string; proof: Proof; restored: boolean }
  | { kind: 'would_change'; certificate: string; created: boolean }
  | { kind: 'refused'; refusal: Refusal }
  /** A refusal that was reported stands no more. */
  | { kind: 'mended'; refusal: Refusal }
  | { kind: 'nudged'; certificate: string; detail: string }
  /** A CA certificate that left its bundle. */
  | { kind: 'removed'; certificate: string }
  /** It is tried again. */
  | { kind: 'failed'; certificate: string; error: string; failure: FailureKind };

/** The words for what happened, as they are shown: swaps are told apart. */
export type EventKind = Outcome['kind'] | SwapKind;

export const eventKind = (outcome: Outcome): EventKind =>
  outcome.kind === 'swapped' ? outcome.how : outcome.kind;

export interface KeptNames {
  snis: readonly string[];
  /** When the former leaf ends (milliseconds since the epoch); null: nobody knows. */
  until: number | null;
}

/** The same in words. */
export function keptNames({ snis, until }: KeptNames): string {
  const more = snis.length - MOST_KEPT;
  const names = snis.slice(0, MOST_KEPT).join(', ') + (more > 0 ? ` and ${more} more` : '');
  const keep = snis.length === 1 ? 'keeps its' : 'keep their';
  const end = until === null ? 'a renewal has it' : new Date(until).toISOString().slice(0, 10);
  return `${names} ${keep} former certificate until ${end}`;
}

const MOST_KEPT = 3;

/** One thing that happened to a bundle, not the fact that it was looked at. */
export interface PassEvent {
  bundle: string;
  location: string;
  /** SHA-256 of the leaf; null where it was not understood. */
  fingerprint: string | null;
  /** Milliseconds since the epoch. */
  notAfter: number | null;
  snis: readonly string[];
  /** Names that the renewal lost: they keep the former certificate until that ends. */
  kept?: KeptNames;
  /** The Secret that it comes from. */
  secret?: SecretRef;
  /** It is about what Kong trusts; `certificate` is then the id of a `ca_certificates` entity. */
  isTrust?: true;
  /** Of what was refused: what Kong has in its place, and whether that is still valid; left out: nothing. */
  inKong?: { certificate: string; isValid: boolean };
  /** Which half of a certificate it is about. */
  half?: Half;
  /** SHA-256 of the leaf that Kong had in its place before; null: none. */
  previous?: string | null;
  /** Why it was written though it was to wait. */
  urgent?: string;
  outcome: Outcome;
}

/** What one should know of a bundle though it is not refused. */
export interface BundleNote {
  bundle: string;
  location: string;
  snis: readonly string[];
  fingerprint: string;
  /** Milliseconds since the epoch. */
  notAfter: number;
  /** One sentence. */
  note: string;
  /** It needs nobody's attention. */
  isQuiet?: true;
}

/** A change that waits for its time. */
export interface WaitingChange {
  certificate: string;
  location: string;
  snis: readonly string[];
  fingerprint: string;
  /** Milliseconds since the epoch. */
  notAfter: number;
  /** When it is written if the ingress controller has not done so by then, or what holds it back ends by itself
   * (milliseconds since the epoch); infinity: when a person says so. */
  until: number;
  /** What holds it back; left out: it is the ingress controller's turn. */
  hold?: Hold;
}

export type PassCause = 'start' | 'poll' | 'watch' | 'trigger' | 'retry' | 'command';

export interface PassReport {
  cause: PassCause;
  /** Milliseconds since the epoch. */
  startedAt: number;
  durationMs: number;
  /** How many bundles the sources hold, and how many of them Kong has. */
  bundles: number;
  inSync: number;
  /** How many were read in this pass. */
  read: number;
  refused: number;
  unused: number;
  /** What happened, and what stands in the way for the first time. */
  events: PassEvent[];
  /** Sources that could not be looked at whole. */
  sourceErrors: { source: string; refusal: Refusal }[];
  /** Sources that can be looked at whole again. */
  mendedSources: string[];
  /** Something is left that should be tried again before the next poll. */
  unfinished: 'no' | 'settling' | 'failed';
  /** Kinds of the failures that stand after the pass, also of those that were reported before. */
  failures: FailureKind[];
  /** What is left to the ingress controller for now. */
  waiting: WaitingChange[];
  /** What was found beside the certificates in Kong, in sentences. */
  notes: string[];
  /** What one should know of single bundles, as of the last plan. */
  bundleNotes: readonly BundleNote[];
  /** Files that are a part of no bundle, all that there are. */
  strays: readonly StrayFile[];
  /** How many characters of certificates and keys would be added to Kong; left out: the pass did more than look. */
  addedChars?: number;
  /** When something becomes due that waits for its time (milliseconds since the epoch), or null. */
  nextAt: number | null;
}
