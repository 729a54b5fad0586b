import * as crypto from 'node:crypto';
import {
  checkKeyAndChain,
  checkShape,
  digestOf,
  fingerprint,
  openBundle,
  parseCertificate,
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

export interface DefaultCertificateOptions {
  /**
   * What to do when the files hold another certificate than the one that is served: give it to clients that ask for
   * an unknown name (a certificate with the SNI `*`), or have Kong read the files.
   */
  mode: 'promote' | 'reload';
  /** Kong's `ssl_cert` files, each a source of one bundle named by its path; one for each type of key. */
  files: readonly (Source & { location: string })[];
  /**
   * What a client without SNI gets, as DER, leaf first; empty where the handshake fails, null where nobody answers.
   * More workers are asked while it is wanted.
   */
  served: (
    keyType: KeyType | undefined,
    isWanted: (chain: readonly Buffer[]) => boolean,
  ) => Promise<readonly Buffer[] | null>;
  /** Makes Kong read its files again. */
  reload: {
    /** When that was done for files with this fingerprint (ISO 8601); null: never. */
    doneFor(fingerprint: string): string | null;
    /** @returns null where it was done, or in a sentence why not */
    send(fingerprint: string): string | null;
  };
  allowDowngrade: boolean;
  /** Milliseconds for which a reload that was just done may still have the old workers answer. */
  patienceMs: number;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

const MINUTE_MS = 60_000;

interface File {
  location: string;
  /** As it was read. */
  raw: RawBundle | Refusal;
  opened: OpenedBundle | Refusal;
  /** At the last look that was answered. */
  served: readonly Buffer[] | null;
}

/**
 * The certificate for clients that send no SNI. Kong has it from files that it reads when it starts and is reloaded,
 * so what is served is found out by handshake, and what is in the files by reading them.
 */
export class DefaultCertificate {
  #files: File[] = [];
  /** Files that changed and were not read as bundles since. */
  readonly #changed = new Set<string>();
  /** Files that were read with another content than at the last scan: they will not be seen as changed again. */
  readonly #outdated = new Set<string>();
  #status: DefaultCertificateStatus = { state: 'unknown', files: [], reloaded_at: null, detail: '' };
  /** Digest of the chains in the files, where all of them are fit to be served. */
  #fingerprint: string | null = null;
  /** Since when the files have been as they are. */
  #since = 0;
  /** When a change of them was last seen. */
  #readAt = 0;
  /** Why Kong was not reloaded. */
  #trouble: string | null = null;
  readonly #now: () => number;

  constructor(private readonly options: DefaultCertificateOptions) {
    this.#now = options.now ?? Date.now;
  }

  /** Clients get something else than what is in the files, and Kong is not going to be reloaded for it. */
  get isPromoted(): boolean {
    const isLeftToReload = this.options.mode === 'reload' && this.#trouble === null;
    return this.#status.state === 'reload_pending' && !isLeftToReload;
  }

  get status(): DefaultCertificateStatus {
    return this.#status;
  }

  /**
   * Reads the files that changed, and asks the listeners what clients without SNI get.
   * @param isDue ask though no file changed
   */
  async observe(isDue: boolean): Promise<void> {
    const scans = await Promise.all(this.options.files.map((file) => file.scan()));
    const changed = new Set([...scans.flatMap((scan) => scan.changed), ...this.#outdated]);
    this.#outdated.clear();
    for (const location of changed) this.#changed.add(location);
    if (changed.size > 0) await this.readFiles();
    if (changed.size > 0 || isDue) await this.ask();
  }

  /** Files that changed since the last call, and how many there are. */
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
   * Has Kong reloaded where that is due.
   * @returns whether it is worth observing again soon
   */
  async reload(): Promise<boolean> {
    if (this.isSettling()) return true;
    if (this.options.mode !== 'reload' || this.#status.state !== 'reload_pending') return false;
    const { reload, patienceMs } = this.options;
    const wanted = this.#fingerprint ?? '';
    const done = reload.doneFor(wanted);
    if (done !== null) {
      if (this.isWithin(patienceMs, Date.parse(done))) return true;
      this.#trouble ??= `Kong was reloaded for it at ${done} and still serves the other one: see Kong's error log, a reload that fails leaves everything as it was`;
    } else {
      // A tool that renews two pairs one after the other makes one reload of it.
      if (this.isWithin(SETTLE_MS, this.#since)) return true;
      await this.readFiles();
      if (this.#fingerprint !== wanted) {
        for (const { location } of this.options.files) this.#outdated.add(location);
        return true;
      }
      this.#trouble = reload.send(wanted);
      if (this.#trouble === null) return true;
    }
    await this.ask();
    return false;
  }

  /** What is refused may only mean that somebody is writing the files right now. */
  private isSettling(): boolean {
    return this.#status.state === 'refused' && this.isWithin(SETTLE_MS, this.#readAt);
  }

  /** Whether it is less than so long ago; a clock that was set back says that it is not. */
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

  /** Asks the listeners, and says what follows. */
  private async ask(): Promise<void> {
    for (const file of this.#files) {
      const { opened } = file;
      const keyType = this.#files.length > 1 && isOpened(opened) ? opened.bundle.leaf.keyType : undefined;
      const isWanted = (served: readonly Buffer[]) => isServed({ opened, served });
      const served = await this.options.served(keyType === 'other' ? undefined : keyType, isWanted);
      // A Kong that is too busy to answer once serves what it did.
      file.served = served ?? file.served;
    }
    this.#status = {
      ...this.judge(),
      files: this.#files.map(toStatus),
      reloaded_at: this.#fingerprint === null ? null : this.options.reload.doneFor(this.#fingerprint),
    };
  }

  private judge(): Pick<DefaultCertificateStatus, 'state' | 'detail'> {
    const files = this.#files;
    if (files.some(({ served }) => served === null)) {
      return { state: 'unknown', detail: 'no TLS listener of this Kong could be asked without SNI' };
    }
    // Of a pair that is served the key may be another by now: Kong would not take it at its next start.
    const stale = files.filter((file) => !isServed(file) || !hasItsKey(file));
    if (stale.length === 0) return { state: 'in_sync', detail: this.afterReload() };
    const why = stale.map((file) => this.unfit(file)).find((found) => found !== null);
    if (why != null) {
      return { state: 'refused', detail: this.isWithin(SETTLE_MS, this.#readAt) ? '' : why };
    }
    const where = stale.map(({ location }) => location).join(' and ');
    const what = `clients without SNI get the former certificate until Kong is reloaded: ${where} is newer than what Kong read when it started`;
    if (this.options.mode === 'reload') {
      return { state: 'reload_pending', detail: this.#trouble === null ? '' : `${what}; ${this.#trouble}` };
    }
    return {
      state: 'reload_pending',
      detail: `${what}; run kong reload, or set default_certificate to reload`,
    };
  }

  /** Said by the process that the reload started. */
  private afterReload(): string {
    const done = this.#fingerprint === null ? null : this.options.reload.doneFor(this.#fingerprint);
    const isRecent = done !== null && this.#now() - Date.parse(done) < MINUTE_MS;
    return isRecent ? `Kong was reloaded for the files of ssl_cert at ${done}` : '';
  }

  /** Why a file must not be served, in a sentence; null: it may. */
  private unfit({ opened, served, location }: File): string | null {
    if (!isOpened(opened)) return opened.message;
    const why = checkShape(opened.bundle, this.#now(), false) ?? checkKeyAndChain(opened);
    if (why !== null) return why.message;
    const [leaf] = served ?? [];
    if (leaf === undefined || this.options.allowDowngrade) return null;
    if (compareAge(opened.bundle.leaf, parseCertificate(leaf).info) >= 0) return null;
    return `${location} is older than what clients without SNI get; set allow_downgrade to take it all the same`;
  }
}

function isSame(a: Reading, b: Reading): boolean {
  if (a === null || b === null) return a === b;
  if (isRefusal(a) || isRefusal(b)) return isRefusal(a) && isRefusal(b) && a.message === b.message;
  return a.cert === b.cert && a.key === b.key;
}

const isOpened = (opened: OpenedBundle | Refusal): opened is OpenedBundle => !isRefusal(opened);

/** Whether a client gets the leaf and everything that it needs with it; what else is sent does no harm. */
function isServed({ opened, served }: Pick<File, 'opened' | 'served'>): boolean {
  if (!isOpened(opened)) return false;
  const sent = digestOf(served ?? []).split('.');
  const wanted = opened.bundle.chain.split('.');
  return sent[0] === wanted[0] && wanted.every((digest) => sent.includes(digest));
}

function hasItsKey({ opened }: File): boolean {
  return isOpened(opened) && checkKeyAndChain(opened)?.reason !== 'key_mismatch';
}

function toStatus({ location, opened, served }: File): DefaultFileStatus {
  const leaf = isOpened(opened) ? opened.bundle.leaf : null;
  const [first] = served ?? [];
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
