import { checkKeyAndChain, checkShape, parseCertificate } from '../certificates';
import { compareAge, type KeyType, type Source } from '../model';
import { SETTLE_MS } from '../pass';
import { hasItsKey, isOpened, isServed, KongFiles, seenIn, toStatus, type KongFile } from './kong-files';
import type { DefaultCertificateStatus } from './status';

/** Words of messages about a group of files. */
interface GroupWords {
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

/**
 * The certificate for clients that send no SNI. Kong reads it from files at start and at a reload, so handshakes
 * tell what is served, and the files what should be.
 */
export class DefaultCertificate {
  readonly files: KongFiles;
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
    this.files = new KongFiles(options.files);
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
    const isChanged = await this.files.scan();
    if (isChanged) await this.readFiles();
    if (isChanged || isDue) await this.ask();
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
    this.files.expectChange();
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
    await this.files.readAll();
    const print = this.files.fingerprint();
    if (print === this.#fingerprint) return;
    this.#fingerprint = print;
    this.#since = this.#now();
    this.#trouble = null;
  }

  /** Asks the listeners, and derives the state. */
  private async ask(): Promise<void> {
    for (const file of this.files.list) {
      const { raw, opened } = file;
      const isTwin = this.options.areTwins !== false && this.files.list.length > 1;
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
      files: this.files.list.map(toStatus),
      reloaded_at: this.#fingerprint === null ? null : this.options.reloadedFor(this.#fingerprint),
    };
  }

  private judge(): Pick<DefaultCertificateStatus, 'state' | 'detail'> {
    const files = this.files.list;
    const { words = DEFAULT_WORDS, areTwins } = this.options;
    const isUnseen = ({ served }: KongFile) => served === null;
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
  private unfit({ opened, served, location }: KongFile): string | null {
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
