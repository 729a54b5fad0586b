import { optimiseFor } from '../../common/v8';
import { Slices } from '../../common/slices';
import type { CertificateStore, CertificateTexts, FreshPair } from '../../model';
import type { Digest, StoredCertificate, StoredHalf } from '../../model';
import { bodyIfThere } from './answers';
import type { AdminClient } from './client';
import { toStored, toTexts, type CertificateEntity } from './entities';
import { readLargePages, readPage, type Page } from './pages';

/** Certificates that one poll reads where Kong has no cheap sign of a change. */
const PATROL_SIZE = 100;

/** The certificates that Kong stores, kept without key material and refreshed in small steps. */
export class CertificateList implements CertificateStore {
  #certificates = new Map<string, StoredCertificate>();
  /** By content; rebuilt with each load, since it is only a cache. */
  readonly #contents = new Map<Digest, StoredHalf>();
  #loaded = false;
  #patrol: string | null = null;
  /** Ids seen since the patrol last began at the first page. */
  readonly #seen = new Set<string>();

  /** Services and upstreams that show each certificate as a client. */
  #clients: ReadonlyMap<string, readonly string[]> = new Map();

  constructor(protected readonly client: AdminClient) {}

  get isLoaded(): boolean {
    return this.#loaded;
  }

  get stored(): ReadonlyMap<string, StoredCertificate> {
    return this.#certificates;
  }

  find(content: Digest): StoredHalf | undefined {
    return this.#contents.get(content);
  }

  refresh(): Promise<boolean> {
    return this.#loaded ? this.patrol() : this.load();
  }

  /**
   * Reads every page.
   * @returns whether anything differs from what was known
   */
  async load(): Promise<boolean> {
    const before = this.#certificates;
    const certificates = new Map<string, StoredCertificate>();
    const slices = new Slices();
    let changed = false;
    for await (const page of readLargePages<CertificateEntity>(this.client, '/certificates')) {
      optimiseFor(certificates.size);
      for (const entity of page) {
        const known = before.get(entity.id);
        const stored = this.withClients(toStored(entity, known));
        const isSame = known !== undefined && isEqual(known, stored);
        if (!isSame) changed = true;
        certificates.set(stored.id, isSame ? known : stored);
        if (slices.due) await slices.pause();
      }
    }
    if (certificates.size !== before.size) changed = true;
    this.#certificates = certificates;
    this.#contents.clear();
    for (const certificate of certificates.values()) this.index(certificate);
    this.#loaded = true;
    this.#patrol = null;
    this.#seen.clear();
    return changed;
  }

  /**
   * Reads the next page only: a certificate that another writer changed or removed is noticed at a cost that does
   * not grow with the number of certificates.
   * @returns whether anything differs from what was known
   */
  async patrol(): Promise<boolean> {
    const path = this.#patrol ?? `/certificates?size=${PATROL_SIZE}`;
    let page: Page<CertificateEntity>;
    try {
      page = await readPage(this.client, path);
    } catch (error) {
      this.#patrol = null;
      throw error;
    }
    if (this.#patrol === null) this.#seen.clear();
    let changed = false;
    for (const entity of page.data)
      if (this.put(toStored(entity, this.#certificates.get(entity.id)))) changed = true;
    this.#patrol = page.next;
    if (page.next !== null) return changed;
    for (const id of [...this.#certificates.keys()]) {
      if (this.#seen.has(id)) continue;
      this.delete(id);
      changed = true;
    }
    return changed;
  }

  async readOne(id: string): Promise<StoredCertificate | null> {
    const entity = await this.readEntity(id);
    return entity === null ? null : this.take(entity);
  }

  async readTexts(id: string): Promise<CertificateTexts | null> {
    const entity = await this.readEntity(id);
    return entity === null ? null : toTexts(entity);
  }

  /** Reads one certificate with its keys; null where it is gone. @throws AdminError */
  async readEntity(id: string): Promise<CertificateEntity | null> {
    const path = `/certificates/${id}`;
    const entity = bodyIfThere(
      this.client,
      `GET ${path}`,
      await this.client.get(path),
    ) as CertificateEntity | null;
    if (entity === null) this.delete(id);
    return entity;
  }

  /**
   * Takes over an entity from an answer.
   * @param known the certificate as it was known: a half whose content is the same is not parsed again
   * @param fresh a pair that was written: a half of these very texts is not parsed
   */
  take(
    entity: CertificateEntity,
    known = this.#certificates.get(entity.id),
    fresh?: FreshPair,
  ): StoredCertificate {
    const stored = toStored(entity, known, fresh);
    this.put(stored);
    return stored;
  }

  /**
   * Takes over which services and upstreams show certificates as a client.
   * @param changed ids of the certificates that differ from what was known
   */
  setClients(clients: ReadonlyMap<string, readonly string[]>, changed: Iterable<string>): void {
    this.#clients = clients;
    for (const id of changed) {
      const known = this.#certificates.get(id);
      if (known !== undefined) this.put(known);
    }
  }

  private withClients(given: StoredCertificate): StoredCertificate {
    const clients = this.#clients.get(given.id);
    if (clients === given.clients) return given;
    const { clients: _, ...stored } = given;
    return clients === undefined ? stored : { ...stored, clients };
  }

  /** @returns whether it differs from what was known */
  put(given: StoredCertificate): boolean {
    const stored = this.withClients(given);
    this.#seen.add(stored.id);
    const known = this.#certificates.get(stored.id);
    if (known !== undefined && isEqual(known, stored)) return false;
    this.#certificates.set(stored.id, stored);
    if (known !== undefined) {
      this.#contents.delete(known.main.content);
      if (known.alt !== null) this.#contents.delete(known.alt.content);
    }
    this.index(stored);
    return true;
  }

  private index({ main, alt }: StoredCertificate): void {
    if (main.content !== '') this.#contents.set(main.content, main);
    if (alt !== null) this.#contents.set(alt.content, alt);
  }

  delete(id: string): void {
    this.#certificates.delete(id);
  }
}

function isEqual(a: StoredCertificate, b: StoredCertificate): boolean {
  return (
    a.main.content === b.main.content &&
    a.alt?.content === b.alt?.content &&
    a.main.vaultReference === b.main.vaultReference &&
    a.owner === b.owner &&
    a.secret === b.secret &&
    a.secretUid === b.secretUid &&
    a.isPrevious === b.isPrevious &&
    a.clients?.join() === b.clients?.join() &&
    a.snis.length === b.snis.length &&
    a.snis.every((sni, index) => sni === b.snis[index])
  );
}
