import { KubernetesError, type KubernetesClient } from './client';
import { endless, isObject, type KubernetesObject } from './objects';

interface List {
  metadata: { resourceVersion: string; continue?: string };
  items: KubernetesObject[];
}

/** Objects asked for in one answer; fewer where these have more octets than an answer may have. */
const PAGE_SIZE = 250;
const MAX_PAGES = 2_000;
const LIST_MS = 300_000;

/**
 * Lists everything at a path, page by page.
 * @param queryOf the path with its selectors and a page's part of the query
 * @returns the resource version of the list
 * @throws KubernetesError, also where there is no end of it
 */
export async function listPages(
  client: KubernetesClient,
  path: string,
  queryOf: (page: URLSearchParams) => string,
  take: (object: KubernetesObject) => void,
): Promise<string> {
  const until = performance.now() + LIST_MS;
  const pages = new PageSize();
  const ask = (token: string) => {
    const query = new URLSearchParams({
      limit: String(pages.size),
      ...(token === '' ? {} : { continue: token }),
    });
    return pageAt(client, path, queryOf(query), pages.size);
  };
  let token = '';
  let count = 0;
  for (let coming = ask(token); ;) {
    const page = await coming;
    if (page === null) {
      pages.shrink();
      coming = ask(token);
      continue;
    }
    pages.grow();
    const { resourceVersion: version } = page.metadata;
    token = page.metadata.continue ?? '';
    if (++count > MAX_PAGES) throw endless(path, `has more than ${MAX_PAGES} pages`);
    if (performance.now() > until) throw endless(path, `takes more than ${LIST_MS / 60_000} minutes`);
    // The server makes the next page while this one is taken in.
    if (token !== '') coming = ask(token);
    // It stays without an awaiter if this page cannot be taken in.
    coming.catch(() => undefined);
    for (const object of page.items) take(object);
    if (token === '') return version;
  }
}

/** @returns null: so many objects are more than an answer may have */
async function pageAt(
  client: KubernetesClient,
  path: string,
  query: string,
  limit: number,
): Promise<List | null> {
  try {
    return asList(await client.get(query), path);
  } catch (error) {
    if (limit > 1 && error instanceof KubernetesError && error.isTooLarge) return null;
    throw error;
  }
}

/** How many objects are asked for at once, so that they fit into one answer whatever their size. */
class PageSize {
  size = PAGE_SIZE;
  /** So many did not fit, not long ago. */
  #tooMany = Infinity;

  shrink(): void {
    this.#tooMany = this.size;
    this.size = Math.max(1, Math.floor(this.size / 4));
  }

  /** Large objects often stand together: after them the pages grow again. */
  grow(): void {
    this.size = Math.max(1, Math.min(PAGE_SIZE, this.size * 2, this.#tooMany - 1));
    this.#tooMany += Math.ceil(this.#tooMany / 8);
  }
}

/** @throws KubernetesError where it is something else: a proxy answers, or another kind of server */
function asList(answer: object, path: string): List {
  const { metadata, items } = answer as { metadata?: Partial<List['metadata']> | null; items?: unknown };
  const isList =
    typeof metadata?.resourceVersion === 'string' &&
    metadata.resourceVersion !== '' &&
    Array.isArray(items) &&
    items.every(isObject);
  if (!isList) throw new KubernetesError(`${path} answers something else than a list of objects`, 0);
  return answer as List;
}
