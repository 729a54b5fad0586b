import type { LifeLevel } from '../model';

/** One of the files in Kong's `ssl_cert`. */
export interface DefaultFileStatus {
  /** Path of the certificate. */
  location: string;
  /** SHA-256 of the leaf in the file; null where it cannot be read. */
  fingerprint_sha256: string | null;
  not_after: string | null;
  /** Leaf that a client without SNI gets (of this type of key, where there are two); null: nobody could be asked. */
  served_without_sni_sha256: string | null;
  /** Start of its validity. */
  served_not_before: string | null;
  /** Its expiry. */
  served_not_after: string | null;
  /** How much is left of the life of the served leaf, else of the one in the file; absent: neither can be read. */
  expiry?: LifeLevel;
}

/**
 * What clients that send no SNI get: Kong reads the files of `ssl_cert` when it starts and when it is reloaded, and at
 * no other time.
 *
 * - `in_sync`: they get what is in the files
 * - `reload_pending`: the files hold another one, which they get once Kong is reloaded
 * - `refused`: the files hold another one that is not fit to be served
 * - `unknown`: no listener could be asked
 */
export interface DefaultCertificateStatus {
  state: 'in_sync' | 'reload_pending' | 'refused' | 'unknown';
  files: readonly DefaultFileStatus[];
  /** When Kong was last reloaded for these files; null: it was not. */
  reloaded_at: string | null;
  /** A sentence for a person; empty when there is nothing to say. */
  detail: string;
}

declare module '../public/status' {
  interface ReloaderStatus {
    /** Clients without SNI; absent where `default_certificate` is off or Kong's files are not at hand. */
    default_certificate?: DefaultCertificateStatus;
  }
}
