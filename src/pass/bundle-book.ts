import type { OpenedBundle } from '../certificates';
import { Slices } from '../common/slices';
import {
  isRefusal,
  refusal,
  usualRenewalAt,
  type Digest,
  type KnownRefusal,
  type Reason,
  type Refusal,
  type Source,
  type SourceState,
  type SourcedBundle,
  type SourceScan,
  type StoredHalf,
} from '../model';
import type { ProgressListener } from './step';
import { MAX_HELD_CHARS, unmatched, type UnmatchedBundle } from './unmatched-bundle';
import { readSafely, scanSafely, understand } from './reading';

/** What is known of one bundle of a source: understood, or why not. */
interface Entry {
  source: Source;
  name: string;
  known: SourcedBundle | Refusal;
  /** What was understood of it before it was refused. */
  before?: SourcedBundle;
}

export interface BookScanOptions {
  /** Settles when `find` knows what Kong stores; reading goes on meanwhile. */
  stored?: Promise<unknown>;
  /** Milliseconds since the epoch. */
  now: number;
  /** What looks unchanged is fetched, too. */
  whole?: boolean;
  progress?: Pick<ProgressListener, 'read'> | undefined;
}

export interface BookScan {
  /** Something differs from the scan before. */
  changed: boolean;
  total: number;
  /** How many bundles were read. */
  read: number;
  /** Which of them are no longer what they were, with what they were; null: not known before. */
  differing: Map<string, SourcedBundle | null>;
  errors: { source: string; refusal: Refusal }[];
}

/** Refusals that say something about the machine, the network or the rights, and nothing about the bundle. */
const ENVIRONMENT: ReadonlySet<Reason> = new Set(['unreadable', 'unreachable', 'forbidden']);

/** Every bundle of every source, as it was last read, without the texts. */
export class BundleBook {
  readonly #entries = new Map<string, Entry>();
  /** How each source was at the last look. */
  readonly #sources = new Map<Source, { bundles: number; error: KnownRefusal | null }>();
  /** Bundles to read again though their source sees no change in them, by bundle id. */
  readonly #again = new Map<string, Entry>();
  /**
   * Bundles whose source or machine did not let them be read: that is no fact about them, so every scan of everything
   * tries again though nothing changed. By bundle id.
   */
  readonly #unread = new Map<string, Pick<Entry, 'source' | 'name'>>();
  /** Sources that created at the last scan. */
  #creating: ReadonlySet<Source> = new Set();

  /**
   * @param find finds what Kong stores by its content: a bundle that is there to the letter needs no parsing,
   *   Kong's copy was parsed already
   */
  constructor(
    private readonly sources: readonly Source[],
    private readonly find: (content: Digest) => StoredHalf | undefined = () => undefined,
  ) {}

