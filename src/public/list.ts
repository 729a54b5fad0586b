import type { CertificateState, LifeLevel } from '../model';
import type { CertificateStatus, ReloaderStatus, StatusReport } from './status';
import type { Trouble } from './verdict';

/** A certificate in a list, with what the page names it by. */
export interface ListedCertificate extends CertificateStatus {
  entry: string;
  /** See `linkKey`; nothing that is called a key leaves the process. */
  link: string;
}

export interface ChainLink {
  name: string;
  fingerprint_sha256: string;
  expires_at: string;
}

/** What is shown of one certificate alone. */
export interface CertificateDetails {
  certificate: ListedCertificate;
  /** Names of the leaf; null: nothing of it is known. */
  names: readonly string[] | null;
  /** Who issued it, by its own words; null: not known. */
  issuer: string | null;
  /** `rsa 2048`, `ec 256`. */
  key_type: string | null;
  /** What stands behind the leaf, in order. */
  chain: readonly ChainLink[];
  /** The root stands with it; null: not known. */
  has_root: boolean | null;
}

/** In which order certificates are listed. */
export const SORTS = ['urgency', 'expiry', 'name', 'since'] as const;
export type Sort = (typeof SORTS)[number];

/** `GET /certificates`: one page of the certificates, and what there is to say of all of them. */
export interface ListReport extends Omit<StatusReport, 'reloaders'> {
  reloaders: readonly Omit<ReloaderStatus, 'certificates'>[];
  /** What needs a person, the worst first; of all certificates, whatever is asked for. */
  troubles: readonly Trouble[];
  /** Of all certificates. */
  counts: {
    total: number;
    states: Partial<Record<CertificateState, number>>;
    lives: Partial<Record<LifeLevel, number>>;
    late: number;
    /** When the next certificate in Kong ends that has not yet; null: none does. */
    next_end: string | null;
  };
  /** How many are as they are asked for. */
  matching: number;
  offset: number;
  certificates: readonly ListedCertificate[];
  /** The one that is asked for with `open`; null: none is, or there is no such certificate. */
  opened: CertificateDetails | null;
}
