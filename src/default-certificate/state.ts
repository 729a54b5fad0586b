import * as crypto from 'node:crypto';
import {
  checkKeyAndChain,
  checkShape,
  digestOf,
  fingerprint,
  openBundle,
  parseCertificate,
  readPem,
  type OpenedBundle,
} from '../certificates';
import {
  compareAge,
  isRefusal,
  type KeyType,
  type RawBundle,
  type Reading,
  type Refusal,
  type Source,
} from '../model';
import { SETTLE_MS } from '../pass';
import type { DefaultCertificateStatus, DefaultFileStatus } from './status';

/** Words of messages about a group of files. */
export interface GroupWords {
  /** Name of the configuration's field that makes Kong reload for it. */
  field: string;
  files: string;
  unseen: string;
  former: string;
  served: string;
}

/** The files of `ssl_cert`. */
const DEFAULT_WORDS: GroupWords = {
  field: 'default_certificate',
  files: 'the files of ssl_cert',
  unseen: 'no TLS listener of this Kong could be asked without SNI',
  former: 'clients without SNI get the former certificate until Kong is reloaded',
  served: 'the certificate that clients without SNI get',
};

/** The other certificates in Kong's configuration. */
export const NODE_WORDS: GroupWords = {
  field: 'node_certificates',
  files: 'the certificates of this node',
  unseen: 'it is not known which certificates this Kong has read',
  former: 'Kong uses the former certificate until it is reloaded',
  served: 'what Kong has',
};

export interface DefaultCertificateOptions {
  words?: GroupWords;
  /**
   * What to do when the files differ from the served certificate: give it to clients that ask for an unknown name
   * (a certificate with the SNI `*`), only report it, or reload Kong.
   */
  mode: 'promote' | 'observe' | 'reload';
  /** One source of one bundle for each file, named by its path; for `ssl_cert` one for each type of key. */
  files: readonly (Source & { location: string })[];
  /** Whether they are in one place and differ in the type of key. */
  areTwins?: boolean;
  /**
   * What a client without SNI gets, as DER, leaf first; empty where the handshake fails, null where nobody answers.
   * More workers are asked as long as `isWanted` returns true. Where there is no listener to ask: whether Kong was
   * started or reloaded since the file was written.
   */
  served: (
    keyType: KeyType | undefined,
    isWanted: (chain: readonly Buffer[]) => boolean,
    location: string,
  ) => Promise<readonly Buffer[] | boolean | null>;
  /** When Kong was reloaded for files with this fingerprint (ISO 8601); null: never. */
  reloadedFor: (fingerprint: string) => string | null;
  allowDowngrade: boolean;
  /** Milliseconds after a reload during which the old workers may still answer. */
  patienceMs: number;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

const MINUTE_MS = 60_000;

interface File {
  location: string;
  /** The bundle as it was read. */
  raw: RawBundle | Refusal;
  opened: OpenedBundle | Refusal;
  /** The last answered observation. */
  served: readonly Buffer[] | boolean | null;
}

/**
 * The certificate for clients that send no SNI. Kong reads it from files at start and at a reload, so handshakes
 * tell what is served, and the files what should be.
 */
export class DefaultCertificate {
  #files: File[] = [];
  /** Changed files that were not read as bundles since. */
  readonly #changed = new Set<string>();
  /**
   * Files whose content differed from the last scan when they were read: they will not be reported as changed
   * again.
   */
  readonly #outdated = new Set<string>();
  #status: DefaultCertificateStatus = { state: 'unknown', files: [], reloaded_at: null, detail: '' };
  /** Digest of the chains in the files, where all of them are fit to be served. */
  #fingerprint: string | null = null;
  /** Time of the last change of the files. */
  #since = 0;
  /** Time at which that change was observed. */
  #readAt = 0;
  /** Why Kong was not reloaded; null: it was, or need not be. */
  #trouble: string | null = null;
  readonly #now: () => number;

  constructor(private readonly options: DefaultCertificateOptions) {
    this.#now = options.now ?? Date.now;
  }

  /** Whether clients get another certificate than the one in the files, and Kong is not going to be reloaded for it. */
  get isPromoted(): boolean {
    const isLeftToReload = this.options.mode === 'reload' && this.#trouble === null;
    return this.#status.state === 'reload_pending' && !isLeftToReload;
  }

  get status(): DefaultCertificateStatus {
    return this.#status;
  }

