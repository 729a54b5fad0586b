import type { CertificateInfo, Digest, Reach } from './certificate';

/** One certificate with its key as Kong stores it; a certificate in Kong has one, or two of different key types. */
export interface StoredHalf {
  content: Digest;
  chain: Digest;
  /** Null where Kong holds something unreadable (a vault reference, a damaged PEM). */
  leaf: CertificateInfo | null;
  /** How far the certificates behind the leaf lead. */
  reach: Reach;
  /** `{vault://…}` in cert or key: the value is kept in a vault. */
  vaultReference: boolean;
}

/** The tool that manages a certificate in Kong. */
export type Owner = 'us' | 'ingress_controller' | 'other';

/** A certificate entity of Kong, without any key material. */
export interface StoredCertificate {
  id: string;
  snis: readonly string[];
  owner: Owner;
  /** The Secret that the ingress controller's tags name, as `namespace/name`. */
  secret: string | null;
  /** The UID of that Secret, where a tag names it. */
  secretUid?: string;
  /** Services and upstreams that show it as a client (`client_certificate`). */
  clients?: readonly string[];
  /** A certificate of ours that keeps names without a renewal, until its leaf expires. */
  isPrevious?: true;
  main: StoredHalf;
  alt: StoredHalf | null;
}

export type Half = 'main' | 'alt';
