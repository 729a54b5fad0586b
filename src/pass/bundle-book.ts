import type { LeafFacts } from '../certificates';
import { push } from '../common/multimap';
import { isRefusal, refusal, type Refusal, type Source, type SourcedBundle, type StrayFile } from '../model';
import { copiesAmong } from './copies';

/** Knowledge about one bundle of a source: its facts, or its refusal. */
export interface Entry {
  source: Source;
  name: string;
  known: SourcedBundle | Refusal;
  /** The facts before it was refused. */
  before?: SourcedBundle;
  /** Facts of a leaf without a key: no trouble where another bundle has it, or a newer one. */
  alone?: LeafFacts;
}

/** Every bundle of every source by id, as it was last read, without the texts; copies are shown once. */
export class BundleBook {
  readonly #entries = new Map<string, Entry>();
  /** The shown bundle for each copy; null: to be computed again after a change. */
  #copies: ReadonlyMap<string, Entry> | null = null;
  readonly #alone = new Map<string, LeafFacts>();
  /** Ids of bundles that cannot be read now. Mostly there are none, which saves a search through all bundles. */
  readonly #unreadable = new Set<string>();
  /** Leaves without a key that need none. */
  readonly #excused = new Set<string>();
  /** Null: to be counted again after a change. */
  #counts: Map<Source, number> | null = null;

  entry(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  get(id: string): SourcedBundle | null {
    const known = this.#entries.get(id)?.known;
    return known === undefined || isRefusal(known) ? null : known;
  }

  sourceOf(id: string): string {
    return this.#entries.get(id)?.source.id ?? '';
  }

  /** Whether a bundle comes from a cluster. */
  isOfCluster(id: string): boolean {
    return this.#entries.get(id)?.source.asked !== undefined;
  }

  /** Number of bundles, each counted once. */
  get total(): number {
    return [...this.counts().values()].reduce((sum, count) => sum + count, 0);
  }

  set(id: string, entry: Entry): void {
    this.#counts = null;
    this.#copies = null;
    this.#entries.set(id, entry);
    this.#excused.delete(id);
    if (isRefusal(entry.known)) this.#unreadable.add(id);
    else this.#unreadable.delete(id);
    if (entry.alone === undefined) this.#alone.delete(id);
    else this.#alone.set(id, entry.alone);
  }

  /** @returns whether it existed */
  delete(id: string): boolean {
    this.#counts = null;
    this.#copies = null;
    this.#alone.delete(id);
    this.#excused.delete(id);
    this.#unreadable.delete(id);
    return this.#entries.delete(id);
  }

  /**
   * To be called after changes: excuses leaves without a key where another bundle has the same leaf, or a newer
   * one.
   */
  excuse(): void {
    this.#excused.clear();
    if (this.#alone.size === 0) return;
    const wanted = new Map<string, LeafFacts[]>();
    for (const leaf of this.#alone.values()) {
      push(wanted, leaf.digest, leaf);
      push(wanted, kindOf(leaf.info), leaf);
    }
    const found = new Set<LeafFacts>();
    for (const { known } of this.#entries.values()) {
      if (isRefusal(known)) continue;
      for (const leaf of wanted.get(known.chain.split('.', 1)[0] ?? '') ?? []) found.add(leaf);
      for (const leaf of wanted.get(kindOf(known.leaf)) ?? []) {
        const { notBefore, notAfter } = leaf.info;
        if (notBefore <= known.leaf.notBefore && notAfter <= known.leaf.notAfter) found.add(leaf);
      }
    }
    for (const [id, leaf] of this.#alone) if (found.has(leaf)) this.#excused.add(id);
  }

  /** All entries, copies included. */
  values(): Iterable<Entry> {
    return this.#entries.values();
  }

  /** Bundles that were parsed, each once. */
  bundles(): SourcedBundle[] {
    const copies = this.copies();
    const found: SourcedBundle[] = [];
    for (const [id, { known }] of this.#entries) if (!isRefusal(known) && !copies.has(id)) found.push(known);
    return found;
  }

  /** The last readable state of bundles that cannot be read now. */
  *broken(): Iterable<SourcedBundle> {
    if (this.#unreadable.size === 0) return;
    for (const { before } of this.#entries.values()) if (before !== undefined) yield before;
  }

  /** Bundles that could not be parsed, by id. */
  *refused(): Iterable<[id: string, why: Refusal]> {
    if (this.#unreadable.size === 0) return;
    for (const [id, { known }] of this.#entries)
      if (isRefusal(known) && !this.#excused.has(id)) yield [id, known];
  }

  /** Number of bundles of each source, each counted once. */
  counts(): ReadonlyMap<Source, number> {
    if (this.#counts !== null) return this.#counts;
    const counts = new Map<Source, number>();
    const copies = this.copies();
    for (const [id, { source, alone }] of this.#entries)
      if (alone === undefined && !copies.has(id)) counts.set(source, (counts.get(source) ?? 0) + 1);
    this.#counts = counts;
    return counts;
  }

  /** Files of a source that another source has, too. */
  foundTwice(source: Source): StrayFile[] {
    const found: StrayFile[] = [];
    for (const [id, first] of this.copies()) {
      const known = this.#entries.get(id)?.known;
      if (known === undefined || isRefusal(known) || isRefusal(first.known)) continue;
      if (this.#entries.get(id)?.source !== source || first.source === source) continue;
      const { location } = known;
      const what = `${location} is also in the source ${first.source.id}, and is taken from there`;
      found.push({ location, ...refusal('found_twice', what) });
    }
    return found;
  }

  private copies(): ReadonlyMap<string, Entry> {
    this.#copies ??= copiesAmong(this.#entries);
    return this.#copies;
  }
}

const kindOf = ({ names, keyType, issuer = '' }: LeafFacts['info']) =>
  [keyType, issuer, ...[...names].sort()].join('\0');
