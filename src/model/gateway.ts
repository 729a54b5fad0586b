import type { Digest, PemPair } from './certificate';
import type { FailureKind } from './failure';
import type { Change } from './plan';
import type { Refusal } from './reason';
import type { StoredCertificate, StoredHalf } from './stored';
import type { CaChange, CaResult, StoredCa } from './trust';

/** Differences between gateways that other rooms have to know. */
export interface GatewayTraits {
  /** Other gateways read what is written here: one of them has to write it. */
  sharesDatabase: boolean;
  /** Kong reads its configuration from a file at start: what is only written to Kong is lost at a restart. */
  startsFromFile: boolean;
  /** Every write sends the whole configuration, and Kong limits its size. */
  writesWhole: boolean;
}

/** The Kong whose certificates are kept up to date. */
export interface Gateway {
  /** A label for people and for the public status; never compared (see `traits`). */
  readonly kind: 'database' | 'dbless';
  readonly traits: GatewayTraits;
  /** Address of the Admin API, without a password. */
  readonly url: string;
  readonly certificates: CertificateStore;
  readonly caCertificates: CaStore;
  /** Best number of changes for one `write`. */
  readonly batchSize: number;
  /** This plugin's entries. @throws Failure */
  pluginEntries(): Promise<PluginEntry[]>;
  /**
   * Identifies the state of the whole configuration, at the cost of one small request; null where Kong has no such
   * sign of a change.
   * @throws Failure
   */
  revision(): Promise<string | null>;
  /** Whether routes or plugins carry the tags of an ingress controller. @throws Failure */
  hasController(): Promise<boolean>;
  /**
   * Carries out edits; one that fails does not stop the others. Results come in any order. A change to a
   * certificate that another change of the same call creates comes after that one, and is left out where that one
   * failed. Never throws.
   */
  write(edits: Edits, prepare: Prepare): Promise<EditResults>;
  /** Undoes writes, the latest first, as far as no other writer has written there since. Never throws. */
  restore(writes: readonly Written[]): Promise<RestoreResult[]>;
  /**
   * Has Kong empty its caches of a certificate and of these names of it; changes nothing. Kong does so by itself after
   * each write, unless it loses its database's answer: then it goes on serving the former certificate.
   * @returns false where this Kong cannot be asked to
   * @throws Failure
   */
  emptyCaches(certificate: NamedCertificate): Promise<boolean>;
  /**
   * Removes certificates with their SNIs; missing ones count as removed.
   * @returns those that stay, since something in Kong refers to them, or they have other names by now
   * @throws Failure
   */
  remove(certificates: readonly NamedCertificate[]): Promise<readonly string[]>;
  close(): void;
}

/** A certificate, and names of it that are removed with it, or of which caches are emptied. */
export type NamedCertificate = Pick<StoredCertificate, 'id' | 'snis'>;

/** The certificates that Kong stores, without key material, kept up to date in small steps. */
export interface CertificateStore {
  /** Certificates by id, as of the last refresh or write. */
  readonly stored: ReadonlyMap<string, StoredCertificate>;
  /** Whether `stored` has been read. */
  readonly isLoaded: boolean;
  /** Finds a stored half by its content. */
  find(content: Digest): StoredHalf | undefined;
  /**
   * Brings `stored` up to date; the cost does not grow with the number of certificates unless something changed.
   * @returns whether something changed
   * @throws Failure
   */
  refresh(): Promise<boolean>;
  /**
   * Reads one certificate again; null where it is gone.
   * @throws Failure
   */
  readOne(id: string): Promise<StoredCertificate | null>;
  /** Sends the read that precedes a write, since one is likely. Left out: this gateway reads nothing ahead. */
  readAhead?(id: string): void;
  /** Reads one certificate with its keys; null where it is gone. @throws Failure */
  readTexts(id: string): Promise<CertificateTexts | null>;
}

/** The CA certificates that a Kong trusts. */
export interface CaStore {
  /** As of the last refresh, by id. */
  readonly stored: ReadonlyMap<string, StoredCa>;
  /** @throws Failure */
  refresh(): Promise<void>;
}

/**
 * The exact texts of a certificate. They hold private keys: not to be kept for longer than a pass, never to be
 * shown.
 */
export interface CertificateTexts {
  main: KnownPair;
  alt: KnownPair | null;
  snis: readonly string[];
  tags: readonly string[];
}

/** Edits that are written together, in one request where a gateway writes its whole configuration at once. */
export interface Edits {
  certificates: readonly Change[];
  caCertificates: readonly CaChange[];
}

/**
 * Called once for each change, between the decision to write and the write: reads the texts and puts them through
 * the whole gate, while other writes are under way.
 * @throws Failure where the environment is to blame, not the content
 */
export type Prepare = (change: Change) => Promise<FreshPair | Refusal>;

export interface KnownPair extends PemPair {
  /** The same as parsing these very texts would yield; left out: unknown. */
  half?: StoredHalf;
}

/** Texts that passed the gate. */
export type FreshPair = KnownPair;

export interface EditResults {
  certificates: WriteResult[];
  caCertificates: CaResult[];
}

/** A write that Kong accepted. */
export interface Written {
  kind: 'written';
  change: Change;
  /** The pair that was written. */
  current: PemPair;
  /** The certificate before the write; null: there was none. */
  before: CertificateTexts | null;
  /** The SNIs that it has now. */
  snis: readonly string[];
}

export type WriteResult =
  | Written
  /** Kong has this content already. */
  | { kind: 'already'; change: Change }
  /** The content is unfit. */
  | { kind: 'refused'; change: Change; refusal: Refusal }
  /** Kong differs from what the plan was based on; `certificates` is up to date, so plan again. */
  | { kind: 'conflict'; change: Change; error: Error }
  | { kind: 'failed'; change: Change; error: Error; failure: TransientKind };

/** Failure kinds that say nothing against the content. */
type TransientKind = Exclude<FailureKind, 'refused' | 'conflict'>;

export type RestoreResult =
  | { kind: 'restored'; write: Written }
  /** Another writer has written there since, and its content stays. */
  | { kind: 'overtaken'; write: Written }
  | { kind: 'failed'; write: Written; error: Error };

/** One of this plugin's entries in Kong. */
export interface PluginEntry {
  id: string;
  enabled: boolean;
  /** Null: applies to the whole gateway; else what limits it (`route`, `service`, …). */
  scope: string | null;
  config: unknown;
}
