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
  /** The ingress controller did not write its own certificate in time. */
  | 'taken_over'
  /** Names of a certificate of ours went to the ingress controller. */
  | 'handed_over'
  /** An operator had its former pair restored. */
  | 'reverted';

/** What happened to one bundle in a pass. */
export type Outcome =
  | { kind: 'swapped'; certificate: string; how: SwapKind; proof: Proof | null }
  | { kind: 'rolled_back'; certificate: string; proof: Proof; restored: boolean }
  | { kind: 'would_change'; certificate: string; created: boolean }
  | { kind: 'refused'; refusal: Refusal }
  /** A reported refusal is over. */
  | { kind: 'mended'; refusal: Refusal }
  | { kind: 'nudged'; certificate: string; detail: string }
  /** A CA certificate was removed, since it left its bundle. */
  | { kind: 'removed'; certificate: string }
  /** It will be tried again. */
  | { kind: 'failed'; certificate: string; error: string; failure: FailureKind };

/** Public words for events; swaps are told apart. */
export type EventKind = Outcome['kind'] | SwapKind;

export const eventKind = (outcome: Outcome): EventKind =>
  outcome.kind === 'swapped' ? outcome.how : outcome.kind;

interface KeptNames {
  snis: readonly string[];
  /** When the former leaf expires (milliseconds since the epoch); null: unknown. */
  until: number | null;
}

/** The kept names as a sentence. */
export function keptNames({ snis, until }: KeptNames): string {
  const more = snis.length - MOST_KEPT;
  const names = snis.slice(0, MOST_KEPT).join(', ') + (more > 0 ? ` and ${more} more` : '');
  const keep = snis.length === 1 ? 'keeps its' : 'keep their';
  const end = until === null ? 'a renewal has it' : new Date(until).toISOString().slice(0, 10);
  return `${names} ${keep} former certificate until ${end}`;
}

const MOST_KEPT = 3;

/** An event of one bundle; being looked at is no event. */
export interface PassEvent {
  bundle: string;
  location: string;
  /** SHA-256 of the leaf; null where it could not be parsed. */
  fingerprint: string | null;
  /** Milliseconds since the epoch. */
  notAfter: number | null;
  snis: readonly string[];
  /** Names that the renewal lost: they keep the former certificate until it expires. */
  kept?: KeptNames;
  /** The Secret that holds it. */
  secret?: SecretRef;
  /** About what Kong trusts; `certificate` is the id of a `ca_certificates` entity. */
  isTrust?: true;
  /** For a refusal: what Kong has in its place, and whether that is still valid; left out: nothing. */
  inKong?: { certificate: string; isValid: boolean };
  /** The half of the certificate. */
  half?: Half;
  /** SHA-256 of the leaf that it replaced; null: none. */
  previous?: string | null;
  /** Why it was written although it should have waited. */
  urgent?: string;
  outcome: Outcome;
}

/** A note on a bundle that is not refused. */
export interface BundleNote {
  bundle: string;
  location: string;
  snis: readonly string[];
  fingerprint: string;
  /** Milliseconds since the epoch. */
  notAfter: number;
  /** One sentence. */
  note: string;
  /** It needs no attention. */
  isQuiet?: true;
}

/** A change that waits. */
export interface WaitingChange {
  certificate: string;
  location: string;
  snis: readonly string[];
  fingerprint: string;
  /** Milliseconds since the epoch. */
  notAfter: number;
  /**
   * When it is written at the latest, if the ingress controller has not done so or its hold ends by itself
   * (milliseconds since the epoch); Infinity: when a person decides.
   */
  until: number;
  /** What holds it back; left out: it waits for the ingress controller. */
  hold?: Hold;
}

export type PassCause = 'start' | 'poll' | 'watch' | 'trigger' | 'retry' | 'command';

export interface PassReport {
  cause: PassCause;
  /** Milliseconds since the epoch. */
  startedAt: number;
  durationMs: number;
  /** Number of bundles in the sources, and how many of them Kong has. */
  bundles: number;
  inSync: number;
  /** Number of bundles that were read in this pass. */
  read: number;
  refused: number;
  unused: number;
  /** Events, and obstacles that are new. */
  events: PassEvent[];
  /** Sources that could not be scanned completely. */
  sourceErrors: { source: string; refusal: Refusal }[];
  /** Sources that can be scanned completely again. */
  mendedSources: string[];
  /** Whether something should be tried again before the next poll. */
  unfinished: 'no' | 'settling' | 'failed';
  /** Kinds of the present failures, also of those reported before. */
  failures: FailureKind[];
  /** Changes that wait. */
  waiting: WaitingChange[];
  /** Findings beside the certificates in Kong, in sentences. */
  notes: string[];
  /** Notes on single bundles, as of the last plan. */
  bundleNotes: readonly BundleNote[];
  /** All files that belong to no bundle. */
  strays: readonly StrayFile[];
  /** Characters of certificates and keys that would be added to Kong; left out: the pass wrote. */
  addedChars?: number;
  /** Next time at which something becomes due (milliseconds since the epoch), or null. */
  nextAt: number | null;
}
