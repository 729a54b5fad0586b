import { PLUGIN_NAME } from '../../common/product';
import type { PluginEntry } from '../../model';
import type { AdminClient } from './client';
import { readPages } from './pages';

interface PluginEntity {
  id: string;
  name: string;
  enabled: boolean;
  config: unknown;
  route?: unknown;
  service?: unknown;
  consumer?: unknown;
  consumer_group?: unknown;
}

const SCOPES = ['route', 'service', 'consumer', 'consumer_group'] as const;

/** This plugin's entries, from every page: the Admin API cannot filter by name. @throws AdminError */
export async function readPluginEntries(client: AdminClient): Promise<PluginEntry[]> {
  const entries: PluginEntry[] = [];
  for await (const page of readPages<PluginEntity>(client, '/plugins')) {
    for (const plugin of page) {
      if (plugin.name !== PLUGIN_NAME) continue;
      const scope = SCOPES.find((name) => plugin[name] != null) ?? null;
      entries.push({ id: plugin.id, enabled: plugin.enabled, scope, config: plugin.config });
    }
  }
  return entries;
}
