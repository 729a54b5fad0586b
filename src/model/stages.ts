import type { SecretRef } from './certificate';
import type { PassCause, PassReport } from './report';
import type { Refusal } from './reason';

/** Asks the ingress controller to look at a Secret again. */
export interface Nudger {
  /** @returns what was done, for a person, or a refusal that says what is missing */
  nudge(secret: SecretRef, fingerprint: string): Promise<string | Refusal>;
}

export interface Reporter {
  /** May work through thousands of events in slices. */
  pass(report: PassReport): void | Promise<void>;
  failed(cause: PassCause, error: Error): void;
}
