import {
  isRefusal,
  type Ownership,
  type RawBundle,
  type Reading,
  type ScanOptions,
  type Source,
  type SourceScan,
} from '../model';
import type { Passwords } from './password';

interface Keys {
  /** Null: none of its bundles is locked. */
  passwords: Passwords | null;
  /** Alias of the entry in each keystore. */
  alias: string | undefined;
}

/** Adds the password and the alias to the bundles of a source of any type. */
export class UnlockedSource implements Source {
  readonly id: string;
  readonly snis?: readonly string[];
  readonly ownership?: Ownership;
  readonly cluster?: string;
  /** Names of bundles that were read: to be read again when the password changes. */
  readonly #names = new Set<string>();
  readonly asked?: () => Promise<ReadonlyMap<string, string> | null>;
  readonly watch?: (touched: (what: string) => void) => () => void;

  constructor(
    private readonly source: Source,
    private readonly keys: Keys,
  ) {
    this.id = source.id;
    if (source.snis !== undefined) this.snis = source.snis;
    if (source.ownership !== undefined) this.ownership = source.ownership;
    if (source.cluster !== undefined) this.cluster = source.cluster;
    if (source.asked !== undefined) this.asked = () => source.asked?.() ?? Promise.resolve(null);
    if (source.watch !== undefined) this.watch = (touched) => source.watch?.(touched) ?? (() => undefined);
  }

  /** May change between two scans. */
  get create(): boolean {
    return this.source.create;
  }

  async scan(touched?: ReadonlySet<string>, options?: ScanOptions): Promise<SourceScan> {
    const password = await this.keys.passwords?.refresh(this.#names);
    const scan = await this.source.scan(touched, options);
    for (const name of scan.removed) this.#names.delete(name);
    const changed =
      password?.changed === true ? [...new Set([...scan.changed, ...this.#names])] : scan.changed;
    return {
      ...scan,
      changed,
      errors: [...scan.errors, ...(password?.errors ?? [])],
      partial: [...(scan.partial ?? []), ...(password?.partial ?? [])],
    };
  }

  read(name: string): Reading | Promise<Reading> {
    this.#names.add(name);
    const reading = this.source.read(name);
    return reading instanceof Promise ? reading.then((raw) => this.unlock(raw)) : this.unlock(reading);
  }

  warnings(): string[] {
    return this.source.warnings?.() ?? [];
  }

  close(): void {
    this.source.close?.();
  }

  private unlock(raw: Reading): Reading | Promise<Reading> {
    if (raw === null || isRefusal(raw)) return raw;
    const password = this.keys.passwords?.passwordOf(raw);
    return password instanceof Promise
      ? password.then((found) => this.with(raw, found))
      : this.with(raw, password);
  }

  private with(raw: RawBundle, password: string | undefined): RawBundle {
    const { alias } = this.keys;
    return {
      ...raw,
      ...(password === undefined ? {} : { password }),
      ...(alias === undefined ? {} : { alias }),
    };
  }
}
