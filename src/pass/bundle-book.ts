import { factsOf, NO_ISSUERS, type IssuerSet, type LeafFacts, type OpenedBundle } from '../certificates';
import { optimiseFor } from '../common/optimise';
import { Slices } from '../common/slices';
import {
  inTurn,
  isRefusal,
  ownerOf,
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
import { Shares } from './shares';
import { WholeChains } from './whole-chain';

export interface BookScanOptions {
  /** Settles when `find` knows what Kong stores, with whether that has changed; reading goes on meanwhile. */
  stored?: Promise<unknown>;
  /** Milliseconds since the epoch. */
  now: number;
  /** Fetch even what looks unchanged. */
  whole?: boolean;
  progress?: ProgressListener | undefined;
}

export interface BookScan {
  /** Whether anything differs from the scan before. */
  changed: boolean;
  /** Number of bundles that were read. */
  read: number;
  /** Bundles that have changed, with their former state; null: new. */
  differing: Map<string, SourcedBundle | null>;
  errors: { source: string; refusal: Refusal }[];
}

export interface BookOptions {
  /**
   * Finds a stored half by content: a bundle that Kong has to the letter needs no parsing, since Kong's copy was
   * parsed already.
   */
  find?: (content: Digest) => StoredHalf | undefined;
  /** Everything that Kong stores: its chains complete those of bundles. */
  stored?: () => Iterable<StoredCertificate>;
  /** CAs that the operator trusts, beside the public ones. */
  trusted?: () => IssuerSet;
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** Milliseconds from any beginning, for the time that each tenant takes; default: the real ones. */
  ticks?: () => number;
}

/** Most bundles of tenants whose share was spent that the next scan reads again. */
const MOST_POSTPONED = 200;

/** Refusals about the machine, the network or permissions, which say nothing about the bundle. */
const ENVIRONMENT: ReadonlySet<Reason> = new Set(['unreadable', 'unreachable', 'forbidden']);

/** Every bundle of every source, as it was last read, without the texts. */
export class BundleBook {
  readonly #entries = new BundleEntries();
  readonly #chains: WholeChains;
  /** Bundles whose chain ends early, by id. */
  readonly #incomplete = new Set<string>();
  /** Leaves whose chain may still be written, with their former state, by bundle id. */
  readonly #held = new Map<string, Pick<Entry, 'source' | 'name'> & { until: number }>();
  /** State of each source at the last scan. */
  readonly #sources = new Map<
    Source,
    { error: KnownRefusal | null; isAway: boolean; strays: readonly StrayFile[] }
  >();
  /** Bundles to read again though their source sees no change in them, by bundle id. */
  readonly #again = new Map<string, Place>();
  /** Changed bundles of tenants that have spent their share of a scan, by bundle id. */
  readonly #postponed = new Map<string, Place & { owner: string }>();
  /** Ids of incomplete bundles that are still to be completed with what was found last. */
  #uncompleted = new Set<string>();
  /**
   * Bundles that the source or the machine did not let read: no fact about them, so every full scan tries again
   * although nothing changed. By bundle id.
   */
  readonly #unread = new Map<string, Pick<Entry, 'source' | 'name'>>();
  #scans = 0;
  /** Sources with `create` at the last scan. */
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
      ...this.takePostponed(),
    ];
    this.#again.clear();
    const shares = new Shares(this.options.ticks);
    this.#scans += 1;
    let held = 0;
    const readAll = async (source: Source, names: Iterable<string>): Promise<UnmatchedBundle[]> => {
      const found: UnmatchedBundle[] = [];
      for (const name of names) {
        // Awaited only where it is a promise: an await for each of 10,000 files costs as much as parsing them.
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
    const count = again.length + scans.reduce((sum, { changed }) => sum + changed.length, 0);
    optimiseFor(count);
    progress?.begin('read', count);
    const readings = scans.map((scan, index) => {
      const source = this.sources[index] as Source;
      this.noteSource(source, scan);
      result.errors.push(...troublesOf(scan).map((why) => ({ source: source.id, refusal: why })));
      for (const name of scan.removed) {
        const id = bundleId(source, name);
        if (this.forget(id)) result.changed = true;
      }
      const names = new Set(scan.changed);
      for (const entry of again) if (entry.source === source) names.add(entry.name);
      // Read separately: slow reads of one source hold up no other one.
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
      const owner = tenantOf(seen);
      if (shares.isSpent(owner)) {
        this.#postponed.set(id, { source: seen.source, name: seen.name, owner });
        continue;
      }
      const before = this.get(id);
      const begin = shares.begin();
      const isNews = this.isStored(id, seen) ?? (await this.update(id, seen, bare));
      shares.end(owner, begin);
      if (!isNews) continue;
      result.differing.set(id, before);
      if (slices.due) await slices.pause();
    }
    await this.completeChains(result, kongChanged, shares);
    this.holdBare(bare, result);
    if (result.differing.size > 0) result.changed = true;
    if (result.changed) this.#entries.excuse();
    return result;
  }

  /** Whether a bundle comes from a cluster. */
  isOfCluster(id: string): boolean {
    return this.#entries.get(id)?.source.asked !== undefined;
  }

  /** Whether a source has an explicit `create: true`. */
  get createsInSoManyWords(): boolean {
    return this.sources.some(({ createIsExplicit }) => createIsExplicit === true);
  }

  /** Names that resources of the clusters request, with the Secret of each; null: unknown. */
  async asked(): Promise<ReadonlyMap<string, string> | null> {
    const all = await Promise.all(this.sources.flatMap((source) => source.asked?.() ?? []));
    const known = all.filter((asked) => asked !== null);
    if (known.length < all.length || known.length === 0) return null;
    return new Map(known.reverse().flatMap((asked) => [...asked]));
  }

  /** Completes chains that end early with certificates from Kong or other bundles. */
  private async completeChains(result: BookScan, kongChanged: boolean, shares: Shares): Promise<void> {
    if (result.differing.size > 0 || result.changed || kongChanged) {
      this.#chains.reset();
      this.#uncompleted = new Set(this.#incomplete);
    }
    for (const id of this.#uncompleted) {
      const known = this.get(id);
      const owner = known === null ? '' : ownerOf(known);
      if (shares.isSpent(owner)) continue;
      this.#uncompleted.delete(id);
      const missing = known === null ? null : this.#chains.missing(known.reach);
      if (known === null || missing === null || !this.#chains.knows(missing)) continue;
      const { source, name } = this.#entries.get(id) as Entry;
      const begin = shares.begin();
      const opened = await understand(await readSafely(source, name));
      const whole = opened === null || isRefusal(opened) ? null : this.#chains.complete(opened, source);
      shares.end(owner, begin);
      if (whole === null) continue;
      if (isSameAs(known, whole.bundle.content, whole.bundle)) continue;
      const before = result.differing.get(id);
      this.put(id, { source, name, known: this.known(id, whole, source) });
      // Completed again to the same chain, it has not changed.
      if (before != null && isSameAs(before, whole.bundle.content, whole.bundle)) result.differing.delete(id);
      else if (before === undefined) result.differing.set(id, known);
    }
  }

  /** Holds a bare leaf whose issuer is nowhere, as long as its chain may still be on the way. */
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

  /** Sources with a bundle whose renewal should have appeared: their servers may wrongly report it unchanged. */
  private dueSources(now: number): Set<Source> {
    const due = new Set<Source>();
    for (const { source, known } of this.#entries.values()) {
      if (isRefusal(known) || due.has(source)) continue;
      if (now >= (known.renewalAt ?? usualRenewalAt(known.leaf.notBefore, known.leaf.notAfter)))
        due.add(source);
    }
    return due;
  }

  private noteSource(source: Source, scan: SourceScan): void {
    const known = this.#sources.get(source);
    const before = known?.error;
    const [why] = troublesOf(scan);
    const isSame = why !== undefined && before?.why.message === why.message;
    const error = why === undefined ? null : isSame ? before : { why, since: Date.now() };
    this.#sources.set(source, {
      error: error ?? null,
      isAway: scan.errors.length > 0,
      strays: scan.strays ?? known?.strays ?? [],
    });
  }

  /** Number of scans so far. */
  get scans(): number {
    return this.#scans;
  }

  /** Number of bundles, each counted once. */
  get total(): number {
    let total = 0;
    for (const count of this.#entries.counts().values()) total += count;
    return total;
  }

  /** Ids of sources that could not be scanned completely. */
  get awaySources(): Set<string> {
    return new Set([...this.#sources].flatMap(([{ id }, { isAway }]) => (isAway ? [id] : [])));
  }

  /** The sources that were scanned. */
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

  /** Bundles that were parsed, each once. */
  bundles(): Iterable<SourcedBundle> {
    return this.#entries.bundles();
  }

  /** The last readable state of bundles that cannot be read now. */
  broken(): Iterable<SourcedBundle> {
    return this.#entries.broken();
  }

  /** Bundles that could not be parsed, by id. */
  refused(): Iterable<[id: string, why: Refusal]> {
    return this.#entries.refused();
  }

  get(id: string): SourcedBundle | null {
    const known = this.#entries.get(id)?.known;
    return known === undefined || isRefusal(known) ? null : known;
  }

  /** Whether a bundle has changed since the plan; the next scan reads it again. */
  get isUnsettled(): boolean {
    const waiting = [this.#again, this.#held, this.#postponed, this.#uncompleted];
    return waiting.some(({ size }) => size > 0);
  }

  /** When the first held leaf is taken without its chain (milliseconds since the epoch); Infinity: none is held. */
  get heldUntil(): number {
    return Math.min(...[...this.#held.values()].map(({ until }) => until), Number.POSITIVE_INFINITY);
  }

  /** Whether the next scan reads a bundle even if its source reports no change. */
  isReadAgain(id: string): boolean {
    return this.#again.has(id);
  }

  /**
   * Reads the texts of a bundle.
   * @returns a refusal where they are no longer those of the plan
   */
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
      // The former facts may be from Kong's copy, which may contain a root.
      entry.known = this.known(planned.id, opened, entry.source);
      return opened;
    }
    this.#again.set(planned.id, entry);
    return isRefusal(opened) ? opened : moved;
  }

  /** Some of the postponed bundles, each tenant's in its turn. */
  private takePostponed(): Place[] {
    const all = [...this.#postponed];
    const taken = inTurn(all, ([, { owner }]) => owner).slice(0, MOST_POSTPONED);
    for (const [id] of taken) this.#postponed.delete(id);
    return taken.map(([, place]) => place);
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
    this.#postponed.delete(id);
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
    // Files beside it may complete Kong's copy.
    if (seen.hasIssuers && this.#chains.missing(half.reach) !== null) return null;
    this.#unread.delete(id);
    const before = this.#entries.get(id)?.known;
    if (isSameAs(before, pem.content, { hosts, secret })) return false;
    // Shares Kong's objects and strings: there are thousands, and identical strings compare at once.
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

  /** @returns whether it differs from the former state */
  private async update(
    id: string,
    { source, name, raw: seen }: UnmatchedBundle,
    bare: Map<string, Bare>,
  ): Promise<boolean> {
    const entry = this.#entries.get(id);
    const before = entry?.known;
    const raw = seen === undefined ? await readSafely(source, name) : seen;
    const understood = understand(raw);
    // Plain PEM is parsed synchronously.
    const opened = understood instanceof Promise ? await understood : understood;
    this.#unread.delete(id);
    if (opened === null || raw === null) return this.forget(id);
    if (isRefusal(opened)) {
      if (ENVIRONMENT.has(opened.reason)) this.#unread.set(id, { source, name });
      // While the source does not answer, the former state counts.
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
    // Kong's copy has a completed chain; this one will be completed to the same.
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

const troublesOf = ({ errors, partial = [] }: SourceScan): Refusal[] => [...errors, ...partial];

/** Where a bundle is read. */
type Place = Pick<Entry, 'source' | 'name'>;

/** The tenant whose bundle it is; empty: the operator's. */
function tenantOf({ source, name, secret }: UnmatchedBundle): string {
  if (source.ownership !== 'tenants') return '';
  return `${secret?.cluster ?? ''}/${secret?.namespace ?? name.split('/', 1)[0] ?? ''}`;
}

/** A leaf without any issuer. */
interface Bare {
  source: Source;
  name: string;
  /** Until then (milliseconds since the epoch) its chain may still be written. */
  until: number;
  /** The bundle's former state. */
  before: Entry | undefined;
}

/** The leaf of a file without a key. */
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
  // A Secret that was deleted and created again has another UID.
  return (
    before.content === content &&
    before.hosts?.join() === hosts?.join() &&
    before.secret?.uid === secret?.uid &&
    before.secret?.certificate === secret?.certificate
  );
}

/** Properties that a bundle inherits from its source. */
const traitsOf = ({ create, createIsExplicit, snis, ownership }: Source, order: number) => ({
  create,
  order,
  ...(snis === undefined ? {} : { snis }),
  ...(ownership === undefined ? {} : { ownership }),
  ...(createIsExplicit === undefined ? {} : { createIsExplicit }),
});

const bundleId = (source: Source, name: string) =>
  source.id.endsWith(name) ? source.id : `${source.id}#${name}`;
