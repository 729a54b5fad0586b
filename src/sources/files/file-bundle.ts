import { dirname } from 'node:path';
import { drive, wait, type MaybePromise } from '../../common/maybe-async';
import { flatStamps, isRacy, isStampAt, latestOf, type Stamp, type StampedText } from '../../common/stamp';
import { printable } from '../../common/printable';
import { refusal, type RawBundle, type Refusal } from '../../model';
import type { FileAccess } from './access';
import { hasOpenKey, type OpenKeyFiles } from './key-modes';
import { readAtOnce, readBeside, readNamed, stampsOf, type FileRead } from './reads';
import { unreadable } from './trouble';

const NONE: readonly string[] = [];

/** How often a pair that changes during the read is read again before it is left to the next scan. */
const ATTEMPTS = 3;

/**
 * How long after its last change a file may still be incomplete: tools append the chain to the leaf. A chain that
 * is complete, or that Kong or the source can complete, is not waited for.
 */
const SETTLE_MS = 5_000;

/** The files of one bundle, as absolute paths. */
export interface BundleFiles {
  cert: string;
  /** Null: certificate and key are in one file. */
  key: string | null;
  /** A separate chain file named in the configuration: it must exist. */
  chain?: string;
  /** Files that may complete the chain; read only where the chain needs it. */
  beside?: readonly string[];
}

export interface BundleOptions {
  /** Its kind where it has no key file; see RawBundle. */
  standalone?: RawBundle['standalone'];
  openKeys?: OpenKeyFiles;
  /** Issuers that are missing in the chain of a text; null: unknown. */
  openEndsOf?: (cert: string) => readonly string[] | null;
  /** Null: there are none. */
  looseIssuers?: () => LooseIssuers | null;
}

/** Files of issuers that belong to no bundle and may complete any; a new object when they changed. */
export interface LooseIssuers {
  /**
   * Paths of files that may continue the chain of a certificate's file.
   * @param beside files that are read for it anyway
   */
  find(cert: string, beside: readonly string[], openEnds: readonly string[] | null): readonly string[];
}

type StampOf = (path: string) => Stamp | null;

/** One certificate file, with its key file where there are two. */
export class FileBundle {
  /** Stamps of the files that were read last: those of `paths`, then those of `#issuers`. */
  #stamps: readonly number[] = [];
  /** Files that were read to complete its chain. */
  #issuers: readonly string[] = NONE;
  #unsettled = true;
  /** Where its chain ended at the last read; undefined: not asked. */
  #openEnds: readonly string[] | null | undefined;
  /** The loose issuers at that time. */
  #loose: LooseIssuers | null = null;
  /** Paths that were found among them. */
  #found: readonly string[] = NONE;
  /** When a change was last observed (milliseconds since the epoch). */
  #changedAt = 0;

  constructor(
    readonly name: string,
    readonly files: BundleFiles,
    private readonly options: BundleOptions,
  ) {}

  /** Files that must exist. */
  get paths(): string[] {
    const { cert, key, chain } = this.files;
    const paths = key === null ? [cert] : [cert, key];
    if (chain !== undefined) paths.push(chain);
    return paths;
  }

