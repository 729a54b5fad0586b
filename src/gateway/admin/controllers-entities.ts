import type { AdminClient } from './client';
import { isControllers } from './entities';
import { readPage } from './pages';

interface Tagged {
  tags?: string[] | null;
}

/** The ingress controller tags whatever it makes; it comes with routes, and with plugins where it has any. */
const COLLECTIONS = ['/routes', '/plugins'];
/** Of each collection; who shares a Kong with a controller has few entities of their own. */
const MOST = 100;

/** Whether an ingress controller writes to this Kong, as its routes and plugins tell. @throws AdminError */
export async function hasControllersEntities(client: AdminClient): Promise<boolean> {
  for (const path of COLLECTIONS) {
    const { data } = await readPage<Tagged>(client, `${path}?size=${MOST}`);
    if (data.some(({ tags }) => isControllers(tags ?? []))) return true;
  }
  return false;
}