  /**
   * Reads changed files, and asks the listeners what clients without SNI get.
   * @param isDue ask even if no file changed
   */
  async observe(isDue: boolean): Promise<void> {
    const scans = await Promise.all(this.options.files.map((file) => file.scan()));
    const changed = new Set([...scans.flatMap((scan) => scan.changed), ...this.#outdated]);
    this.#outdated.clear();
    for (const location of changed) this.#changed.add(location);
    if (changed.size > 0) await this.readFiles();
    if (changed.size > 0 || isDue) await this.ask();
  }

  /** Files that changed since the last call, and the number of all files. */
  takeChanged(): { changed: string[]; total: number } {
    const changed = [...this.#changed];
    this.#changed.clear();
    return { changed, total: this.options.files.length };
  }

  read(name: string): Reading | Promise<Reading> {
    const reading = this.options.files.find((file) => file.location === name)?.read(name) ?? null;
    const noted = (raw: Reading) => {
      if (!isSame(raw, this.#files.find((file) => file.location === name)?.raw ?? null))
        this.#outdated.add(name);
      return raw;
    };
    return reading instanceof Promise ? reading.then(noted) : noted(reading);
  }

  watch(touched: (what: string) => void): () => void {
    const stops = this.options.files.map((file) => file.watch?.(touched));
    return () => {
      for (const stop of stops) stop?.();
    };
  }

  /**
   * Fingerprint of files for which Kong should be reloaded; `soon`: observe again in a moment; null: no reload is
   * due.
   */
  async dueReload(): Promise<{ fingerprint: string } | 'soon' | null> {
    if (this.isSettling()) return 'soon';
    if (this.options.mode !== 'reload' || this.#status.state !== 'reload_pending') return null;
    const wanted = this.#fingerprint ?? '';
    const done = this.options.reloadedFor(wanted);
    if (done !== null) {
      if (this.isWithin(this.options.patienceMs, Date.parse(done))) return 'soon';
      this.#trouble ??= `Kong was reloaded for it at ${done} and still serves the former one; see Kong's error log (a reload that fails changes nothing)`;
      await this.ask();
      return null;
    }
    // Two pairs that a tool renews one after the other cause one reload.
    if (this.isWithin(SETTLE_MS, this.#since)) return 'soon';
    await this.readFiles();
    if (this.#fingerprint === wanted) return { fingerprint: wanted };
    for (const { location } of this.options.files) this.#outdated.add(location);
    return 'soon';
  }

  /** @param trouble why Kong was not reloaded; null: it was */
  async reloaded(trouble: string | null): Promise<void> {
    this.#trouble = trouble;
    if (trouble !== null) await this.ask();
  }

  /** A refusal may only mean that the files are being written. */
  private isSettling(): boolean {
    return this.#status.state === 'refused' && this.isWithin(SETTLE_MS, this.#readAt);
  }

  /** Whether less than `ms` have passed; false after the clock was set back. */
  private isWithin(ms: number, since: number): boolean {
    const age = this.#now() - since;
    return age >= 0 && age < ms;
  }

  private async readFiles(): Promise<void> {
    this.#readAt = this.#now();
    const files: File[] = [];
    for (const source of this.options.files) {
      const { location } = source;
      const raw = await source.read(location);
      const opened = raw === null || isRefusal(raw) ? raw : openBundle(raw);
      const served = this.#files.find((file) => file.location === location)?.served ?? null;
      if (raw !== null && opened !== null) files.push({ location, raw, opened, served });
    }
    this.#files = files;
    const opened = files.map((file) => file.opened).filter(isOpened);
    const isWhole = opened.length === files.length && opened.every((one) => checkKeyAndChain(one) === null);
    const chains = opened.map(({ bundle }) => bundle.chain).join(',');
    const print = isWhole ? crypto.hash('sha256', chains) : null;
    if (print === this.#fingerprint) return;
    this.#fingerprint = print;
    this.#since = this.#now();
    this.#trouble = null;
  }

  /** Asks the listeners, and derives the state. */
  private async ask(): Promise<void> {
    for (const file of this.#files) {
      const { raw, opened } = file;
      const isTwin = this.options.areTwins !== false && this.#files.length > 1;
      const keyType = isTwin && isOpened(opened) ? opened.bundle.leaf.keyType : undefined;
      const isWanted = (served: readonly Buffer[]) => isServed({ raw, opened, served });
      const served = await this.options.served(
        keyType === 'other' ? undefined : keyType,
        isWanted,
        file.location,
      );
      // A Kong that is too busy to answer keeps its last observation.
      file.served = served ?? file.served;
    }
    this.#status = {
      ...this.judge(),
      files: this.#files.map(toStatus),
      reloaded_at: this.#fingerprint === null ? null : this.options.reloadedFor(this.#fingerprint),
    };
  }

  private judge(): Pick<DefaultCertificateStatus, 'state' | 'detail'> {
    const files = this.#files;
    const { words = DEFAULT_WORDS, areTwins } = this.options;
    const isUnseen = ({ served }: File) => served === null;
    if (areTwins === false ? files.every(isUnseen) : files.some(isUnseen)) {
      return { state: 'unknown', detail: words.unseen };
    }
    // A served pair whose key has changed counts as well: Kong could not start with it.
    const stale = files.filter((file) => (!isUnseen(file) && !isServed(file)) || !hasItsKey(file));
    if (stale.length === 0) return { state: 'in_sync', detail: this.afterReload() };
    const why = stale.map((file) => this.unfit(file)).find((found) => found !== null);
    if (why != null) {
      return { state: 'refused', detail: this.isWithin(SETTLE_MS, this.#readAt) ? '' : why };
    }
    const where = stale.map(({ location }) => location).join(' and ');
    const what = `${words.former}: ${where} is newer than what Kong read when it started`;
    if (this.options.mode === 'reload') {
      return { state: 'reload_pending', detail: this.#trouble === null ? '' : `${what}; ${this.#trouble}` };
    }
    return {
      state: 'reload_pending',
      detail: `${what}; run kong reload, or set ${words.field} to reload`,
    };
  }

  /** Detail of the state after a reload, for the process that it started. */
  private afterReload(): string {
    const done = this.#fingerprint === null ? null : this.options.reloadedFor(this.#fingerprint);
    const isRecent = done !== null && this.#now() - Date.parse(done) < MINUTE_MS;
    return isRecent ? `Kong was reloaded for ${(this.options.words ?? DEFAULT_WORDS).files} at ${done}` : '';
  }

  /** Why a file must not be served, in a sentence; null: it may. */
  private unfit({ opened, served, location }: File): string | null {
    if (!isOpened(opened)) return opened.message;
    const why = checkShape(opened.bundle, this.#now(), false) ?? checkKeyAndChain(opened);
    if (why !== null) return why.message;
    const [leaf] = seenIn(served);
    if (leaf === undefined || this.options.allowDowngrade) return null;
    if (compareAge(opened.bundle.leaf, parseCertificate(leaf).info) >= 0) return null;
    const { served: what } = this.options.words ?? DEFAULT_WORDS;
    return `${location} is older than ${what}; set allow_downgrade to use it anyway`;
  }
}

function isSame(a: Reading, b: Reading): boolean {
  if (a === null || b === null) return a === b;
  if (isRefusal(a) || isRefusal(b)) return isRefusal(a) && isRefusal(b) && a.message === b.message;
  return a.cert === b.cert && a.key === b.key;
}

const seenIn = (served: File['served']) => (Array.isArray(served) ? (served as readonly Buffer[]) : []);

const isOpened = (opened: OpenedBundle | Refusal): opened is OpenedBundle => !isRefusal(opened);

/**
 * Whether a client gets the leaf and everything that it needs with it; what else is sent does no harm. Node shows a chain
 * that is not in the order of its issuers only in part.
 */
function isServed({ raw, opened, served }: Pick<File, 'raw' | 'opened' | 'served'>): boolean {
  if (!isOpened(opened) || typeof served === 'boolean') return served === true;
  const sent = digestOf(served ?? []).split('.');
  const wanted = opened.bundle.chain.split('.');
  if (sent[0] !== wanted[0]) return false;
  if (wanted.every((digest) => sent.includes(digest))) return true;
  const isOrdered = isRefusal(raw) || readPem(raw.cert, '')?.chain.startsWith(opened.bundle.chain) !== false;
  return !isOrdered && sent.length > 1 && sent.every((digest) => wanted.includes(digest));
}

function hasItsKey({ opened }: File): boolean {
  return isOpened(opened) && checkKeyAndChain(opened)?.reason !== 'key_mismatch';
}

function toStatus({ location, opened, served }: File): DefaultFileStatus {
  const leaf = isOpened(opened) ? opened.bundle.leaf : null;
  const [first] = seenIn(served);
  const shown = first === undefined ? null : parseCertificate(first).info;
  return {
    location,
    fingerprint_sha256: leaf?.fingerprint ?? null,
    not_after: leaf === null ? null : new Date(leaf.notAfter).toISOString(),
    served_without_sni_sha256: first === undefined ? null : fingerprint(first),
    served_not_before: shown === null ? null : new Date(shown.notBefore).toISOString(),
    served_not_after: shown === null ? null : new Date(shown.notAfter).toISOString(),
  };
}
