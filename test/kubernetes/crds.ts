import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { eventually } from '../support/eventually';
import { apply, pathOf } from './apply';
import type { ApiClient, KubernetesObject } from './client';

const FOLDER = join(__dirname, 'crds');

interface Definition extends KubernetesObject {
  spec: { group: string; names: { plural: string }; versions: { name: string }[] };
}

interface Established {
  status?: { conditions?: { type: string; status: string }[] };
}

/** Installs the definitions of the folder crds; resolves when their objects can be made. */
export async function installCrds(client: ApiClient): Promise<void> {
  for (const file of readdirSync(FOLDER)) {
    for (const definition of loadAll(readFileSync(join(FOLDER, file), 'utf8')) as Definition[]) {
      await apply(client, definition);
      const path = await pathOf(client, definition);
      await eventually(`${definition.metadata.name} is established`, async () => {
        const { status } = await client.must<Established>('GET', path);
        return status?.conditions?.some((each) => each.type === 'Established' && each.status === 'True');
      });
      await eventually(`${definition.metadata.name} can be found`, () => isServed(client, definition));
    }
  }
}

/** Discovery learns of a definition a moment after it was established. */
async function isServed(client: ApiClient, { spec }: Definition): Promise<boolean> {
  const { status, body } = await client.request('GET', `/apis/${spec.group}/${spec.versions[0]?.name ?? ''}`);
  const { resources = [] } = body as { resources?: { name: string }[] };
  return status === 200 && resources.some(({ name }) => name === spec.names.plural);
}
