/** The file that a Kong without a database starts from, where it is kept up to date. */
export interface DeclarativeFileStatus {
  /** Null: it is not known where it is. */
  file: string | null;
  /** When it was last written; null: not since this process started. */
  written_at: string | null;
  /** Why it could not be written, in a sentence. */
  trouble: string | null;
  /** Certificates in it that are not up to date and stay so. */
  left: readonly { certificate_id: string; why: string }[];
}

/** What became of the declarative file in a pass. */
export interface WriteBackReport {
  /** Null: it is not known where it is. */
  file: string | null;
  /** Ids of the certificates that were brought up to date in it. */
  written: readonly string[];
  /** Certificates in it that are not up to date and stay so, with the reason in a sentence. */
  left: readonly { certificate: string; why: string }[];
  /** Why the file could not be written, in a sentence; null: there was no trouble. */
  trouble: string | null;
  /** It is worth another try soon. */
  isOpen: boolean;
}
