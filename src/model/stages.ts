import type { Digest, PemPair, SecretRef } from './certificate';
import type { Change } from './plan';
import type { PassCause, PassReport } from './report';
import type { Refusal } from './reason';
import type { StoredCertificate, StoredHalf } from './stored';

/**
 * Stands between the decision to write and the write: fetches the texts and puts them through the whole gate.
 * Called once for each change, right before its write, so that the cost overlaps with Kong's.
 */
export type Prepare = (change: Change) => Promise<PemPair | Refusal>;

export type WriteResult =
  | { kind: 'written'; change: Change; current: PemPair; previous: PemPair | null }
  | { kind: 'already'; change: Change }
  | { kind: 'refused'; change: Change; refusal: Refusal }
  | { kind: 'failed'; change: Change; error: Error };

/** The Kong that is kept up to date. */
export interface Target {
  /** What Kong stores, as of the last refresh or write; by id, without key material. */
  readonly certificates: ReadonlyMap<string, StoredCertificate>;
  /** Whether `certificates` was read at all. */
  readonly isLoaded: boolean;
  /** Finds what is stored by its content. */
  find(content: Digest): StoredHalf | undefined;
  /** How many changes `write` should get at once. */
  readonly batchSize: number;
  /**
   * Brings `certificates` up to date; the cost does not grow with their number unless something changed.
   * @returns whether something did
   */
  refresh(): Promise<boolean>;
  /**
   * Carries the changes out; one that fails does not stop the others. Results come in any order. A change to a
   * certificate that another change of the same call creates comes after that one, and is left out where that one
   * came to nothing.
   */
  write(changes: readonly Change[], prepare: Prepare): Promise<WriteResult[]>;
  /** Reads one certificate anew; null where it is gone. */
  look(id: string): Promise<StoredCertificate | null>;
  /**
   * Undoes a change: puts the earlier text back and takes added SNIs away; null takes away what was added, a
   * certificate or its other half.
   */
  restore(change: Change, previous: PemPair | null): Promise<void>;
  close(): void;
}

/** Asks the ingress controller to look at a Secret again. */
export interface Nudger {
  /** @returns what was done, for a person, or a refusal that says what is missing */
  nudge(secret: SecretRef, fingerprint: string): Promise<string | Refusal>;
}

export interface Reporter {
  pass(report: PassReport): void;
  failed(cause: PassCause, error: Error): void;
}
