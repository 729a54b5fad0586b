import { HttpFailure } from '../../http';
import {
  MAX_BUNDLE_BYTES,
  refusal,
  type Reading,
  type Refusal,
  type ScanOptions,
  type Source,
  type SourceScan,
} from '../../model';
import { HeldTexts } from '../remote/held';
import { refusalOf, Trouble } from '../remote/trouble';
import { VaultClient, type VaultServer } from './client';
import { bundleIn, type FieldNames } from '../remote/layout';
import { KeyValues, SecretTrouble, type KvSecret } from './kv';
import { VaultSession, type VaultAuth } from './session';

interface VaultSourceOptions {
  /** Id of the source; nothing secret. */
  id: string;
  create: boolean;
  server: VaultServer;
  auth: VaultAuth;
  /** Mount of the KV engine, without slashes around it. */
  mount: string;
  /** Path of a secret; empty or with a slash at its end: every secret below. */
  path: string;
  /** Null: the server is asked. */
  kvVersion: 1 | 2 | null;
  fields: FieldNames;
}

/** Requests at the same time. */
const CONCURRENCY = 8;
/** After this many failures in a scan the server is left alone until the next one. */
const MAX_FAILURES = 8;

/** Secrets of Vault's KV engine. Polled; an unchanged secret costs one small request. */
export class VaultSource implements Source {
  readonly id: string;
  readonly create: boolean;
  readonly #client: VaultClient;
  readonly #session: VaultSession;
  readonly #secrets: KeyValues;
  readonly #held = new HeldTexts();
  /** By path: the tag that was last read (empty: to be read again), and whether it is a bundle. */
  readonly #known = new Map<string, { tag: string; isBundle: boolean }>();
  #errors: Refusal[] = [];

  constructor(private readonly options: VaultSourceOptions) {
    this.id = options.id;
    this.create = options.create;
    this.#client = new VaultClient(options.server);
    this.#session = new VaultSession(this.#client, options.auth);
    this.#secrets = new KeyValues(this.#client, this.#session, options.mount, options.kvVersion);
  }

  async scan(touched?: ReadonlySet<string>, options?: ScanOptions): Promise<SourceScan> {
    const changed: string[] = [];
    const removed: string[] = [];
    // Watches report nothing about Vault.
    if (touched !== undefined) return { changed, removed, total: this.total, errors: this.#errors };
    this.#held.clear();
    this.#session.beginScan();
    const errors: Refusal[] = [];
    try {
      const paths = await this.paths(errors);
      for (const path of this.#known.keys()) if (!paths.has(path)) this.forget(path, removed);
      await forEach(paths, (path) => this.look(path, options?.whole === true, { changed, removed, errors }));
    } catch (error) {
      errors.push(refusalOf(error, `Vault at ${this.#client.address}`));
    }
    this.#errors = [...errors, ...this.#session.troubles];
    return { changed, removed, total: this.total, errors: this.#errors };
  }

  async read(name: string): Promise<Reading> {
    const held = this.#held.get(name);
    if (held !== undefined) return held;
    try {
      const secret = await this.#secrets.read(name);
      return secret === null ? null : this.toRaw(name, secret);
    } catch (error) {
      // The next scan reports it as changed.
      this.#known.set(name, { tag: '', isBundle: true });
      return refusalOf(error, `Vault at ${this.#client.address}`);
    }
  }

  close(): void {
    this.#session.close();
    this.#client.close();
  }

  private get total(): number {
    return [...this.#known.values()].filter(({ isBundle }) => isBundle).length;
  }

  private get isFolder(): boolean {
    return this.options.path === '' || this.options.path.endsWith('/');
  }

  private async paths(errors: Refusal[]): Promise<ReadonlySet<string>> {
    const { path } = this.options;
    if (!this.isFolder) return new Set([path]);
    const found = await this.#secrets.list(path);
    if (found.length === 0) errors.push(this.missing(path, 'holds no secrets (yet)'));
    return new Set(found);
  }

  /** A secret that cannot be read does not hide the others. */
  private async look(
    path: string,
    whole: boolean,
    { changed, removed, errors }: Pick<SourceScan, 'changed' | 'removed' | 'errors'>,
  ): Promise<void> {
    try {
      const tag = this.#known.get(path)?.tag ?? '';
      // An unknown secret has to be read anyway.
      const seen = await (whole || tag === '' ? this.#secrets.lookByReading(path) : this.#secrets.look(path));
      if (seen !== null && seen.tag === tag) return;
      const secret = seen === null ? null : (seen.secret ?? (await this.#secrets.read(path)));
      if (secret === null) {
        this.forget(path, removed);
        if (!this.isFolder)
          errors.push(this.missing(path, 'does not exist (yet), or its latest version is deleted'));
        return;
      }
      this.take(path, secret, changed, removed);
    } catch (error) {
      // The content of one secret never hides others, even if reading it fails.
      const isOfServer = error instanceof HttpFailure ? error.code !== 'too_large' : error instanceof Trouble;
      if ((isOfServer && !(error instanceof SecretTrouble)) || !this.isFolder) throw error;
      errors.push(refusalOf(error, this.locationOf(path)));
    }
  }

  private take(path: string, secret: KvSecret, changed: string[], removed: string[]): void {
    const raw = this.toRaw(path, secret);
    if (raw === null) {
      this.forget(path, removed);
      this.#known.set(path, { tag: secret.tag, isBundle: false });
      return;
    }
    this.#known.set(path, { tag: secret.tag, isBundle: true });
    this.#held.put(path, raw);
    changed.push(path);
  }

  private forget(path: string, removed: string[]): void {
    if (this.#known.get(path)?.isBundle === true) removed.push(path);
    this.#known.delete(path);
  }

  /** Null: not a certificate, but something else beside certificates. */
  private toRaw(path: string, { data }: KvSecret): Exclude<Reading, null> | null {
    const texts = bundleIn(data, this.options.fields);
    if (texts !== null) {
      const { cert, key, issuers = [] } = texts;
      return cert.length + key.length + issuers.join('').length > MAX_BUNDLE_BYTES
        ? refusal('too_large', `${this.locationOf(path)} is larger than 1 MiB`)
        : { name: path, location: this.locationOf(path), ...texts };
    }
    if (this.isFolder) return null;
    const keys = Object.keys(data).slice(0, 10).join(', ');
    return refusal(
      'missing_certificate',
      `${this.locationOf(path)} has no certificate under the usual keys; it has ${keys || 'none at all'}: set cert_field and key_field`,
    );
  }

  private locationOf(path: string): string {
    return `Vault secret ${this.options.mount}/${path}`;
  }

  private missing(path: string, what: string): Refusal {
    const hint = 'are mount, secret_path, kv_version and namespace right?';
    return refusal('unreadable', `${this.locationOf(path)} ${what}; ${hint}`);
  }
}

/**
 * @throws the first error of `work`; after several errors no more work is started, and what is under way is
 * finished
 */
async function forEach<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const rest = items[Symbol.iterator]();
  const failures: unknown[] = [];
  const worker = async () => {
    for (let next = rest.next(); next.done !== true && failures.length < MAX_FAILURES; next = rest.next()) {
      await work(next.value).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  if (failures.length > 0) throw failures[0] as Error;
}
