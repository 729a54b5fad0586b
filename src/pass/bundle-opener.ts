import { NO_ISSUERS, type IssuerSet, type OpenedBundle } from '../certificates';
import { Slices } from '../common/slices';
import {
  isRefusal,
  ownerOf,
  type Bundle,
  type Digest,
  type Reason,
  type Refusal,
  type Source,
  type SourcedBundle,
  type StoredCertificate,
  type StoredHalf,
} from '../model';
import type { BareLeaf } from './bare-leaves';
import type { BundleBook, Entry } from './bundle-book';
import { isSameAs, leafAlone, sourced } from './known-bundle';
import type { OpenedAhead } from './opened-ahead';
import { readSafely } from './reading';
import type { Shares } from './shares';
import type { UnmatchedBundle } from './unmatched-bundle';
import { WholeChains } from './whole-chain';

export interface BundleOpenerOptions {
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

/** Refusals about the machine, the network or permissions, which say nothing about the bundle. */
const ENVIRONMENT: ReadonlySet<Reason> = new Set(['unreadable', 'unreachable', 'forbidden']);

/** Opens bundles and completes their chains; the book gets the facts. */
export class BundleOpener {
  readonly #chains: WholeChains;
  /** Those that are still to be completed with what was found last. */
  #uncompleted = new Set<string>();
  /**
   * Bundles that the source or the machine did not let read: no fact about them, so every full scan tries again
   * although nothing changed. By bundle id.
   */
  readonly #unread = new Map<string, Pick<Entry, 'source' | 'name'>>();

