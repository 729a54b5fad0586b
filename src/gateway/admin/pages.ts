import { bodyOf } from './answers';
import { AdminError, type AdminClient } from './client';

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
  const answer = await client.get(path);
  const { data, next = null } = bodyOf(client, `GET ${path}`, answer) as { data?: unknown; next?: unknown };
  const isPage = Array.isArray(data) && data.every(isEntity) && (next === null || isPath(next));
  if (!isPage) throw noList(client, path, 'is not a page of a list; is it the Admin API?');
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

/**
 * All pages of a collection; the next one is requested while a page is processed.
 * @throws AdminError also for a list without an end
 */
export async function* readPages<T>(client: AdminClient, path: string): AsyncGenerator<T[]> {
  const until = performance.now() + LIST_MS;
  let entities = 0;
  let coming: Promise<Page<T>> | null = readPage(client, `${path}?size=${PAGE_SIZE}`);
  for (let pages = 1; coming !== null; pages++) {
    const page: Page<T> = await coming;
    entities += page.data.length;
    if (entities > MAX_ENTITIES || pages > MAX_PAGES || performance.now() > until)
      throw noList(client, path, `has no end (${pages} pages)`);
    coming = page.next === null ? null : readPage(client, page.next);
    // A caller that stops early leaves this request unanswered.
    coming?.catch(() => undefined);
    yield page.data;
  }
}
