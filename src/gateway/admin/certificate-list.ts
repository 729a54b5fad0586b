import type { Digest, StoredCertificate, StoredHalf } from '../../model';
import { AdminError, kongMessage, type AdminClient } from './client';
import { toStored, type CertificateEntity } from './entities';

/** Kong gives up to 1000; smaller pages keep the process small, and the next is on its way meanwhile. */
const PAGE_SIZE = 500;
/** What a poll looks at in database mode, where Kong has no cheap sign of a change. */
const PATROL_SIZE = 100;

interface Page<T> {
  data: T[];
  next: string | null;
}

/** Reads one page of a collection. @throws AdminError */
async function readPage<T>(client: AdminClient, path: string): Promise<Page<T>> {
  const { status, body } = await client.get(path);
  if (status !== 200 || typeof body !== 'object' || body === null || !('data' in body)) {
    throw new AdminError(
      'ADMIN_STATUS',
      `the Admin API at ${client.url} answered GET ${path} with ${status}: ${kongMessage(body)}`,
      status,
    );
  }
  return body as Page<T>;
}

/** All pages of a collection; while one is looked at, the next is on its way. */
export async function* readPages<T>(client: AdminClient, path: string): AsyncGenerator<T[]> {
  let coming: Promise<Page<T>> | null = readPage(client, `${path}?size=${PAGE_SIZE}`);
  while (coming !== null) {
    const page: Page<T> = await coming;
    coming = page.next === null ? null : readPage(client, page.next);
    // Whoever stops early leaves it unanswered.
    coming?.catch(() => undefined);
    yield page.data;
  }
}

/** What Kong stores, kept without key material and brought up to date in small steps. */
export class CertificateList {
  #certificates = new Map<string, StoredCertificate>();
  /** By content; rebuilt with each load, since it only saves work. */
  readonly #contents = new Map<Digest, StoredHalf>();
  #loaded = false;
  #patrol: string | null = null;
  /** Ids of what was seen since the patrol last set out from the first page. */
  readonly #seen = new Set<string>();

  constructor(private readonly client: AdminClient) {}

  get loaded(): boolean {
    return this.#loaded;
  }

  get certificates(): ReadonlyMap<string, StoredCertificate> {
    return this.#certificates;
  }

  find(content: Digest): StoredHalf | undefined {
    return this.#contents.get(content);
  }

  /** Reads every page. @returns whether anything differs from what was known */
  async load(): Promise<boolean> {
    const before = this.#certificates;
    const certificates = new Map<string, StoredCertificate>();
    let changed = false;
    for await (const page of readPages<CertificateEntity>(this.client, '/certificates')) {
      for (const entity of page) {
        const stored = toStored(entity);
        const known = before.get(stored.id);
        const isSame = known !== undefined && isEqual(known, stored);
        if (!isSame) changed = true;
        certificates.set(stored.id, isSame ? known : stored);
      }
      await new Promise<void>((resolve) => setImmediate(resolve));
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
   * Looks at the next page only, the one after it the next time: a certificate that somebody else changed or removed
   * is noticed without a request that grows with their number.
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
    for (const entity of page.data) if (this.put(toStored(entity))) changed = true;
    this.#patrol = page.next;
    if (page.next !== null) return changed;
    for (const id of [...this.#certificates.keys()]) {
      if (this.#seen.has(id)) continue;
      this.delete(id);
      changed = true;
    }
    return changed;
  }

  /** Reads one certificate. @returns null where it is gone */
  async look(id: string): Promise<StoredCertificate | null> {
    const { status, body } = await this.client.get(`/certificates/${id}`);
    if (status === 404) {
      this.#certificates.delete(id);
      return null;
    }
    if (status !== 200) {
      throw new AdminError(
        'ADMIN_STATUS',
        `Kong answered ${status} for certificate ${id}: ${kongMessage(body)}`,
        status,
      );
    }
    const stored = toStored(body as CertificateEntity);
    this.put(stored);
    return stored;
  }

  /** Takes over what an answer showed. @returns whether it is new */
  put(stored: StoredCertificate): boolean {
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
    a.snis.length === b.snis.length &&
    a.snis.every((sni, index) => sni === b.snis[index])
  );
}
