import { isSameReach, type OpenedBundle } from '../certificates';
import type { MaybePromise } from '../common/maybe-async';
import { optimiseFor } from '../common/v8';
import { inSlices } from '../common/slices';
import {
  inTurn,
  isRefusal,
  NOT_RENEWED,
  refusal,
  type Refusal,
  type Source,
  type SourcedBundle,
} from '../model';
import { BareLeaves, type BareLeaf } from './bare-leaves';
import { BundleBook, type Entry } from './bundle-book';
import { BundleOpener, type BundleOpenerOptions } from './bundle-opener';
import { bundleId } from './known-bundle';
import { OpenedAhead } from './opened-ahead';
import { readSafely, scanSafely } from './reading';
import { Shares } from './shares';
import { SourceStates, troublesOf } from './source-states';
import type { ProgressListener } from './step';
import { readSlow, type UnmatchedBundle } from './unmatched-bundle';

interface BundleScanOptions {
  /** Settles when `find` knows what Kong stores, with whether that has changed; slow sources are read meanwhile. */
  stored?: Promise<unknown>;
  /** Fetch even what looks unchanged. */
  whole?: boolean;
  progress?: ProgressListener | undefined;
}

export interface BundleScan {
  /** Whether anything differs from the scan before. */
  changed: boolean;
  /** Number of bundles that were read. */
  read: number;
  /** Bundles that have changed, with their former state; null: new. */
  differing: Map<string, SourcedBundle | null>;
  errors: { source: string; refusal: Refusal }[];
}

/** Most bundles of tenants whose share was spent that the next scan reads again. */
const MOST_POSTPONED = 200;

/** Reads the bundles of every source: what changed into the book, and the texts of one before it is written. */
export class BundleReader {
  readonly book = new BundleBook();
  readonly sources: SourceStates;
  readonly #opener: BundleOpener;
  /** Bundles that were opened before their pass began. */
  readonly openedAhead = new OpenedAhead();
  readonly #bare = new BareLeaves();
  #hasKongNewIssuers = false;
  /** Bundles to read again though their source sees no change in them, by bundle id. */
  readonly #again = new Map<string, Entry>();
  /** Changed bundles of tenants that have spent their share of a scan, by bundle id. */
  readonly #postponed = new Map<string, Postponed>();
  #scans = 0;
  readonly #now: () => number;

  constructor(
    private readonly all: readonly Source[],
    private readonly options: BundleOpenerOptions = {},
  ) {
    this.#now = options.now ?? Date.now;
    this.sources = new SourceStates(all, this.book);
    this.#opener = new BundleOpener(all, this.book, this.openedAhead, options);
  }

