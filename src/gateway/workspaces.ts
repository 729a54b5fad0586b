import type {
  CaStore,
  CertificateStore,
  CertificateTexts,
  Change,
  Digest,
  Edits,
  EditResults,
  Gateway,
  PluginEntry,
  Prepare,
  NamedCertificate,
  RestoreResult,
  StoredCertificate,
  StoredHalf,
  Written,
} from '../model';
import { changeId } from '../model';
import type { AdminClient } from './admin/client';

/** Several workspaces of one Kong, each with certificates of its own. New certificates go to the first. */
export class WorkspacesGateway implements Gateway {
  readonly kind;
  readonly traits;
  readonly batchSize;
  readonly certificates: CertificatesOfWorkspaces;
  readonly #first: Gateway;

  /** @param parts at least one */
  constructor(
    private readonly client: AdminClient,
    private readonly parts: readonly Gateway[],
  ) {
    const [first] = parts;
    if (first === undefined) throw new Error('there is no workspace');
    this.#first = first;
    this.kind = first.kind;
    this.traits = first.traits;
    this.batchSize = first.batchSize;
    this.certificates = new CertificatesOfWorkspaces(parts.map(({ certificates }) => certificates));
  }

  get url(): string {
    return this.client.url;
  }

  get caCertificates(): CaStore {
    return this.#first.caCertificates;
  }

  pluginEntries(): Promise<PluginEntry[]> {
    return this.#first.pluginEntries();
  }

  revision(): Promise<null> {
    return Promise.resolve(null);
  }

  async hasController(): Promise<boolean> {
    return (await Promise.all(this.parts.map((part) => part.hasController()))).includes(true);
  }

  async write({ certificates, caCertificates }: Edits, prepare: Prepare): Promise<EditResults> {
    const created = new Set(certificates.flatMap((change) => (change.kind === 'create' ? change.id : [])));
    const placeOf = (change: Change) =>
      created.has(changeId(change)) ? this.#first : this.partOf(changeId(change));
    const results = await Promise.all(
      this.parts.map((part) =>
        part.write(
          {
            certificates: certificates.filter((change) => placeOf(change) === part),
            caCertificates: part === this.#first ? caCertificates : [],
          },
          prepare,
        ),
      ),
    );
    return {
      certificates: results.flatMap((result) => result.certificates),
      caCertificates: results.flatMap((result) => result.caCertificates),
    };
  }

  async restore(writes: readonly Written[]): Promise<RestoreResult[]> {
    const of = (part: Gateway) => writes.filter(({ change }) => this.partOf(changeId(change)) === part);
    return (await Promise.all(this.parts.map((part) => part.restore(of(part))))).flat();
  }

  emptyCaches(certificate: NamedCertificate): Promise<boolean> {
    return this.partOf(certificate.id).emptyCaches(certificate);
  }

  async remove(certificates: readonly NamedCertificate[]): Promise<readonly string[]> {
    const of = (part: Gateway) => certificates.filter(({ id }) => this.partOf(id) === part);
    return (await Promise.all(this.parts.map((part) => part.remove(of(part))))).flat();
  }

  close(): void {
    this.client.close();
  }

  private partOf(id: string): Gateway {
    return this.parts.find(({ certificates }) => certificates.stored.has(id)) ?? this.#first;
  }
}

class CertificatesOfWorkspaces implements CertificateStore {
  readonly stored: ReadonlyMap<string, StoredCertificate>;

  constructor(private readonly parts: readonly CertificateStore[]) {
    this.stored = new Union(() => parts.map(({ stored }) => stored));
  }

  get isLoaded(): boolean {
    return this.parts.every(({ isLoaded }) => isLoaded);
  }

  find(content: Digest): StoredHalf | undefined {
    for (const part of this.parts) {
      const found = part.find(content);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async refresh(): Promise<boolean> {
    return (await Promise.all(this.parts.map((part) => part.refresh()))).includes(true);
  }

  readOne(id: string): Promise<StoredCertificate | null> {
    return this.first(id, (part) => part.readOne(id));
  }

  readTexts(id: string): Promise<CertificateTexts | null> {
    return this.first(id, (part) => part.readTexts(id));
  }

  /** Asks the workspace that has the certificate; where that is unknown, the first that knows it. */
  private async first<T>(id: string, read: (part: CertificateStore) => Promise<T | null>): Promise<T | null> {
    const known = this.parts.filter(({ stored }) => stored.has(id));
    for (const part of known.length > 0 ? known : this.parts) {
      const found = await read(part);
      if (found !== null) return found;
    }
    return null;
  }
}

/** A live view on maps with disjoint keys as one map. */
class Union<K, V> implements ReadonlyMap<K, V> {
  constructor(private readonly maps: () => readonly ReadonlyMap<K, V>[]) {}

  get size(): number {
    return this.maps().reduce((sum, { size }) => sum + size, 0);
  }

  get(key: K): V | undefined {
    return this.maps()
      .find((map) => map.has(key))
      ?.get(key);
  }

  has(key: K): boolean {
    return this.maps().some((map) => map.has(key));
  }

  forEach(callback: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this) callback(value, key, this);
  }

  *entries(): MapIterator<[K, V]> {
    for (const map of this.maps()) yield* map;
  }

  *keys(): MapIterator<K> {
    for (const [key] of this) yield key;
  }

  *values(): MapIterator<V> {
    for (const [, value] of this) yield value;
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries();
  }
}
