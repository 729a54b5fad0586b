import { bodyOf } from './answers';
import { AdminError, type AdminClient, type AdminResponse } from './client';
import { splitPage, type SplitPage } from './split-page';

/** Kong allows up to 1000; smaller pages keep the process small, and the next one is requested meanwhile. */
const PAGE_SIZE = 500;
/** A longer list is not Kong's. */
const MAX_ENTITIES = 200_000;
const MAX_PAGES = 2_000;
const LIST_MS = 300_000;

export interface Page<T> {
  data: T[];
  next: string | null;
}

/** Reads one page of a collection. @throws AdminError */
export async function readPage<T>(client: AdminClient, path: string): Promise<Page<T>> {
  return pageOf(client, path, await client.get(path));
}

function pageOf<T>(client: AdminClient, path: string, answer: AdminResponse): Page<T> {
  const { data, next = null } = bodyOf(client, `GET ${path}`, answer) as { data?: unknown; next?: unknown };
  const isPage = Array.isArray(data) && data.every(isEntity) && (next === null || isPath(next));
  if (!isPage) throw notAPage(client, path);
  return { data: data as T[], next };
}

const isEntity = (item: unknown) => typeof item === 'object' && item !== null && !Array.isArray(item);
/** Longer than any of Kong's paths. */
const MAX_PATH = 2_000;
const isPath = (next: unknown): next is string =>
  typeof next === 'string' && next.length <= MAX_PATH && next.startsWith('/');

const noList = (client: AdminClient, path: string, why: string) =>
  new AdminError('ADMIN_STATUS', `the answer of the Admin API at ${client.url} to GET ${path} ${why}`, 200, {
    kind: 'forbidden',
  });

const notAPage = (client: AdminClient, path: string) =>
  noList(client, path, 'is not a page of a list; is it the Admin API?');

/**
 * All pages of a collection; the next one is requested while a page is processed.
 * @throws AdminError also for a list without an end
 */
export async function* readPages<T>(client: AdminClient, path: string): AsyncGenerator<T[]> {
  const read = async (path: string) => {
    const page = await readPage<T>(client, path);
    return { ...page, count: page.data.length };
  };
  for await (const { data } of pages(client, path, read)) yield data;
}

/**
 * The same for a list of large entities, each of which is parsed when its turn comes.
 * @throws AdminError also while the entities of a page are read
 */
export async function* readLargePages<T>(client: AdminClient, path: string): AsyncGenerator<Iterable<T>> {
  const read = async (path: string) => {
    const answer = await client.get(path);
    const split = answer.status === 200 ? splitPage(answer.bytes) : null;
    const next = split?.frame.next ?? null;
    if (split === null || !(next === null || isPath(next))) {
      const page = pageOf<T>(client, path, answer);
      return { ...page, count: page.data.length };
    }
    return { data: checked<T>(client, path, split), count: split.count, next };
  };
  for await (const { data } of pages(client, path, read)) yield data;
}

function* checked<T>(client: AdminClient, path: string, { entities }: SplitPage): Iterable<T> {
  try {
    for (const entity of entities()) {
      if (!isEntity(entity)) throw notAPage(client, path);
      yield entity as T;
    }
  } catch (error) {
    throw error instanceof SyntaxError ? notAPage(client, path) : error;
  }
}

async function* pages<P extends { count: number; next: string | null }>(
  client: AdminClient,
  path: string,
  read: (path: string) => Promise<P>,
): AsyncGenerator<P> {
  const until = performance.now() + LIST_MS;
  let entities = 0;
  let coming: Promise<P> | null = read(`${path}?size=${PAGE_SIZE}`);
  for (let pages = 1; coming !== null; pages++) {
    const page: P = await coming;
    entities += page.count;
    if (entities > MAX_ENTITIES || pages > MAX_PAGES || performance.now() > until)
      throw noList(client, path, `has no end (${pages} pages)`);
    coming = page.next === null ? null : read(page.next);
    // A caller that stops early leaves this request unanswered.
    coming?.catch(() => undefined);
    yield page;
  }
}
