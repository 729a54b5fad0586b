import type { Digest, SecretRef } from './certificate';
import type { PassCause, PassReport, Proof } from './report';
import type { Refusal } from './reason';

/** What has to be seen in a handshake. */
export interface Expectation {
  snis: readonly string[];
  /** Any of these chains will do. */
  chains: readonly Digest[];
  /** Set where the certificate has a twin of the other key type, which a client might get instead. */
  keyType?: 'rsa' | 'ec' | 'ed25519';
  /** Whether Kong still stores it; asked now and then while it is not served. */
  isStored: () => Promise<boolean>;
}

export interface Verifier {
  /** Handshakes until every worker that answers serves the expectation, or time is over. Never throws. */
  prove(expected: readonly Expectation[]): Promise<Proof[]>;
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
