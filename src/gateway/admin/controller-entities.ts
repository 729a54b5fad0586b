import type { AdminClient } from './client';
import { isOfController } from './entities';
import { readPage } from './pages';

interface Tagged {
  tags?: string[] | null;
}

/** The ingress controller tags everything it makes; it always makes routes, often plugins. */
const COLLECTIONS = ['/routes', '/plugins'];
/** Most entities read of each collection; a Kong beside a controller has few others. */
const MOST = 100;

/** Whether an ingress controller writes to this Kong, as its routes and plugins tell. @throws AdminError */
export async function hasControllerEntities(client: AdminClient): Promise<boolean> {
  for (const path of COLLECTIONS) {
    const { data } = await readPage<Tagged>(client, `${path}?size=${MOST}`);
    if (data.some(({ tags }) => isOfController(tags ?? []))) return true;
  }
  return false;
}
