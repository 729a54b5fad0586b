import { showUrl } from '../../http';
import type { RawBundle, Reading, Refusal, ScanOptions, Source, SourceScan } from '../../model';
import { HeldTexts } from '../remote/held';
import { refusalOf } from '../remote/trouble';
import { RemoteDocument } from './document';
import { Fetcher, type FetchOptions } from './fetch';

interface HttpSourceOptions extends FetchOptions {
  /** Id of the source; nothing secret. */
  id: string;
  create: boolean;
  url: URL;
  /** Null: the key is in the same document. */
  keyUrl: URL | null;
  /** Null: the issuers are in the bundle, or found elsewhere. */
  chainUrl: URL | null;
}

type Part = 'cert' | 'key' | 'issuers';

/** One bundle at a URL, or certificate and key at one each. Polled; an unchanged URL costs one conditional request. */
export class HttpSource implements Source {
  readonly id: string;
  readonly create: boolean;
  readonly #documents: readonly { part: Part; document: RemoteDocument }[];
  readonly #fetcher: Fetcher;
  readonly #held = new HeldTexts();
  /** Whether a fetched change could not be read since the last scan; it is reported again. */
  #isMissed = false;
  #errors: Refusal[] = [];

  constructor(private readonly options: HttpSourceOptions) {
    this.id = options.id;
    this.create = options.create;
    this.#fetcher = new Fetcher(options);
    const { url, keyUrl, chainUrl } = options;
    const places: [Part, URL | null][] = [
      ['cert', url],
      ['key', keyUrl],
      ['issuers', chainUrl],
    ];
    this.#documents = places.flatMap(([part, at]) =>
      at === null ? [] : [{ part, document: new RemoteDocument(at) }],
    );
  }

  async scan(touched?: ReadonlySet<string>, options?: ScanOptions): Promise<SourceScan> {
    const unchanged = { changed: [], removed: [], total: 1 };
    // Watches report nothing about URLs.
    if (touched !== undefined) return { ...unchanged, errors: this.#errors };
    this.#held.clear();
    this.#errors = [];
    try {
      const changed = await this.look(options?.whole === true);
      return { ...unchanged, changed: changed ? [this.id] : [], errors: [] };
    } catch (error) {
      this.#errors = [refusalOf(error, this.location)];
      return { ...unchanged, errors: this.#errors };
    }
  }

  async read(): Promise<Reading> {
    const held = this.#held.get(this.id);
    if (held !== undefined) return held;
    try {
      return this.toRaw(
        await Promise.all(this.#documents.map(({ document }) => document.fetch(this.#fetcher))),
      );
    } catch (error) {
      this.#isMissed = true;
      return refusalOf(error, this.location);
    }
  }

  close(): void {
    this.#fetcher.close();
  }

  private get location(): string {
    return showUrl(this.options.url);
  }

  /** @returns whether the content differs from what was last read; its text is held */
  private async look(whole: boolean): Promise<boolean> {
    const looks = await Promise.all(
      this.#documents.map(({ document }) => document.look(this.#fetcher, whole)),
    );
    const hasChanged = this.#isMissed || looks.some(({ body }) => body !== null);
    if (hasChanged) {
      // Texts of an unchanged bundle are not kept: keys stay in as few places as possible.
      const bodies = await Promise.all(
        looks.map(
          async ({ body }, index) =>
            body ?? (await this.#documents[index]?.document.fetch(this.#fetcher)) ?? Buffer.alloc(0),
        ),
      );
      this.#held.put(this.id, this.toRaw(bodies));
      this.#isMissed = false;
    }
    for (const look of looks) look.keep();
    return hasChanged;
  }

  private toRaw(bodies: readonly Buffer[]): RawBundle {
    const raw: RawBundle = { name: this.id, location: this.location, cert: '', key: '' };
    for (const [index, { part }] of this.#documents.entries()) {
      const text = bodies[index]?.toString('latin1') ?? '';
      if (part === 'issuers') raw.issuers = [text];
      else raw[part] = text;
    }
    return raw;
  }
}
