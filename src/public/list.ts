import type { CertificateState, LifeLevel } from '../model';
import type { CertificateStatus, ReloaderStatus, StatusReport } from './status';
import type { Trouble } from './verdict';

/** A certificate in a list, with the key by which the page links to it. */
export interface ListedCertificate extends CertificateStatus {
  entry: string;
  /** See `linkKey`; the field is not called key, which would be redacted. */
  link: string;
}

interface ChainLink {
  name: string;
  fingerprint_sha256: string;
  expires_at: string;
}

/** Details of one certificate, for the page that shows it alone. */
export interface CertificateDetails {
  certificate: ListedCertificate;
  /** Names of the leaf; null: unknown. */
  names: readonly string[] | null;
  /** Issuer, as the certificate names it; null: unknown. */
  issuer: string | null;
  /** `rsa 2048`, `ec 256`. */
  key_type: string | null;
  /** Certificates behind the leaf, in order. */
  chain: readonly ChainLink[];
  /** Whether the root came with it; null: unknown. */
  has_root: boolean | null;
}

/** Orders of the list. */
export const SORTS = ['urgency', 'expiry', 'name', 'since'] as const;
export type Sort = (typeof SORTS)[number];

/** `GET /certificates`: one page of the certificates, with a summary of all. */
export interface ListReport extends Omit<StatusReport, 'reloaders'> {
  reloaders: readonly Omit<ReloaderStatus, 'certificates'>[];
  /** Troubles that need a person, the worst first; of all certificates, whatever the filter. */
  troubles: readonly Trouble[];
  /** Counts of all certificates. */
  counts: {
    total: number;
    states: Partial<Record<CertificateState, number>>;
    lives: Partial<Record<LifeLevel, number>>;
    late: number;
    /** When the next valid certificate in Kong expires; null: none. */
    next_end: string | null;
  };
  /** Number of certificates that match the filter. */
  matching: number;
  offset: number;
  certificates: readonly ListedCertificate[];
  /** The certificate requested with `open`; null: none, or unknown. */
  opened: CertificateDetails | null;
}
