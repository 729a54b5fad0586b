import * as crypto from 'node:crypto';
import {
  checkKeyAndChain,
  digestOf,
  openBundle,
  parseCertificate,
  readPem,
  type OpenedBundle,
} from '../certificates';
import { isRefusal, type RawBundle, type Reading, type Refusal, type Source } from '../model';
import type { DefaultFileStatus } from './status';

/** A file that Kong reads at start and at a reload, as it was last read. */
export interface KongFile {
  location: string;
  /** The bundle as it was read. */
  raw: RawBundle | Refusal;
  opened: OpenedBundle | Refusal;
  /** The last answered observation. */
  served: readonly Buffer[] | boolean | null;
}

/** Files that Kong reads at start and at a reload. */
export class KongFiles {
  list: readonly KongFile[] = [];
  /** Changed files that were not read as bundles since. */
  readonly #changed = new Set<string>();
  /**
   * Files whose content differed from the last scan when they were read: they will not be reported as changed
   * again.
   */
  readonly #outdated = new Set<string>();

  /** @param sources one source of one bundle for each file, named by its path */
  constructor(private readonly sources: readonly (Source & { location: string })[]) {}

  /** @returns whether a file has changed */
  async scan(): Promise<boolean> {
    const scans = await Promise.all(this.sources.map((source) => source.scan()));
    const changed = new Set([...scans.flatMap((scan) => scan.changed), ...this.#outdated]);
    this.#outdated.clear();
    for (const location of changed) this.#changed.add(location);
    return changed.size > 0;
  }

  /** The next scan reports every file as changed. */
  expectChange(): void {
    for (const { location } of this.sources) this.#outdated.add(location);
  }

  async readAll(): Promise<void> {
    const files: KongFile[] = [];
    for (const source of this.sources) {
      const { location } = source;
      const raw = await source.read(location);
      const opened = raw === null || isRefusal(raw) ? raw : openBundle(raw);
      const served = this.list.find((file) => file.location === location)?.served ?? null;
      if (raw !== null && opened !== null) files.push({ location, raw, opened, served });
    }
    this.list = files;
  }

  /** Digest of the chains in the files; null where one of them is not fit to be served. */
  fingerprint(): string | null {
    const opened = this.list.map((file) => file.opened).filter(isOpened);
    const isWhole =
      opened.length === this.list.length && opened.every((one) => checkKeyAndChain(one) === null);
    return isWhole ? crypto.hash('sha256', opened.map(({ bundle }) => bundle.chain).join(',')) : null;
  }

  /** Files that changed since the last call, and the number of all files. */
  takeChanged(): { changed: string[]; total: number } {
    const changed = [...this.#changed];
    this.#changed.clear();
    return { changed, total: this.sources.length };
  }

  read(name: string): Reading | Promise<Reading> {
    const reading = this.sources.find((file) => file.location === name)?.read(name) ?? null;
    const noted = (raw: Reading) => {
      if (!isSame(raw, this.list.find((file) => file.location === name)?.raw ?? null))
        this.#outdated.add(name);
      return raw;
    };
    return reading instanceof Promise ? reading.then(noted) : noted(reading);
  }

  watch(touched: (what: string) => void): () => void {
    const stops = this.sources.map((file) => file.watch?.(touched));
    return () => {
      for (const stop of stops) stop?.();
    };
  }
}

function isSame(a: Reading, b: Reading): boolean {
  if (a === null || b === null) return a === b;
  if (isRefusal(a) || isRefusal(b)) return isRefusal(a) && isRefusal(b) && a.message === b.message;
  return a.cert === b.cert && a.key === b.key;
}

export const seenIn = (served: KongFile['served']) =>
  Array.isArray(served) ? (served as readonly Buffer[]) : [];

export const isOpened = (opened: OpenedBundle | Refusal): opened is OpenedBundle => !isRefusal(opened);

/**
 * Whether a client gets the leaf and everything that it needs with it; what else is sent does no harm. Node shows a chain
 * that is not in the order of its issuers only in part.
 */
export function isServed({ raw, opened, served }: Pick<KongFile, 'raw' | 'opened' | 'served'>): boolean {
  if (!isOpened(opened) || typeof served === 'boolean') return served === true;
  const sent = digestOf(served ?? []).split('.');
  const wanted = opened.bundle.chain.split('.');
  if (sent[0] !== wanted[0]) return false;
  if (wanted.every((digest) => sent.includes(digest))) return true;
  const isOrdered = isRefusal(raw) || readPem(raw.cert, '')?.chain.startsWith(opened.bundle.chain) !== false;
  return !isOrdered && sent.length > 1 && sent.every((digest) => wanted.includes(digest));
}

export function hasItsKey({ opened }: KongFile): boolean {
  return isOpened(opened) && checkKeyAndChain(opened)?.reason !== 'key_mismatch';
}

export function toStatus({ location, opened, served }: KongFile): DefaultFileStatus {
  const leaf = isOpened(opened) ? opened.bundle.leaf : null;
  const [first] = seenIn(served);
  const shown = first === undefined ? null : parseCertificate(first).info;
  return {
    location,
    fingerprint_sha256: leaf?.fingerprint ?? null,
    not_after: leaf === null ? null : new Date(leaf.notAfter).toISOString(),
    served_without_sni_sha256: shown?.fingerprint ?? null,
    served_not_before: shown === null ? null : new Date(shown.notBefore).toISOString(),
    served_not_after: shown === null ? null : new Date(shown.notAfter).toISOString(),
  };
}
