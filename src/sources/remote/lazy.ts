import type { Reading, ScanOptions, Source, SourceScan } from '../../model';

/** A source whose code is loaded when it is first looked at: who does not use it does not pay for it. */
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
    // It may have been closed while it was loaded.
    if (this.#isClosed) source.close?.();
    return source;
  }
}
