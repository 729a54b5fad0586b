import type { Ownership, RawBundle } from './certificate';
import type { Refusal } from './reason';

/**
 * A file that belongs to no bundle, with the reason: a key without a certificate, for example. It is no trouble in
 * Kong.
 */
export interface StrayFile extends Refusal {
  /** Its place, for a person. */
  location: string;
}

/** Result of a scan, compared with the former one. */
export interface SourceScan {
  /** Bundles that are new or differ from what `read` last returned. */
  changed: string[];
  /** Bundles that are gone. */
  removed: string[];
  /** Present number of bundles. */
  total: number;
  /** All files that look like a bundle and belong to none; left out: unchanged. */
  strays?: readonly StrayFile[];
  /** Troubles that are not about a single bundle: a folder that cannot be read, a server that does not answer. */
  errors: Refusal[];
  /** Troubles of single tenants: what belongs to all others was scanned completely. */
  partial?: readonly Refusal[];
  /** Whether `asked` may return another answer than the last time. */
  areAsksNew?: boolean;
}

/** Bundles that touched files seem to renew. */
export interface Renewed {
  /** Known bundles a file of which was touched. */
  begun: readonly string[];
  /** Known bundles all of whose files were touched. */
  bundles: readonly string[];
  /** The touched files that this accounts for: theirs, and drafts that were renamed by now. */
  files: Iterable<string>;
}

export const NOT_RENEWED: Renewed = { begun: [], bundles: [], files: [] };

export interface ScanOptions {
  /** Fetch even what looks unchanged, because somebody asks for it, or a renewal is due. */
  whole?: boolean;
}

/** Null: not a bundle (a CA file beside one, for example). */
export type Reading = RawBundle | Refusal | null;

/**
 * A place where renewed certificates appear. Every method may be called again after a failure; none throws for a
 * bad bundle.
 */
export interface Source {
  /** Unique in a reloader and the same after a restart, e.g. `directory:/etc/letsencrypt/live`. */
  readonly id: string;
  /** Whether certificates may be created in Kong for its bundles; may change between scans. */
  readonly create: boolean;
  /** The configuration has an explicit `create: true`; set by the code that makes the source. */
  createIsExplicit?: boolean;
  /** Default: the operator's. */
  readonly ownership?: Ownership;
  /** Cluster of its objects; left out: the one that this process is in. */
  readonly cluster?: string;
  /** Set where its bundles belong to the certificate with exactly these SNIs and to no other. */
  readonly snis?: readonly string[];
  /**
   * Finds what changed, without reading what did not.
   * @param touched bundles or folders that a watch reported; only these are scanned. Default: everything.
   */
  scan(touched?: ReadonlySet<string>, options?: ScanOptions): Promise<SourceScan>;
  /** Finds bundles that touched files seem to renew, without waiting for anything. Left out: the source cannot tell. */
  renewedBy?(touched: ReadonlySet<string>): Renewed;
  /** Reads one bundle completely and of one generation. */
  read(name: string): Reading | Promise<Reading>;
  /** Notes for the operator although nothing failed, since the last call: each once, as a sentence. */
  warnings?(): string[];
  /** Reports changes early; a hint, never relied upon. Returns a function that stops it. */
  watch?(touched: (what: string) => void): () => void;
  /**
   * Names that resources of its cluster request, each with the Secret (`namespace/name`) to serve for it. Called
   * only where an ingress controller is present. Null: unknown.
   */
  asked?(): Promise<ReadonlyMap<string, string> | null>;
  /** Closes connections and timers; no other call follows. */
  close?(): void;
}
