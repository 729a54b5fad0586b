import { openBundle, readPem, type OpenedBundle } from '../certificates';
import { Slices } from '../common/slices';
import {
  isRefusal,
  refusal,
  type Bundle,
  type Digest,
  type RawBundle,
  type Refusal,
  type Source,
  type SourcedBundle,
  type SourceScan,
  type StoredHalf,
} from '../model';

/** What is known of one bundle of a source: understood, or why not. */
interface Entry {
  source: Source;
  name: string;
  known: SourcedBundle | Refusal;
}

export interface BookScan {
  /** Something differs from the scan before. */
  changed: boolean;
  total: number;
  errors: { source: string; refusal: Refusal }[];
}

/** Every bundle of every source, as it was last read, without the texts. */
export class BundleBook {
  readonly #entries = new Map<string, Entry>();
  /** Bundles to read again though their source sees no change in them, by bundle id. */
  readonly #again = new Map<string, Entry>();

  /**
   * @param stored finds what Kong stores by its content: a bundle that is there to the letter needs no parsing,
   *   Kong's copy was parsed already
   */
  constructor(
    private readonly sources: readonly Source[],
    private readonly stored: (content: Digest) => StoredHalf | undefined = () => undefined,
  ) {}

  /** Looks at every source (or only at what a watch touched) and reads what changed. */
  async scan(touched?: ReadonlySet<string>): Promise<BookScan> {
    const result: BookScan = { changed: false, total: 0, errors: [] };
    const slices = new Slices();
    const again = [...this.#again.values()];
    this.#again.clear();
    for (const source of this.sources) {
      const scan = await scanSafely(source, touched);
      result.total += scan.total;
      result.errors.push(...scan.errors.map((why) => ({ source: source.id, refusal: why })));
      for (const name of scan.removed) {
        if (this.#entries.delete(bundleId(source, name))) result.changed = true;
      }
      const names = new Set(scan.changed);
      for (const entry of again) if (entry.source === source) names.add(entry.name);
      for (const name of names) {
        if (await this.update(source, name)) result.changed = true;
        if (slices.due) await slices.pause();
      }
    }
    return result;
  }

  /** Bundles that were understood. */
  *bundles(): Iterable<SourcedBundle> {
    for (const { known } of this.#entries.values()) if (!isRefusal(known)) yield known;
  }

  /** Bundles that were not, by id. */
  *refused(): Iterable<[id: string, why: Refusal]> {
    for (const [id, { known }] of this.#entries) if (isRefusal(known)) yield [id, known];
  }

  get(id: string): SourcedBundle | null {
    const known = this.#entries.get(id)?.known;
    return known === undefined || isRefusal(known) ? null : known;
  }

  /** Reads the texts of a bundle. @returns a refusal where they are no longer those that were planned with */
  async open(planned: SourcedBundle): Promise<OpenedBundle | Refusal> {
    const moved = refusal(
      'incomplete',
      `${planned.location} changed while it was processed; it is read again`,
    );
    const entry = this.#entries.get(planned.id);
    if (entry === undefined) return moved;
    const opened = understand(await entry.source.read(entry.name)) ?? moved;
    if (!isRefusal(opened) && opened.bundle.content === planned.content) return opened;
    this.#again.set(planned.id, entry);
    return isRefusal(opened) ? opened : moved;
  }

  /** What is known of a bundle whose very text Kong stores. */
  private asStored({ name, location, cert, key, issuers, secret }: RawBundle): Bundle | null {
    const pem = issuers === undefined ? readPem(cert, key) : null;
    const half = pem === null ? undefined : this.stored(pem.content);
    if (pem === null || half?.leaf == null) return null;
    const { content, chain } = pem;
    const chainLength = pem.certificates.length;
    const facts = { name, location, content, chain, rawChain: chain, chainLength, leaf: half.leaf };
    return secret === undefined ? facts : { ...facts, secret };
  }

  /** @returns whether it differs from what was known */
  private async update(source: Source, name: string): Promise<boolean> {
    const id = bundleId(source, name);
    const before = this.#entries.get(id)?.known;
    const raw = await source.read(name);
    const twin = raw === null || isRefusal(raw) ? null : this.asStored(raw);
    if (twin !== null) {
      if (before !== undefined && !isRefusal(before) && before.content === twin.content) return false;
      this.#entries.set(id, { source, name, known: { ...twin, id, create: source.create } });
      return true;
    }
    const opened = understand(raw);
    if (opened === null) return this.#entries.delete(id);
    if (isRefusal(opened)) {
      const isSame = before !== undefined && isRefusal(before) && before.message === opened.message;
      this.#entries.set(id, { source, name, known: opened });
      return !isSame;
    }
    if (before !== undefined && !isRefusal(before) && before.content === opened.bundle.content) return false;
    this.#entries.set(id, { source, name, known: { ...opened.bundle, id, create: source.create } });
    return true;
  }
}

const bundleId = (source: Source, name: string) =>
  source.id.endsWith(name) ? source.id : `${source.id}#${name}`;

/** Null: there is nothing, or a lone file that is no bundle (a CA certificate, a part of a chain). */
function understand(raw: RawBundle | Refusal | null): OpenedBundle | Refusal | null {
  if (raw === null || isRefusal(raw)) return raw;
  const opened = openBundle(raw);
  const isNone =
    raw.lone === true &&
    isRefusal(opened) &&
    (opened.reason === 'missing_key' || opened.reason === 'unsupported_format');
  return isNone ? null : opened;
}

/** A source that fails is out for this pass; the others go on. */
async function scanSafely(source: Source, touched: ReadonlySet<string> | undefined): Promise<SourceScan> {
  try {
    return await source.scan(touched);
  } catch (error) {
    const why = refusal('unreadable', `${source.id}: ${(error as Error).message}`);
    return { changed: [], removed: [], total: 0, errors: [why] };
  }
}
