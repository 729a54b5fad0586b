import { failureKindOf } from '../../model';
import type { AdminClient } from './client';
import { readPage, readPages } from './pages';

/** Entities that show a certificate to upstreams, by their field `client_certificate`. */
const COLLECTIONS = { services: 'service', upstreams: 'upstream' } as const;
type Collection = keyof typeof COLLECTIONS;
const NAMES = Object.keys(COLLECTIONS) as Collection[];

/** Certificates that one poll reads where Kong has no cheap sign of a change. */
const PATROL_SIZE = 100;

interface Referrer {
  id: string;
  name?: string | null;
  client_certificate?: { id: string } | null;
}

/** Finds out which certificates Kong shows as a client, and where. */
export class ClientUse {
  /** Ids of certificates by `service NAME`, `upstream NAME`. */
  #uses = new Map<string, string>();
  /** The next page of each collection, and the names seen since its first page. */
  readonly #next = new Map<Collection, { path: string; seen: Set<string> }>();
  #turn: Collection = 'services';

  constructor(private readonly client: AdminClient) {}

  /**
   * Reads everything.
   * @returns ids of the certificates whose use differs from what was known
   * @throws AdminError
   */
  async load(): Promise<Set<string>> {
    const uses = new Map<string, string>();
    for (const name of NAMES) {
      await unlessForbidden(async () => {
        for await (const page of readPages<Referrer>(this.client, `/${name}`)) note(uses, name, page);
      });
    }
    this.#next.clear();
    return this.take(uses);
  }

  /**
   * Reads one more page, alternating between the collections.
   * @returns as `load` does
   * @throws AdminError
   */
  async patrol(): Promise<Set<string>> {
    const uses = new Map(this.#uses);
    const name = this.#turn;
    this.#turn = name === 'services' ? 'upstreams' : 'services';
    const { path, seen } = this.#next.get(name) ?? {
      path: `/${name}?size=${PATROL_SIZE}`,
      seen: new Set<string>(),
    };
    this.#next.delete(name);
    const page = await unlessForbidden(() => readPage<Referrer>(this.client, path));
    if (page === null) return new Set();
    for (const item of page.data) uses.delete(titleOf(name, item));
    for (const title of note(uses, name, page.data)) seen.add(title);
    if (page.next !== null) this.#next.set(name, { path: page.next, seen });
    else for (const title of uses.keys()) if (isOf(name, title) && !seen.has(title)) uses.delete(title);
    return this.take(uses);
  }

  /** Services and upstreams by certificate. */
  byCertificate(): Map<string, readonly string[]> {
    const all = new Map<string, string[]>();
    for (const [title, id] of this.#uses) all.set(id, [...(all.get(id) ?? []), title]);
    for (const titles of all.values()) titles.sort();
    return all;
  }

  private take(uses: Map<string, string>): Set<string> {
    const before = this.#uses;
    this.#uses = uses;
    const changed = new Set<string>();
    for (const title of new Set([...before.keys(), ...uses.keys()])) {
      const [was, is] = [before.get(title), uses.get(title)];
      if (was === is) continue;
      if (was !== undefined) changed.add(was);
      if (is !== undefined) changed.add(is);
    }
    return changed;
  }
}

/** The right to read certificates may come without the right to read services; certificates go on without. */
async function unlessForbidden<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (failureKindOf(error) !== 'forbidden') throw error;
    return null;
  }
}

const titleOf = (collection: Collection, { id, name }: Referrer) =>
  `${COLLECTIONS[collection]} ${name ?? id}`;
const isOf = (collection: Collection, title: string) => title.startsWith(`${COLLECTIONS[collection]} `);

/** @returns the titles that were noted */
function note(uses: Map<string, string>, collection: Collection, page: readonly Referrer[]): string[] {
  return page.flatMap((item) => {
    const id = item.client_certificate?.id;
    if (id === undefined) return [];
    const title = titleOf(collection, item);
    uses.set(title, id);
    return [title];
  });
}
