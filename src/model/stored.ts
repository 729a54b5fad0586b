import type { CertificateInfo, Digest, Reach } from './certificate';

/** One certificate with its key as Kong stores it; a Kong certificate has one, or two of different key types. */
export interface StoredHalf {
  content: Digest;
  chain: Digest;
  /** Null where Kong holds something that cannot be read (a vault reference, a damaged PEM). */
  leaf: CertificateInfo | null;
  /** How far what stands behind the leaf leads. */
  reach: Reach;
  /** `{vault://…}` in cert or key: it belongs to the vault. */
  vaultReference: boolean;
}

/** Which tool takes care of a certificate in Kong. */
export type Owner = 'us' | 'ingress_controller' | 'other';

/** A certificate entity of Kong, without any key material. */
export interface StoredCertificate {
  id: string;
  snis: readonly string[];
  owner: Owner;
  /** The Secret that the ingress controller's tags name, as `namespace/name`. */
  secret: string | null;
  /** The UID of that Secret, where the tags name it. */
  secretUid?: string;
  /** Services that show it to their upstreams (`client_certificate`). */
  clients?: readonly string[];
  /** One of ours that keeps names for which there is no renewal, until its leaf ends. */
  isPrevious?: true;
  main: StoredHalf;
  alt: StoredHalf | null;
}

export type Half = 'main' | 'alt';
