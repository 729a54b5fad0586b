import type { Ownership, RawBundle } from './certificate';
import type { Refusal } from './reason';

/** A file that is a part of no bundle, with why: a key without a certificate, say. Nothing is wrong in Kong. */
export interface StrayFile extends Refusal {
  /** Where it is, for a person. */
  location: string;
}

/** What a look at a source found, compared with the look before. */
export interface SourceScan {
  /** Bundles that are new or no longer what `read` last returned. */
  changed: string[];
  /** Bundles that are gone. */
  removed: string[];
  /** How many bundles there are now. */
  total: number;
  /** Files that are a part of no bundle though they look like one, all that there are now; left out: as before. */
  strays?: readonly StrayFile[];
  /** Trouble that is not one bundle's: a folder that cannot be read, a server that does not answer. */
  errors: Refusal[];
  /** What `asked` returns may be another answer than the last time. */
  areAsksNew?: boolean;
}

export interface ScanOptions {
  /** What looks unchanged is fetched, too: somebody asks for it, or a renewal is due. */
  whole?: boolean;
}

/** Null: it is no bundle (a CA file beside one, say). */
export type Reading = RawBundle | Refusal | null;

/**
 * A place where renewed certificates appear. Every method may be called again after it failed; none of them
 * throws for a bad bundle.
 */
export interface Source {
  /** Unique in a reloader and the same after a restart, e.g. `directory:/etc/letsencrypt/live`. */
  readonly id: string;
  /** Whether certificates may be created in Kong for its bundles; may change between two scans. */
  readonly create: boolean;
  /** The configuration says `create: true` in so many words; set by whoever makes the source. */
  createIsExplicit?: boolean;
  /** Default: the operator's. */
  readonly ownership?: Ownership;
  /** Set where its bundles are for the certificate with exactly these SNIs and for no other. */
  readonly snis?: readonly string[];
  /**
   * Finds what changed, without reading what did not.
   * @param touched bundles or folders that a watch reported; only these are looked at. Default: everything.
   */
  scan(touched?: ReadonlySet<string>, options?: ScanOptions): Promise<SourceScan>;
  /** Reads one bundle whole and of one generation. */
  read(name: string): Reading | Promise<Reading>;
  /** What an operator should know though nothing failed, since the last call: each thing once, as a sentence. */
  warnings?(): string[];
  /** Reports changes early; a hint, never relied upon. Returns how to stop. */
  watch?(touched: (what: string) => void): () => void;
  /**
   * Names that resources of its cluster ask for, each with the Secret (`namespace/name`) that is to be served for it.
   * Asked where an ingress controller is there alone. Null: that cannot be known.
   */
  asked?(): Promise<ReadonlyMap<string, string> | null>;
  /** Ends what it keeps open: connections, timers. It is not asked any more afterwards. */
  close?(): void;
}