  /**
   * Scans every source (or only what a watch touched) and reads what changed.
   */
  async scan(
    touched: ReadonlySet<string> | undefined,
    { stored, now, whole = false, progress }: BookScanOptions,
  ): Promise<BookScan> {
    const result: BookScan = { changed: false, total: 0, read: 0, differing: new Map(), errors: [] };
    const slices = new Slices();
    const again = [...this.#again.values(), ...(touched === undefined ? this.#unread.values() : [])];
    this.#again.clear();
    let held = 0;
    const readAll = async (source: Source, names: Iterable<string>): Promise<UnmatchedBundle[]> => {
      const found: UnmatchedBundle[] = [];
      for (const name of names) {
        // An await for each of 10,000 files costs as much as parsing them.
        const reading = readSafely(source, name);
        const raw = reading instanceof Promise ? await reading : reading;
        const seen = unmatched(source, name, raw, held < MAX_HELD_CHARS);
        if (seen.raw !== undefined && seen.raw !== null && !isRefusal(seen.raw)) held += seen.raw.cert.length;
        found.push(seen);
        progress?.read();
        if (slices.due) await slices.pause();
      }
      return found;
    };
    const due = touched === undefined && !whole ? this.dueSources(now) : new Set<Source>();
    const scans = await Promise.all(
      this.sources.map((source) => scanSafely(source, touched, { whole: whole || due.has(source) })),
    );
    const readings = scans.map((scan, index) => {
      const source = this.sources[index] as Source;
      result.total += scan.total;
      this.noteSource(source, scan);
      result.errors.push(...scan.errors.map((why) => ({ source: source.id, refusal: why })));
      for (const name of scan.removed) {
        const id = bundleId(source, name);
        this.#unread.delete(id);
        if (this.#entries.delete(id)) result.changed = true;
      }
      const names = new Set(scan.changed);
      for (const entry of again) if (entry.source === source) names.add(entry.name);
      // Slow reads of one source hold up no other one.
      return readAll(source, names);
    });
    const found = (await Promise.all(readings)).flat();
    if (this.noteCreating()) result.changed = true;
    result.read = found.length;
    await stored;
    for (const seen of found) {
      const id = bundleId(seen.source, seen.name);
      const before = this.get(id);
      if (!(this.isStored(seen) ?? (await this.update(seen)))) continue;
      result.changed = true;
      result.differing.set(id, before);
      if (slices.due) await slices.pause();
    }
    return result;
  }

  /** Sources with a bundle whose renewal should be there by now: what looks unchanged there may not be. */
  private dueSources(now: number): Set<Source> {
    const due = new Set<Source>();
    for (const { source, known } of this.#entries.values()) {
      if (isRefusal(known) || due.has(source)) continue;
      if (now >= (known.renewalAt ?? usualRenewalAt(known.leaf.notBefore, known.leaf.notAfter)))
        due.add(source);
    }
    return due;
  }

  private noteSource(source: Source, { total, errors }: SourceScan): void {
    const before = this.#sources.get(source)?.error;
    const [why] = errors;
    const isSame = why !== undefined && before?.why.message === why.message;
    const error = why === undefined ? null : isSame ? before : { why, since: Date.now() };
    this.#sources.set(source, { bundles: total, error: error ?? null });
  }

  /** Sources that were looked at. */
  get sourceStates(): SourceState[] {
    return [...this.#sources].map(([{ id }, { bundles, error }]) => ({ id, bundles, error }));
  }

  sourceOf(bundleId: string): string {
    return this.#entries.get(bundleId)?.source.id ?? '';
  }

  /** @returns whether a source began or ceased to create certificates since the last scan */
  private noteCreating(): boolean {
    const creating = new Set(this.sources.filter((source) => source.create));
    const turned = this.sources.filter((source) => creating.has(source) !== this.#creating.has(source));
    this.#creating = creating;
    for (const entry of turned.length === 0 ? [] : this.#entries.values()) {
      if (!turned.includes(entry.source) || isRefusal(entry.known)) continue;
      entry.known = { ...entry.known, create: entry.source.create };
    }
    return turned.length > 0;
  }

  /** Bundles that were understood. */
  *bundles(): Iterable<SourcedBundle> {
    for (const { known } of this.#entries.values()) if (!isRefusal(known)) yield known;
  }

  /** What is not understood now, as it was when it last was. */
  *broken(): Iterable<SourcedBundle> {
    for (const { before } of this.#entries.values()) if (before !== undefined) yield before;
  }

  /** Bundles that were not, by id. */
  *refused(): Iterable<[id: string, why: Refusal]> {
    for (const [id, { known }] of this.#entries) if (isRefusal(known)) yield [id, known];
  }

  get(id: string): SourcedBundle | null {
    const known = this.#entries.get(id)?.known;
    return known === undefined || isRefusal(known) ? null : known;
  }

  /** Some bundle was no longer what the plan was made with; the next scan reads it again. */
  get isUnsettled(): boolean {
    return this.#again.size > 0;
  }

  /** Whether the next scan reads it though its source sees no change. */
  isReadAgain(id: string): boolean {
    return this.#again.has(id);
  }

  /** Reads the texts of a bundle. @returns a refusal where they are no longer those that were planned with */
  async open(planned: SourcedBundle): Promise<OpenedBundle | Refusal> {
    const moved = refusal(
      'incomplete',
      `${planned.location} changed while it was processed; it is read again`,
    );
    const entry = this.#entries.get(planned.id);
    if (entry === undefined) return moved;
    const opened = (await understand(await readSafely(entry.source, entry.name))) ?? moved;
    if (!isRefusal(opened) && opened.bundle.content === planned.content) {
      // Until now it may have been known from Kong's copy alone, which may hold a root.
      entry.known = { ...opened.bundle, id: planned.id, ...this.traitsOf(entry.source) };
      return opened;
    }
    this.#again.set(planned.id, entry);
    return isRefusal(opened) ? opened : moved;
  }

  private traitsOf(source: Source) {
    return traitsOf(source, this.sources.indexOf(source));
  }

  /** Takes over what Kong's copy tells. @returns whether it differs from what was known; null: Kong has no copy */
  private isStored({ source, name, pem, location, secret, hosts }: UnmatchedBundle): boolean | null {
    const half = pem === null ? undefined : this.find(pem.content);
    if (pem === null || half?.leaf == null) return null;
    const id = bundleId(source, name);
    this.#unread.delete(id);
    const before = this.#entries.get(id)?.known;
    if (isSameAs(before, pem.content, { hosts, secret })) return false;
    const { content, chain, chainLength } = pem;
    const { leaf, reach } = half;
    const known: SourcedBundle = {
      id,
      name,
      location,
      content,
      chain,
      rawChain: chain,
      chainLength,
      reach,
      leaf,
      ...this.traitsOf(source),
    };
    if (secret !== undefined) known.secret = secret;
    if (hosts !== undefined) known.hosts = hosts;
    this.#entries.set(id, { source, name, known });
    return true;
  }

  /** @returns whether it differs from what was known */
  private async update({ source, name, raw }: UnmatchedBundle): Promise<boolean> {
    const id = bundleId(source, name);
    const entry = this.#entries.get(id);
    const before = entry?.known;
    const understood = understand(raw === undefined ? await readSafely(source, name) : raw);
    // Plain PEM is understood at once.
    const opened = understood instanceof Promise ? await understood : understood;
    this.#unread.delete(id);
    if (opened === null) return this.#entries.delete(id);
    if (isRefusal(opened)) {
      if (ENVIRONMENT.has(opened.reason)) this.#unread.set(id, { source, name });
      // What cannot be asked just now is taken for what it was.
      if (opened.reason === 'unreachable' && before !== undefined && !isRefusal(before)) return false;
      const isSame = before !== undefined && isRefusal(before) && before.message === opened.message;
      const last = before === undefined || isRefusal(before) ? entry?.before : before;
      this.#entries.set(id, { source, name, known: opened, ...(last === undefined ? {} : { before: last }) });
      return !isSame;
    }
    if (isSameAs(before, opened.bundle.content, opened.bundle)) return false;
    this.#entries.set(id, { source, name, known: { ...opened.bundle, id, ...this.traitsOf(source) } });
    return true;
  }
}

function isSameAs(
  before: SourcedBundle | Refusal | undefined,
  content: Digest,
  { hosts, secret }: Partial<Pick<UnmatchedBundle, 'hosts' | 'secret'>>,
): boolean {
  if (before === undefined || isRefusal(before)) return false;
  // A Secret that was deleted and made again has another UID.
  return (
    before.content === content &&
    before.hosts?.join() === hosts?.join() &&
    before.secret?.uid === secret?.uid &&
    before.secret?.certificate === secret?.certificate
  );
}

/** What a bundle has of its source. */
const traitsOf = ({ create, createIsExplicit, snis, ownership }: Source, order: number) => ({
  create,
  order,
  ...(snis === undefined ? {} : { snis }),
  ...(ownership === undefined ? {} : { ownership }),
  ...(createIsExplicit === undefined ? {} : { createIsExplicit }),
});

const bundleId = (source: Source, name: string) =>
  source.id.endsWith(name) ? source.id : `${source.id}#${name}`;
