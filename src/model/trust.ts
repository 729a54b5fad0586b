import type { FailureKind } from './failure';
import type { Refusal } from './reason';

/** One CA certificate in a source of trust. */
export interface CaCertificate {
  /** Its place, for a person. */
  location: string;
  /** PEM of this certificate alone. */
  pem: string;
  /** SHA-256 of the DER in lower-case hex, as Kong's `cert_digest`. */
  digest: string;
  /** Identity of the CA: subject, key and issuer. A renewal with the same key keeps it. */
  identity: string;
  subject: string;
  /**
   * For one that names itself as its issuer: whether its own key signed it, so that only the holder of the key can
   * have made it. Null: another CA issued it.
   */
  isSelfSigned: boolean | null;
  /** SHA-256 in upper-case hex with colons. */
  fingerprint: string;
  /** Milliseconds since the epoch. */
  notBefore: number;
  notAfter: number;
  /** Why Kong should not trust it at any time; null: it is fit. */
  problem: Refusal | null;
}

/** An entity in Kong's collection `ca_certificates`. */
export interface StoredCa {
  id: string;
  digest: string;
  /** Null where Kong holds something unreadable. */
  certificate: Pick<CaCertificate, 'identity' | 'subject' | 'notBefore' | 'notAfter' | 'fingerprint'> | null;
  tags: readonly string[];
}

/** One change to what Kong trusts. */
export type CaChange =
  | { kind: 'create'; id: string; ca: CaCertificate; tags: readonly string[] }
  | { kind: 'update'; id: string; ca: CaCertificate }
  | { kind: 'remove'; id: string; stored: StoredCa };

export type CaResult =
  | { kind: 'written'; change: CaChange }
  /** Not removed: Kong (or its configuration) still refers to it. */
  | { kind: 'kept'; change: CaChange; detail: string }
  | { kind: 'refused'; change: CaChange; detail: string }
  | { kind: 'failed'; change: CaChange; error: Error; failure: FailureKind };
