import { factsOf, NO_ISSUERS, type IssuerSet, type LeafFacts, type OpenedBundle } from '../certificates';
import { Slices } from '../common/slices';
import {
  isRefusal,
  refusal,
  usualRenewalAt,
  type Digest,
  type KnownRefusal,
  type RawBundle,
  type Reason,
  type Refusal,
  type Source,
  type SourceState,
  type SourcedBundle,
  type SourceScan,
  type StoredCertificate,
  type StoredHalf,
  type StrayFile,
} from '../model';
import { BundleEntries, type Entry } from './entries';
import type { ProgressListener } from './step';
import { MAX_HELD_CHARS, unmatched, type UnmatchedBundle } from './unmatched-bundle';
import { readSafely, scanSafely, understand } from './reading';
import { WholeChains } from './whole-chain';

export interface BookScanOptions {
  /** Settles when `find` knows what Kong stores, with whether that changed; reading goes on meanwhile. */
  stored?: Promise<unknown>;
  /** Milliseconds since the epoch. */
  now: number;
  /** What looks unchanged is fetched, too. */
  whole?: boolean;
  progress?: ProgressListener | undefined;
}

export interface BookScan {
  /** Something differs from the scan before. */
  changed: boolean;
  /** How many bundles were read. */
  read: number;
  /** Which of them are no longer what they were, with what they were; null: not known before. */
  differing: Map<string, SourcedBundle | null>;
  errors: { source: string; refusal: Refusal }[];
}

export interface BookOptions {
  /**
   * Finds what Kong stores by its content: a bundle that is there to the letter needs no parsing, Kong's copy was
   * parsed already.
   */
  find?: (content: Digest) => StoredHalf | undefined;
  /** Everything that Kong stores: its chains complete those of bundles. */
  stored?: () => Iterable<StoredCertificate>;
  /** CAs that the operator vouches for, beside the public ones. */
  trusted?: () => IssuerSet;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

/** Refusals that say something about the machine, the network or the rights, and nothing about the bundle. */
const ENVIRONMENT: ReadonlySet<Reason> = new Set(['unreadable', 'unreachable', 'forbidden']);

/** Every bundle of every source, as it was last read, without the texts. */
export class BundleBook {
  readonly #entries = new BundleEntries();
  readonly #chains: WholeChains;
  /** Bundles whose chain ends early, by id. */
  readonly #incomplete = new Set<string>();
  /** Leaves whose chain may still be written, with what was known before, by bundle id. */
  readonly #held = new Map<string, Pick<Entry, 'source' | 'name'> & { until: number }>();
  /** How each source was at the last look. */
  readonly #sources = new Map<Source, { error: KnownRefusal | null; strays: readonly StrayFile[] }>();
  /** Bundles to read again though their source sees no change in them, by bundle id. */
  readonly #again = new Map<string, Entry>();
  /**
   * Bundles whose source or machine did not let them be read: that is no fact about them, so every scan of everything
   * tries again though nothing changed. By bundle id.
   */
  readonly #unread = new Map<string, Pick<Entry, 'source' | 'name'>>();
  /** Sources that created at the last scan. */
  #creating: ReadonlySet<Source> = new Set();

