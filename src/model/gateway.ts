import type { Digest, PemPair } from './certificate';
import type { FailureKind } from './failure';
import type { Change } from './plan';
import type { Refusal } from './reason';
import type { StoredCertificate, StoredHalf } from './stored';
import type { CaChange, CaResult, StoredCa } from './trust';

/** What differs between gateways, where somebody else has to know it. */
export interface GatewayTraits {
  /** Other gateways read what is written here, too: one of them has to write it. */
  sharesDatabase: boolean;
  /** Kong reads its configuration from a file when it starts: what is only written to Kong is lost at a restart. */
  startsFromFile: boolean;
  /** Every write sends the whole configuration, and Kong takes only so much at once. */
  writesWhole: boolean;
}

/** The Kong whose certificates are kept up to date. */
export interface Gateway {
  /** A label for people and for the public status; never compared, that is what `traits` are for. */
  readonly kind: 'database' | 'dbless';
  readonly traits: GatewayTraits;
  /** Where it is asked, without any password. */
  readonly url: string;
  readonly certificates: CertificateStore;
  readonly caCertificates: CaStore;
  /** How many changes `write` should get at once. */
  readonly batchSize: number;
  /** This plugin's entries. @throws Failure */
  pluginEntries(): Promise<PluginEntry[]>;
  /**
   * Names the state of the whole configuration, at the cost of one small request; null where there is no such
   * sign of a change.
   * @throws Failure
   */
  revision(): Promise<string | null>;
  /** Whether routes or plugins carry the tags of an ingress controller. @throws Failure */
  hasController(): Promise<boolean>;
  /**
   * Carries edits out; one that fails does not stop the others. Results come in any order. A change to a certificate
   * that another change of the same call creates comes after that one, and is left out where that one came to
   * nothing. Never throws.
   */
  write(edits: Edits, prepare: Prepare): Promise<EditResults>;
  /** Undoes writes, the latest first, as far as nobody else has written there since. Never throws. */
  restore(writes: readonly Written[]): Promise<RestoreResult[]>;
  /**
   * Takes certificates with their SNIs out; those that are not there count as taken out.
   * @returns those that stay, since something in Kong refers to them, or they have other names by now
   * @throws Failure
   */
  remove(certificates: readonly Removable[]): Promise<readonly string[]>;
  close(): void;
}

/** A certificate, and all the names that may go with it. */
export type Removable = Pick<StoredCertificate, 'id' | 'snis'>;

/** What Kong stores, without key material, kept up to date in small steps. */
export interface CertificateStore {
  /** As of the last refresh or write, by id. */
  readonly stored: ReadonlyMap<string, StoredCertificate>;
  /** Whether `stored` was read at all. */
  readonly isLoaded: boolean;
  /** Finds what is stored by its content. */
  find(content: Digest): StoredHalf | undefined;
  /**
   * Brings `stored` up to date; the cost does not grow with the number of certificates unless something changed.
   * @returns whether something did
   * @throws Failure
   */
  refresh(): Promise<boolean>;
  /** Reads one certificate anew; null where it is gone. @throws Failure */
  readOne(id: string): Promise<StoredCertificate | null>;
  /** Reads one certificate with its keys; null where it is gone. @throws Failure */
  readTexts(id: string): Promise<CertificateTexts | null>;
}

/** The CA certificates of a Kong. */
export interface CaStore {
  /** As of the last refresh, by id. */
  readonly stored: ReadonlyMap<string, StoredCa>;
  /** @throws Failure */
  refresh(): Promise<void>;
}

/** A certificate to the letter. It holds private keys: it is not kept for longer than a pass, and never shown. */
export interface CertificateTexts {
  main: PemPair;
  alt: PemPair | null;
  snis: readonly string[];
  tags: readonly string[];
}

/** Edits that go together: a gateway that writes its whole configuration at once does them in one write. */
export interface Edits {
  certificates: readonly Change[];
  caCertificates: readonly CaChange[];
}

/**
 * Stands between the decision to write and the write: fetches the texts and puts them through the whole gate.
 * Called once for each change, right before its write, so that the cost overlaps with Kong's.
 * @throws Failure where the environment is to blame, not the content
 */
export type Prepare = (change: Change) => Promise<PemPair | Refusal>;

export interface EditResults {
  certificates: WriteResult[];
  caCertificates: CaResult[];
}

/** A write that Kong took. */
export interface Written {
  kind: 'written';
  change: Change;
  /** What was written. */
  current: PemPair;
  /** The certificate as it was before; null: there was none. */
  before: CertificateTexts | null;
  /** The SNIs that it has now. */
  snis: readonly string[];
}

export type WriteResult =
  | Written
  /** Kong has it already. */
  | { kind: 'already'; change: Change }
  /** The content will not do. */
  | { kind: 'refused'; change: Change; refusal: Refusal }
  /** Kong is no longer what the plan was made with; `certificates` knows better already, so plan again. */
  | { kind: 'conflict'; change: Change; error: Error }
  | { kind: 'failed'; change: Change; error: Error; failure: TransientKind };

/** What does not speak against the content. */
export type TransientKind = Exclude<FailureKind, 'refused' | 'conflict'>;

export type RestoreResult =
  | { kind: 'restored'; write: Written }
  /** Somebody else has written there since: theirs stays. */
  | { kind: 'overtaken'; write: Written }
  | { kind: 'failed'; write: Written; error: Error };

/** One of this plugin's entries in Kong. */
export interface PluginEntry {
  id: string;
  enabled: boolean;
  /** Applies to the whole gateway; null, or what it is limited to instead (`route`, `service`, …). */
  scope: string | null;
  config: unknown;
}
