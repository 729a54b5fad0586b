import type { Reading, ScanOptions, Source, SourceScan } from '../../model';

/** A source whose code is loaded at its first scan: it costs nothing where it is not used. */
export class LazySource implements Source {
  #source: Promise<Source> | null = null;
  #isClosed = false;

  constructor(
    readonly id: string,
    readonly create: boolean,
    private readonly load: () => Promise<Source>,
  ) {}

  async scan(touched?: ReadonlySet<string>, options?: ScanOptions): Promise<SourceScan> {
    return (await this.loaded()).scan(touched, options);
  }

  async read(name: string): Promise<Reading> {
    return (await this.loaded()).read(name);
  }

  close(): void {
    this.#isClosed = true;
    void this.#source?.then((source) => source.close?.());
  }

  private async loaded(): Promise<Source> {
    this.#source ??= this.load();
    const source = await this.#source;
    // It may have been closed during the load.
    if (this.#isClosed) source.close?.();
    return source;
  }
}