  constructor(
    private readonly sources: readonly Source[],
    private readonly options: BookOptions = {},
  ) {
    const { stored = () => [], trusted = () => NO_ISSUERS } = options;
    this.#chains = new WholeChains({
      stored,
      trusted,
      entries: () => this.#entries.values(),
      isShared: sources.some(({ ownership }) => ownership === 'tenants'),
      now: () => this.now(),
    });
  }

  /** Scans every source (or only what a watch touched) and reads what changed. */
  async scan(
    touched: ReadonlySet<string> | undefined,
    { stored, now, whole = false, progress }: BookScanOptions,
  ): Promise<BookScan> {
    const result: BookScan = { changed: false, read: 0, differing: new Map(), errors: [] };
    const slices = new Slices();
    const again = [
      ...this.#again.values(),
      ...this.#held.values(),
      ...(touched === undefined ? this.#unread.values() : []),
    ];
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
        progress?.step();
        if (slices.due) await slices.pause();
      }
      return found;
    };
    const due = touched === undefined && !whole ? this.dueSources(now) : new Set<Source>();
    const scans = await Promise.all(
      this.sources.map((source) => scanSafely(source, touched, { whole: whole || due.has(source) })),
    );
    progress?.begin('read', again.length + scans.reduce((sum, { changed }) => sum + changed.length, 0));
    const readings = scans.map((scan, index) => {
      const source = this.sources[index] as Source;
      this.noteSource(source, scan);
      result.errors.push(...scan.errors.map((why) => ({ source: source.id, refusal: why })));
      for (const name of scan.removed) {
        const id = bundleId(source, name);
        if (this.forget(id)) result.changed = true;
      }
      const names = new Set(scan.changed);
      for (const entry of again) if (entry.source === source) names.add(entry.name);
      // Slow reads of one source hold up no other one.
      return readAll(source, names);
    });
    const found = (await Promise.all(readings)).flat();
    if (this.noteCreating() || scans.some(({ areAsksNew }) => areAsksNew === true)) result.changed = true;
    result.read = found.length;
    const kongChanged = (await stored) === true;
    const bare = new Map<string, Bare>();
    progress?.begin('open', found.length);
    for (const seen of found) {
      progress?.step();
      const id = bundleId(seen.source, seen.name);
      const before = this.get(id);
      if (!(this.isStored(id, seen) ?? (await this.update(id, seen, bare)))) continue;
      result.differing.set(id, before);
      if (slices.due) await slices.pause();
    }
    await this.completeChains(result, kongChanged);
    this.holdBare(bare, result);
    if (result.differing.size > 0) result.changed = true;
    if (result.changed) this.#entries.excuse();
    return result;
  }

  /** Whether a bundle comes from a cluster. */
  isOfCluster(id: string): boolean {
    return this.#entries.get(id)?.source.asked !== undefined;
  }

  /** A source creates by `create: true`, and not by default. */
  get createsInSoManyWords(): boolean {
    return this.sources.some(({ createIsExplicit }) => createIsExplicit === true);
  }

  /** Names that resources of the clusters ask for, with the Secret of each; null: not known. */
  async asked(): Promise<ReadonlyMap<string, string> | null> {
    const all = await Promise.all(this.sources.flatMap((source) => source.asked?.() ?? []));
    const known = all.filter((asked) => asked !== null);
    if (known.length < all.length || known.length === 0) return null;
    return new Map(known.reverse().flatMap((asked) => [...asked]));
  }

  /** Bundles that end early gain what Kong or other bundles have of their issuers. */
  private async completeChains(result: BookScan, kongChanged: boolean): Promise<void> {
    if (result.differing.size === 0 && !result.changed && !kongChanged) return;
    this.#chains.reset();
    for (const id of this.#incomplete) {
      const known = this.get(id);
      const missing = known === null ? null : this.#chains.missing(known.reach);
      if (known === null || missing === null || !this.#chains.knows(missing)) continue;
      const { source, name } = this.#entries.get(id) as Entry;
      const opened = await understand(await readSafely(source, name));
      if (opened === null || isRefusal(opened)) continue;
      const whole = this.#chains.complete(opened, source);
      if (isSameAs(known, whole.bundle.content, whole.bundle)) continue;
      const before = result.differing.get(id);
      this.put(id, { source, name, known: this.known(id, whole, source) });
      // What was completed before is the same once more.
      if (before != null && isSameAs(before, whole.bundle.content, whole.bundle)) result.differing.delete(id);
      else if (before === undefined) result.differing.set(id, known);
    }
  }

  /** A leaf that stands alone, and whose issuer nobody has, waits for its chain as long as that may be under way. */
  private holdBare(bare: ReadonlyMap<string, Bare>, result: BookScan): void {
    for (const id of this.#held.keys()) if (!bare.has(id)) this.#held.delete(id);
    for (const [id, { source, name, until, before }] of bare) {
      const known = this.get(id);
      const isBare = known !== null && known.openEnd !== undefined && known.chainLength === 1;
      const [issuer = ''] = known?.reach.issuers ?? [];
      const isSettled = until <= this.now() || this.#chains.isUsuallyBare(issuer);
      if (!isBare || isSettled) {
        this.#held.delete(id);
        continue;
      }
      this.#held.set(id, { source, name, until });
      result.differing.delete(id);
      if (before === undefined) this.forget(id);
      else this.put(id, before);
    }
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

  private noteSource(source: Source, { errors, strays }: SourceScan): void {
    const known = this.#sources.get(source);
    const before = known?.error;
    const [why] = errors;
    const isSame = why !== undefined && before?.why.message === why.message;
    const error = why === undefined ? null : isSame ? before : { why, since: Date.now() };
    this.#sources.set(source, { error: error ?? null, strays: strays ?? known?.strays ?? [] });
  }

  /** How many bundles there are, each counted once. */
  get total(): number {
    let total = 0;
    for (const count of this.#entries.counts().values()) total += count;
    return total;
  }

  /** Ids of sources that could not be looked at whole. */
  get awaySources(): Set<string> {
    return new Set([...this.#sources].flatMap(([{ id }, { error }]) => (error === null ? [] : [id])));
  }

  /** Sources that were looked at. */
  get sourceStates(): SourceState[] {
    const counts = this.#entries.counts();
    return [...this.#sources].map(([source, { error, strays }]) => ({
      id: source.id,
      bundles: counts.get(source) ?? 0,
      error,
      strays: [...strays, ...this.#entries.foundTwice(source)],
    }));
  }

  sourceOf(bundleId: string): string {
    return this.#entries.get(bundleId)?.source.id ?? '';
  }

  /** @returns whether a source began or ceased to create certificates since the last scan */
  private noteCreating(): boolean {
    const creating = new Set(this.sources.filter((source) => source.create));
    const turned = this.sources.filter((source) => creating.has(source) !== this.#creating.has(source));
    this.#creating = creating;
    for (const entry of turned.length === 0 ? [] : [...this.#entries.values()]) {
      const { source, known } = entry;
      if (!turned.includes(source) || isRefusal(known)) continue;
      this.#entries.set(known.id, { ...entry, known: { ...known, create: source.create } });
    }
    return turned.length > 0;
  }

  /** Bundles that were understood, each once. */
  bundles(): Iterable<SourcedBundle> {
    return this.#entries.bundles();
  }

  /** The last readable state of bundles that cannot be read now. */
  broken(): Iterable<SourcedBundle> {
    return this.#entries.broken();
  }

  /** Bundles that were not understood, by id. */
  refused(): Iterable<[id: string, why: Refusal]> {
    return this.#entries.refused();
  }

  get(id: string): SourcedBundle | null {
    const known = this.#entries.get(id)?.known;
    return known === undefined || isRefusal(known) ? null : known;
  }

  /** Some bundle was no longer what the plan was made with; the next scan reads it again. */
  get isUnsettled(): boolean {
    return this.#again.size > 0 || this.#held.size > 0;
  }

  /** When the first leaf is taken that waits for its chain (milliseconds since the epoch); infinity: none does. */
  get heldUntil(): number {
    return Math.min(...[...this.#held.values()].map(({ until }) => until), Number.POSITIVE_INFINITY);
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
    const found = (await understand(await readSafely(entry.source, entry.name))) ?? moved;
    const opened = isRefusal(found) ? found : this.#chains.complete(found, entry.source);
    if (!isRefusal(opened) && opened.bundle.content === planned.content) {
      // Until now it may have been known from Kong's copy alone, which may hold a root.
      entry.known = this.known(planned.id, opened, entry.source);
      return opened;
    }
    this.#again.set(planned.id, entry);
    return isRefusal(opened) ? opened : moved;
  }

  private traitsOf(source: Source) {
    return traitsOf(source, this.sources.indexOf(source));
  }

  private known(id: string, { bundle }: Pick<OpenedBundle, 'bundle'>, source: Source): SourcedBundle {
    const known: SourcedBundle = { ...bundle, id, ...this.traitsOf(source) };
    const openEnd = this.#chains.openEnd(bundle.reach);
    if (openEnd !== null) known.openEnd = openEnd;
    return known;
  }

  private put(id: string, entry: Entry): void {
    this.#entries.set(id, entry);
    const { known } = entry;
    if (!isRefusal(known) && this.#chains.missing(known.reach) !== null) this.#incomplete.add(id);
    else this.#incomplete.delete(id);
  }

  /** @returns whether it was known */
  private forget(id: string): boolean {
    this.#unread.delete(id);
    this.#incomplete.delete(id);
    return this.#entries.delete(id);
  }

  private now(): number {
    return (this.options.now ?? Date.now)();
  }

  /** Takes over what Kong's copy tells. @returns whether it differs from what was known; null: Kong has no copy */
  private isStored(id: string, seen: UnmatchedBundle): boolean | null {
    const { source, name, pem, location, secret, hosts } = seen;
    const half = pem === null ? undefined : this.options.find?.(pem.content);
    if (pem === null || half?.leaf == null) return null;
    // What lies beside it may complete what Kong has of it.
    if (seen.hasIssuers && this.#chains.missing(half.reach) !== null) return null;
    this.#unread.delete(id);
    const before = this.#entries.get(id)?.known;
    if (isSameAs(before, pem.content, { hosts, secret })) return false;
    // One object, and Kong's strings: there are thousands of them, and what is the same string is compared at once.
    const { content, chain, leaf, reach } = half;
    const known: SourcedBundle = {
      id,
      name,
      location,
      content,
      chain,
      rawChain: chain,
      chainLength: pem.chainLength,
      reach,
      leaf,
      ...this.traitsOf(source),
    };
    if (secret !== undefined) known.secret = secret;
    if (hosts !== undefined) known.hosts = hosts;
    const openEnd = this.#chains.openEnd(reach);
    if (openEnd !== null) known.openEnd = openEnd;
    this.put(id, { source, name, known });
    return true;
  }

  /** @returns whether it differs from what was known */
  private async update(
    id: string,
    { source, name, raw: seen }: UnmatchedBundle,
    bare: Map<string, Bare>,
  ): Promise<boolean> {
    const entry = this.#entries.get(id);
    const before = entry?.known;
    const raw = seen === undefined ? await readSafely(source, name) : seen;
    const understood = understand(raw);
    // Plain PEM is understood at once.
    const opened = understood instanceof Promise ? await understood : understood;
    this.#unread.delete(id);
    if (opened === null || raw === null) return this.forget(id);
    if (isRefusal(opened)) {
      if (ENVIRONMENT.has(opened.reason)) this.#unread.set(id, { source, name });
      // What cannot be asked just now is taken for what it was.
      if (opened.reason === 'unreachable' && before !== undefined && !isRefusal(before)) return false;
      const isSame = before !== undefined && isRefusal(before) && before.message === opened.message;
      const last = before === undefined || isRefusal(before) ? entry?.before : before;
      const alone = await leafAlone(raw, opened);
      this.put(id, {
        source,
        name,
        known: opened,
        ...(last === undefined ? {} : { before: last }),
        ...(alone === null ? {} : { alone }),
      });
      return !isSame;
    }
    // Where Kong was seen to have more, the chain was completed; it is once more.
    if (isSameAs(before, opened.bundle.content, opened.bundle)) return false;
    const known = this.known(id, opened, source);
    const isUsual =
      before !== undefined &&
      !isRefusal(before) &&
      before.chainLength === 1 &&
      before.reach.issuers[0] === known.reach.issuers[0];
    if (known.chainLength === 1 && known.openEnd !== undefined && !isRefusal(raw) && !isUsual)
      bare.set(id, { source, name, until: raw.settlesAt ?? 0, before: entry });
    this.put(id, { source, name, known });
    return true;
  }
}

/** A leaf without anything behind it. */
interface Bare {
  source: Source;
  name: string;
  /** Until then (milliseconds since the epoch) its chain may still be written. */
  until: number;
  /** What was known of the bundle. */
  before: Entry | undefined;
}

/** The leaf of a file whose key is nowhere. */
async function leafAlone(raw: RawBundle | Refusal, { reason }: Refusal): Promise<LeafFacts | null> {
  if (isRefusal(raw) || raw.standalone !== 'leaf' || reason !== 'missing_key') return null;
  return (await factsOf(raw.cert, raw.location, undefined)).leaf;
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
