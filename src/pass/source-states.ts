import {
  isRefusal,
  usualRenewalAt,
  type KnownRefusal,
  type Refusal,
  type Source,
  type SourceScan,
  type SourceState,
  type StrayFile,
} from '../model';
import type { BundleBook } from './bundle-book';

/** Troubles of a source, as they are shown. */
export const troublesOf = ({ errors, partial = [] }: SourceScan): Refusal[] => [...errors, ...partial];

/** State of each source, as of its last scan. */
export class SourceStates {
  readonly #states = new Map<
    Source,
    { error: KnownRefusal | null; isAway: boolean; strays: readonly StrayFile[] }
  >();
  /** Sources with `create` at the last scan. */
  #creating: ReadonlySet<Source> = new Set();

  constructor(
    private readonly sources: readonly Source[],
    private readonly book: BundleBook,
  ) {}

  note(source: Source, scan: SourceScan): void {
    const known = this.#states.get(source);
    const before = known?.error;
    const [why] = troublesOf(scan);
    const isSame = why !== undefined && before?.why.message === why.message;
    const error = why === undefined ? null : isSame ? before : { why, since: Date.now() };
    this.#states.set(source, {
      error: error ?? null,
      isAway: scan.errors.length > 0,
      strays: scan.strays ?? known?.strays ?? [],
    });
  }

  /** @returns whether a source began or ceased to create certificates since the last scan */
  noteCreating(): boolean {
    const creating = new Set(this.sources.filter((source) => source.create));
    const turned = this.sources.filter((source) => creating.has(source) !== this.#creating.has(source));
    this.#creating = creating;
    for (const entry of turned.length === 0 ? [] : [...this.book.values()]) {
      const { source, known } = entry;
      if (!turned.includes(source) || isRefusal(known)) continue;
      this.book.set(known.id, { ...entry, known: { ...known, create: source.create } });
    }
    return turned.length > 0;
  }

  /** Sources with a bundle whose renewal should have appeared: their servers may wrongly report it unchanged. */
  due(now: number): Set<Source> {
    const due = new Set<Source>();
    for (const { source, known } of this.book.values()) {
      if (isRefusal(known) || due.has(source)) continue;
      if (now >= (known.renewalAt ?? usualRenewalAt(known.leaf.notBefore, known.leaf.notAfter)))
        due.add(source);
    }
    return due;
  }

  /** Whether a source has an explicit `create: true`. */
  get createsExplicitly(): boolean {
    return this.sources.some(({ createIsExplicit }) => createIsExplicit === true);
  }

  /** Names that resources of the clusters request, with the Secret of each; null: unknown. */
  async asked(): Promise<ReadonlyMap<string, string> | null> {
    // The ingress controller beside Kong follows the resources of the cluster that both are in, where it is known.
    const asking = this.sources.filter((source) => source.asked !== undefined);
    const here = asking.filter(({ cluster }) => cluster === undefined);
    const all = await Promise.all(
      (here.length > 0 ? here : asking).flatMap((source) => source.asked?.() ?? []),
    );
    const known = all.filter((asked) => asked !== null);
    if (known.length < all.length || known.length === 0) return null;
    return new Map(known.reverse().flatMap((asked) => [...asked]));
  }

  /** Ids of sources that could not be scanned completely. */
  get away(): Set<string> {
    return new Set([...this.#states].flatMap(([{ id }, { isAway }]) => (isAway ? [id] : [])));
  }

  /** The sources that were scanned. */
  list(): SourceState[] {
    const counts = this.book.counts();
    return [...this.#states].map(([source, { error, strays }]) => ({
      id: source.id,
      bundles: counts.get(source) ?? 0,
      error,
      strays: [...strays, ...this.book.foundTwice(source)],
    }));
  }
}
