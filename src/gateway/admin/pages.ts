import { bodyOf } from './answers';
import type { AdminClient } from './client';

/** Kong gives up to 1000; smaller pages keep the process small, and the next is on its way meanwhile. */
const PAGE_SIZE = 500;

export interface Page<T> {
  data: T[];
  next: string | null;
}

/** Reads one page of a collection. @throws AdminError */
export async function readPage<T>(client: AdminClient, path: string): Promise<Page<T>> {
  const answer = await client.get(path);
  return bodyOf(client, `GET ${path}`, answer) as Page<T>;
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