  constructor(
    private readonly sources: readonly Source[],
    private readonly book: BundleBook,
    private readonly openedAhead: OpenedAhead,
    private readonly options: BundleOpenerOptions,
  ) {
    const { stored = () => [], trusted = () => NO_ISSUERS, now = Date.now } = options;
    this.#chains = new WholeChains({
      stored,
      trusted,
      entries: () => this.book.values(),
      isShared: sources.some(({ ownership }) => ownership === 'tenants'),
      now,
    });
  }

  /** Bundles that could not be read. */
  unread(): Iterable<Pick<Entry, 'source' | 'name'>> {
    return this.#unread.values();
  }

  /**
   * Puts a bundle that was read into the book.
   * @param bare gets a leaf without any issuer
   * @returns whether it differs from the former state
   */
  take(id: string, seen: UnmatchedBundle, bare: Map<string, BareLeaf>): boolean | Promise<boolean> {
    return this.takeStored(id, seen) ?? this.update(id, seen, bare);
  }

  /** Takes over what Kong's copy tells. @returns whether it differs from what was known; null: Kong has no copy */
  private takeStored(id: string, seen: UnmatchedBundle): boolean | null {
    const { source, name, pem, location, secret, hosts } = seen;
    const half = pem === null ? undefined : this.options.find?.(pem.content);
    if (pem === null || half?.leaf == null) return null;
    // Files beside it may complete Kong's copy.
    if (seen.hasIssuers && this.#chains.missing(half.reach) !== null) return null;
    this.#unread.delete(id);
    const before = this.book.entry(id)?.known;
    if (isSameAs(before, pem.content, { hosts, secret })) return false;
    // Shares Kong's objects and strings: there are thousands, and identical strings compare at once.
    const { content, chain, leaf, reach } = half;
    const bundle: Bundle = {
      location,
      content,
      chain,
      rawChain: chain,
      chainLength: pem.chainLength,
      reach,
      leaf,
      ...(secret === undefined ? {} : { secret }),
      ...(hosts === undefined ? {} : { hosts }),
    };
    this.book.set(id, { source, name, known: this.known(id, bundle, source) });
    return true;
  }

  /** @returns whether it differs from the former state */
  private async update(
    id: string,
    { source, name, raw: seen, pemContent }: UnmatchedBundle,
    bare: Map<string, BareLeaf>,
  ): Promise<boolean> {
    const entry = this.book.entry(id);
    const before = entry?.known;
    const raw = seen === undefined ? await readSafely(source, name) : seen;
    const understood = this.openedAhead.open(id, raw, pemContent);
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
      this.book.set(id, {
        source,
        name,
        known: opened,
        ...(last === undefined ? {} : { before: last }),
        ...(alone === null ? {} : { alone }),
      });
      return !isSame;
    }
    if (!isRefusal(raw)) this.openedAhead.holdHalf(id, raw, opened);
    // Kong's copy has a completed chain; this one will be completed to the same.
    if (isSameAs(before, opened.bundle.content, opened.bundle)) return false;
    const known = this.known(id, opened.bundle, source);
    const isUsual =
      before !== undefined &&
      !isRefusal(before) &&
      before.chainLength === 1 &&
      before.reach.issuers[0] === known.reach.issuers[0];
    if (known.chainLength === 1 && known.openEnd !== undefined && !isRefusal(raw) && !isUsual)
      bare.set(id, { source, name, until: raw.settlesAt ?? 0, before: entry });
    this.book.set(id, { source, name, known });
    return true;
  }

  /** Whether tenants' chains are left whose share of the scan was spent. */
  get isCompleting(): boolean {
    return this.#uncompleted.size > 0;
  }

  /**
   * Completes chains that end early with certificates from Kong or other bundles.
   * @param isNews whether there is something new to complete them with; else only those that differ, and those that are
   * left from before, are tried
   */
  async completeChains(
    differing: Map<string, SourcedBundle | null>,
    isNews: boolean,
    shares: Shares,
  ): Promise<void> {
    this.noteUncompleted(differing, isNews);
    const slices = new Slices();
    for (const id of this.#uncompleted) {
      if (slices.due) await slices.pause();
      const known = this.book.get(id);
      const owner = known === null ? '' : ownerOf(known);
      if (shares.isSpent(owner)) continue;
      this.#uncompleted.delete(id);
      const missing = known === null ? null : this.#chains.missing(known.reach);
      if (known === null || missing === null || !this.#chains.knows(missing)) continue;
      const { source, name } = this.book.entry(id) as Entry;
      const begin = shares.begin();
      const opened = await this.openedAhead.open(id, await readSafely(source, name));
      const whole = opened === null || isRefusal(opened) ? null : this.#chains.complete(opened, source);
      shares.end(owner, begin);
      if (whole === null) continue;
      if (isSameAs(known, whole.bundle.content, whole.bundle)) continue;
      const before = differing.get(id);
      this.book.set(id, { source, name, known: this.known(id, whole.bundle, source) });
      // Completed again to the same chain, it has not changed.
      if (before != null && isSameAs(before, whole.bundle.content, whole.bundle)) differing.delete(id);
      else if (before === undefined) differing.set(id, known);
    }
  }

  private noteUncompleted(differing: ReadonlyMap<string, unknown>, isNews: boolean): void {
    if (isNews) {
      this.#chains.reset();
      this.#uncompleted = new Set();
      // Most chains of a private CA end below its root, and nothing completes them: 10,000 are passed over here.
      for (const { known } of this.book.values())
        if (!isRefusal(known) && this.#chains.mayGoOn(known.reach)) this.#uncompleted.add(known.id);
      return;
    }
    for (const id of differing.keys()) {
      const reach = this.book.get(id)?.reach;
      if (reach !== undefined && this.#chains.mayGoOn(reach)) this.#uncompleted.add(id);
    }
  }

  /** Opens a bundle as it is now; null: it is gone. */
  async open(id: string, content: Digest): Promise<OpenedBundle | Refusal | null> {
    const entry = this.book.entry(id);
    const found =
      entry === undefined
        ? null
        : await this.openedAhead.open(id, await readSafely(entry.source, entry.name));
    if (entry === undefined || found === null || isRefusal(found)) return found;
    const opened = this.#chains.complete(found, entry.source);
    // The former facts may be from Kong's copy, which may contain a root.
    if (opened.bundle.content === content) entry.known = this.known(id, opened.bundle, entry.source);
    return opened;
  }

  /** Whether a bundle is a leaf without any issuer, unlike the leaves of that issuer in Kong. */
  isBare(id: string): boolean {
    const known = this.book.get(id);
    if (known?.openEnd === undefined || known.chainLength > 1) return false;
    const [issuer = ''] = known.reach.issuers;
    return !this.#chains.isUsuallyBare(issuer);
  }

  /** @returns whether it was known */
  forget(id: string): boolean {
    this.#unread.delete(id);
    return this.book.delete(id);
  }

  private known(id: string, bundle: Bundle, source: Source): SourcedBundle {
    const known = sourced(bundle, id, source, this.sources.indexOf(source));
    const openEnd = this.#chains.openEnd(bundle.reach);
    if (openEnd !== null) known.openEnd = openEnd;
    return known;
  }
}