  /** Files whose stamps `hasChanged` compares. */
  *watched(): Iterable<string> {
    if (this.#unsettled) return;
    yield* this.paths;
    yield* this.#issuers;
  }

  get folders(): readonly string[] {
    const { cert, key, chain } = this.files;
    const folder = dirname(cert);
    const isOne = chain === undefined && (key === null || dirname(key) === folder);
    return isOne ? [folder] : [...new Set(this.paths.map((path) => dirname(path)))];
  }

  /** Asked of every bundle of a folder when one file changes. */
  isAmong(paths: ReadonlySet<string>): boolean {
    const { cert, key, chain, beside } = this.files;
    return (
      paths.has(cert) ||
      (key !== null && paths.has(key)) ||
      (chain !== undefined && paths.has(chain)) ||
      (beside !== undefined && beside.length > 0 && beside.some((path) => paths.has(path)))
    );
  }

  /** One stat for each file that was read; true where `read` would find something else than last time. */
  hasChanged(stampOf: StampOf): boolean {
    if (this.#unsettled) return true;
    if (this.areSame(stampOf)) return this.hasOtherIssuers();
    this.#changedAt = Date.now();
    return true;
  }

  /** Asked of 10,000 bundles at each poll, so it makes no lists. */
  private areSame(stampOf: StampOf): boolean {
    const { cert, key, chain } = this.files;
    const stamps = this.#stamps;
    let index = 0;
    if (!isStampAt(stamps, index, stampOf(cert))) return false;
    if (key !== null && !isStampAt(stamps, ++index, stampOf(key))) return false;
    if (chain !== undefined && !isStampAt(stamps, ++index, stampOf(chain))) return false;
    for (const path of this.#issuers) if (!isStampAt(stamps, ++index, stampOf(path))) return false;
    return true;
  }

  /** Whether the loose issuers that may complete its chain differ from those that were read. */
  private hasOtherIssuers(): boolean {
    const loose = this.options.looseIssuers?.() ?? null;
    if (loose === this.#loose) return false;
    if (this.#openEnds === undefined) return true;
    const { cert, beside = NONE } = this.files;
    const found = loose?.find(cert, beside, this.#openEnds) ?? [];
    if (found.join('\0') !== this.#found.join('\0')) return true;
    this.#loose = loose;
    return false;
  }

  /** Files that may complete the chain of what was read; none where it is complete. */
  private issuersFor(text: string): readonly string[] {
    const { cert, beside = NONE } = this.files;
    this.#loose = this.options.looseIssuers?.() ?? null;
    this.#found = NONE;
    this.#openEnds = undefined;
    if (beside.length === 0 && this.#loose === null) return beside;
    this.#openEnds = this.options.openEndsOf?.(text) ?? null;
    if (this.#openEnds?.length === 0) return NONE;
    this.#found = this.#loose?.find(cert, beside, this.#openEnds) ?? NONE;
    return [...beside, ...this.#found];
  }

  /** @param access returns promises only where it does */
  read(access: FileAccess): MaybePromise<RawBundle | Refusal> {
    return this.readPlain(access) ?? drive(this.attempts(access));
  }

  /** @returns null unless its files are whole, and no others may complete its chain */
  private readPlain(access: FileAccess): RawBundle | null {
    const { chain, beside = NONE } = this.files;
    if (chain !== undefined || beside.length > 0) return null;
    if ((this.options.looseIssuers?.() ?? null) !== null) return null;
    const now = Date.now();
    const read = readAtOnce(access, this.paths);
    if (read === null) return null;
    this.issuersFor(read[0]?.[1]?.text ?? '');
    return this.taken(now, read);
  }

  private *attempts(access: FileAccess): Generator<unknown, RawBundle | Refusal, never> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const result = yield* this.readOnce(access);
      if (result !== null) return result;
    }
    this.#unsettled = true;
    const { cert } = this.files;
    return refusal(
      'incomplete',
      `${printable(cert)} changes while it is read; waiting until it is written whole`,
    );
  }

  /** @returns null where a file changed meanwhile */
  private *readOnce(access: FileAccess): Generator<unknown, RawBundle | Refusal | null, never> {
    const now = Date.now();
    const { cert } = this.files;
    const read: FileRead[] = [];
    try {
      for (const path of this.paths) {
        const reading = readNamed(access, path);
        const found = reading instanceof Promise ? yield* wait(reading) : reading;
        if (found === null) {
          yield* this.settleUnread(access, now);
          return refusal('too_large', `${printable(path)} is larger than 1 MiB; ${WHAT_A_BUNDLE_IS}`);
        }
        read.push([path, found]);
      }
      for (const path of this.issuersFor(read[0]?.[1]?.text ?? ''))
        read.push(yield* readBeside(access, path));
    } catch (error) {
      // A trouble of the file itself ends when the file changes; any other may end at any time.
      if (isOfFile(error)) yield* this.settleUnread(access, now);
      else this.#unsettled = true;
      return unreadable(error, cert);
    }
    return read.some(([, file]) => file?.isStable === false) ? null : this.taken(now, read);
  }

  /**
   * Takes over what was read: the files that must exist, then those that may complete the chain.
   * @param now from before the first octet was read, so that later writes show
   */
  private taken(now: number, read: readonly FileRead[]): RawBundle {
    const { cert, key, chain } = this.files;
    const must = 1 + Number(key !== null) + Number(chain !== undefined);
    this.settle(
      now,
      read.map(([, file]) => file?.stamp ?? null),
      read.length === must ? NONE : read.slice(must).map(([path]) => path),
    );
    const keyFile = read[key === null ? 0 : 1]?.[1] ?? null;
    this.noteOpenKey(keyFile);
    const raw: RawBundle = {
      name: this.name,
      location: printable(cert),
      cert: read[0]?.[1]?.text ?? '',
      key: key === null ? '' : (keyFile?.text ?? ''),
    };
    const own = key === null ? 1 : 2;
    if (chain !== undefined || read.length > own)
      raw.issuers = read.slice(own).map(([, file]) => file?.text ?? '');
    const settlesAt = this.settlesAt(now);
    if (settlesAt > now) raw.settlesAt = settlesAt;
    if (this.options.standalone !== undefined) raw.standalone = this.options.standalone;
    return raw;
  }

  private noteOpenKey(file: StampedText | null): void {
    if (file?.isOpen === true && hasOpenKey(file.text))
      this.options.openKeys?.note(this.files.key ?? this.files.cert);
  }

  private *settleUnread(access: FileAccess, now: number): Generator<unknown, void, never> {
    this.settle(now, yield* stampsOf(access, this.paths), NONE);
    // No chain is completed before its leaf can be read.
    this.#loose = this.options.looseIssuers?.() ?? null;
    this.#openEnds = NONE;
    this.#found = NONE;
  }

  private settle(now: number, stamps: readonly (Stamp | null)[], issuers: readonly string[]): void {
    this.#stamps = flatStamps(stamps);
    this.#issuers = issuers;
    this.#unsettled = stamps.some((stamp) => isRacy(stamp, now));
  }

  /** By the files' times where this machine's clock set them, else by observation. */
  private settlesAt(now: number): number {
    const written = latestOf(this.#stamps);
    return Math.max(written <= now + SETTLE_MS ? written : 0, this.#changedAt) + SETTLE_MS;
  }
}

const WHAT_A_BUNDLE_IS = 'a bundle is one leaf, its chain and its key';

const OF_FILE = new Set(['ENOENT', 'EACCES', 'EPERM', 'EISDIR', 'ENOTFILE', 'ENOTDIR', 'ELOOP', 'ENXIO']);

const isOfFile = (error: unknown) => OF_FILE.has((error as NodeJS.ErrnoException).code ?? '');