  /** Scans every source (or only what a watch touched) and reads what changed. */
  async scan(
    touched: ReadonlySet<string> | undefined,
    { stored, whole = false, progress }: BundleScanOptions = {},
  ): Promise<BundleScan> {
    const result: BundleScan = { changed: false, read: 0, differing: new Map(), errors: [] };
    const again = [
      ...this.#again.values(),
      ...[...this.openedAhead.takeRead()].flatMap((id) => this.book.entry(id) ?? []),
      ...this.#bare.values(),
      ...(touched === undefined ? this.#opener.unread() : []),
      ...this.takePostponed(),
    ];
    this.#again.clear();
    this.#scans += 1;
    const due = touched === undefined && !whole ? this.sources.due(this.#now()) : new Set<Source>();
    const scans = await Promise.all(
      this.all.map(async (source) => ({
        source,
        ...(await scanSafely(source, touched, { whole: whole || due.has(source) })),
      })),
    );
    const count = again.length + scans.reduce((sum, { changed }) => sum + changed.length, 0);
    optimiseFor(count);
    progress?.begin('read', count);
    const wanted = new Map<Source, Set<string>>();
    for (const { source, ...scan } of scans) {
      this.sources.note(source, scan);
      result.errors.push(...troublesOf(scan).map((why) => ({ source: source.id, refusal: why })));
      for (const name of scan.removed) {
        const id = bundleId(source, name);
        this.#postponed.delete(id);
        if (this.#opener.forget(id)) result.changed = true;
      }
      wanted.set(source, new Set(scan.changed));
    }
    for (const { source, name } of again) wanted.get(source)?.add(name);
    const readings = await readSlow(wanted, progress);
    if (this.sources.noteCreating() || scans.some(({ areAsksNew }) => areAsksNew === true))
      result.changed = true;
    const kongChanged = (await stored) === true;
    const bare = new Map<string, BareLeaf>();
    const shares = this.newShares(wanted);
    const take = (seen: UnmatchedBundle) => {
      result.read += 1;
      return this.take(seen, shares, bare, result);
    };
    for (const bundles of readings)
      await inSlices(bundles, (seen) => (seen instanceof Promise ? seen.then(take) : take(seen)));
    const isNews = result.changed || kongChanged || this.#hasKongNewIssuers || this.isAnyReachNew(result);
    this.#hasKongNewIssuers = false;
    await this.#opener.completeChains(result.differing, isNews, shares);
    this.holdBare(bare, result);
    if (result.differing.size > 0) result.changed = true;
    if (result.changed) this.book.excuse();
    return result;
  }

  /** Puts a bundle that was read into the book. */
  private take(
    seen: UnmatchedBundle,
    shares: Shares,
    bare: Map<string, BareLeaf>,
    { differing }: BundleScan,
  ): MaybePromise<void> {
    const id = bundleId(seen.source, seen.name);
    const owner = tenantOf(seen);
    if (shares.isSpent(owner)) {
      this.#postponed.set(id, { source: seen.source, name: seen.name, owner });
      return;
    }
    const before = this.book.get(id);
    const begin = shares.begin();
    const end = (isNews: boolean) => {
      shares.end(owner, begin);
      if (isNews) differing.set(id, before);
    };
    // A promise only where it has to wait: most bundles are in Kong to the letter.
    const taken = this.#opener.take(id, seen, bare);
    if (taken instanceof Promise) return taken.then(end);
    end(taken);
  }

  /**
   * Whether a changed bundle may complete other chains: a renewal by the same issuers does not. Where tenants share a
   * source, every change counts, since names matter there, too.
   */
  private isAnyReachNew({ differing }: BundleScan): boolean {
    if (this.all.some(({ ownership }) => ownership === 'tenants')) return differing.size > 0;
    for (const [id, before] of differing) {
      const now = this.book.get(id);
      if (before === null || now === null || !isSameReach(before.reach, now.reach)) return true;
    }
    return false;
  }

  /** To be called when a write brings issuers into Kong: the next scan completes chains with them. */
  noteNewIssuers(): void {
    this.#hasKongNewIssuers = true;
  }

  /** Holds a bare leaf whose issuer is nowhere, as long as its chain may still be on the way. */
  private holdBare(found: ReadonlyMap<string, BareLeaf>, result: BundleScan): void {
    for (const [id, { before }] of this.#bare.hold(found, (one) => this.#opener.isBare(one), this.#now())) {
      result.differing.delete(id);
      if (before === undefined) this.#opener.forget(id);
      else this.book.set(id, before);
    }
  }

  /** @param wanted bundles that may not be in the book yet */
  newShares(wanted: ReadonlyMap<Source, ReadonlySet<string>> = new Map()): Shares {
    const coming = () =>
      [...wanted].flatMap(([source, names]) => [...names].map((name) => ({ source, name })));
    return new Shares(() => [...coming(), ...this.book.values()].map(tenantOf), this.options.ticks);
  }

  /**
   * Ids of known bundles that touched files belong to.
   * @returns `renewed`: those all of whose files were touched; null: something else was touched, too
   */
  renewedBy(touched: ReadonlySet<string>): { begun: string[]; renewed: string[] | null } {
    const left = new Set(touched);
    const begun: string[] = [];
    const renewed: string[] = [];
    for (const source of this.all) {
      const found = source.renewedBy?.(touched) ?? NOT_RENEWED;
      for (const name of found.begun) begun.push(bundleId(source, name));
      for (const name of found.bundles) renewed.push(bundleId(source, name));
      for (const file of found.files) left.delete(file);
    }
    return { begun, renewed: left.size === 0 ? renewed : null };
  }

  /** Opens a renewed bundle; the next scan reads it again. @returns whether it is whole and passes the gate */
  readAhead(id: string): boolean {
    const entry = this.book.entry(id);
    const before = this.book.get(id);
    if (entry === undefined || before === null) return false;
    const opened = this.openedAhead.hold(id, readSafely(entry.source, entry.name));
    // Tools append the chain to the leaf.
    return opened !== null && opened.bundle.chainLength >= before.chainLength;
  }

  /** Number of scans so far. */
  get scans(): number {
    return this.#scans;
  }

  /** Some of the postponed bundles, each tenant's in its turn. */
  private takePostponed(): Postponed[] {
    const taken = inTurn([...this.#postponed], ([, { owner }]) => owner).slice(0, MOST_POSTPONED);
    for (const [id] of taken) this.#postponed.delete(id);
    return taken.map(([, one]) => one);
  }

  /** Whether a bundle has changed since the plan; the next scan reads it again. */
  get isUnsettled(): boolean {
    return this.#again.size > 0 || this.#bare.size > 0 || this.isPostponing;
  }

  /** Whether the next scan goes on with tenants' bundles whose share was spent. */
  get isPostponing(): boolean {
    return this.#postponed.size > 0 || this.#opener.isCompleting;
  }

  /** When the first held leaf is taken without its chain (milliseconds since the epoch); Infinity: none is held. */
  get heldUntil(): number {
    return this.#bare.until;
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
    const entry = this.book.entry(planned.id);
    if (entry === undefined) return moved;
    const opened = (await this.#opener.open(planned.id, planned.content)) ?? moved;
    if (!isRefusal(opened) && opened.bundle.content === planned.content) return opened;
    this.#again.set(planned.id, entry);
    return isRefusal(opened) ? opened : moved;
  }
}

type Postponed = Pick<Entry, 'source' | 'name'> & { owner: string };

/** The tenant whose bundle it is; empty: the operator's. */
function tenantOf({ source, name }: Pick<Entry, 'source' | 'name'>): string {
  if (source.ownership !== 'tenants') return '';
  return `${source.cluster ?? ''}/${name.split('/', 1)[0] ?? ''}`;
}
