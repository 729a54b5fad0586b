/** The file that a Kong without a database starts from, where it is kept up to date. */
interface DeclarativeFileStatus {
  /** Null: its path is unknown. */
  file: string | null;
  /** When it was last written; null: not since this process started. */
  written_at: string | null;
  /** Why it could not be written, in a sentence. */
  trouble: string | null;
  /** Certificates in it that stay outdated. */
  left: readonly { certificate_id: string; why: string }[];
}

declare module '../public/status' {
  interface ReloaderStatus {
    /** Absent without `write_back`. */
    declarative_file?: DeclarativeFileStatus;
  }
}
