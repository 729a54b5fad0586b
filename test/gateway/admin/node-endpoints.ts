import { entityType } from '../entities/definitions';
import { textOf, type JsonObject } from '../json';
import { plain, schemaViolation } from '../refusal';
import type { EntityType } from '../entities/definitions';
import type { Field, NamedField } from '../schema/field';
import type { PluginInfo } from '../processes/plugin-info';
import type { EntityService } from './entity-service';
import type { Router } from './router';

/** Content of the node's own endpoints. */
export interface NodeFacts {
  workerPids: readonly number[];
  masterPid: number;
  connections: () => { accepted: number; active: number; requests: number };
  /** Requests that are not answered yet, and the connections of the workers among each other. */
  underWay: () => number;
  /** Kong 3.9 answers GET / with 500 where it manages a plugin server. */
  isManagingPluginServers: () => boolean;
  configuration: () => JsonObject;
  plugins: () => ReadonlyMap<string, PluginInfo>;
}

const DICTIONARIES: Record<string, [capacity: string, used: string]> = {
  kong: ['5.00', '0.04'],
  kong_locks: ['8.00', '0.06'],
  kong_healthchecks: ['5.00', '0.04'],
  kong_cluster_events: ['5.00', '0.04'],
  kong_rate_limiting_counters: ['12.00', '0.08'],
  kong_core_db_cache: ['128.00', '0.76'],
  kong_core_db_cache_miss: ['12.00', '0.08'],
  kong_db_cache: ['128.00', '0.76'],
  kong_db_cache_miss: ['12.00', '0.08'],
  kong_secrets: ['5.00', '0.04'],
};

/** `/`, `/status`, `/plugins/enabled` and the schemas. Must come before the entities' own endpoints. */
export function addNodeEndpoints(router: Router, entities: EntityService, node: NodeFacts): void {
  router
    .add('/', { GET: () => ({ status: 200, body: rootDocument(entities, node) }) })
    .add('/status', { GET: () => ({ status: 200, body: statusDocument(entities, node) }) })
    .add('/plugins/enabled', {
      GET: () => ({ status: 200, body: { enabled_plugins: [...node.plugins().keys()] } }),
    })
    .add('/plugins/schema/:', {
      GET: (_, name = '') => ({
        status: 200,
        body: shownRecord(pluginNamed(node, name).config.fields ?? []),
      }),
    })
    .add('/schemas/plugins/validate', { POST: ({ body }) => dryRun(entities, 'plugins', body) })
    .add('/schemas/plugins/:', {
      GET: (_, name = '') => ({
        status: 200,
        body: shownRecord([{ config: pluginNamed(node, name).config }]),
      }),
    })
    .add('/schemas/:', {
      GET: (_, name = '') => {
        const type = known(name);
        return { status: 200, body: shownRecord(type.fields, type.entity_checks) };
      },
    })
    .add('/schemas/:/validate', { POST: ({ body }, name = '') => dryRun(entities, known(name).name, body) });
}

function known(name: string): EntityType {
  const type = entityType(name);
  if (type === undefined) throw plain(404, `No entity named '${name}'`);
  return type;
}

function pluginNamed(node: NodeFacts, name: string): PluginInfo {
  const plugin = node.plugins().get(name);
  if (plugin === undefined) throw plain(404, `No plugin named '${name}'`);
  return plugin;
}

function dryRun(entities: EntityService, name: string, body: JsonObject) {
  const { snis } = body;
  // The names are checked as the schema's own list here, not as entities.
  if (snis !== undefined && !Array.isArray(snis)) throw schemaViolation({ snis: 'expected an array' });
  entities.prepare(name, body, 'insert');
  return { status: 200, body: { message: 'schema validation successful' } };
}

function shownRecord(fields: readonly NamedField[], checks: readonly object[] = []): JsonObject {
  return { entity_checks: checks.map((check) => shown(check)), fields: fields.map((named) => shown(named)) };
}

/** Functions do not come out, as in Kong. */
function shown(value: NamedField | Field | object): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}

function statusDocument({ mode, store }: EntityService, node: NodeFacts): JsonObject {
  const { accepted, active, requests } = node.connections();
  const state: JsonObject =
    mode === 'dbless' ? { configuration_hash: store.configurationHash } : { database: { reachable: true } };
  return {
    ...state,
    server: {
      connections_accepted: accepted,
      connections_handled: accepted,
      connections_active: active,
      connections_reading: 0,
      connections_writing: node.underWay(),
      connections_waiting: 0,
      total_requests: requests,
    },
    memory: {
      workers_lua_vms: node.workerPids.map((pid) => ({ pid, http_allocated_gc: '40.50 MiB' })),
      lua_shared_dicts: Object.fromEntries(
        Object.entries(DICTIONARIES).map(([name, [capacity, used]]) => [
          name,
          { capacity: `${capacity} MiB`, allocated_slabs: `${used} MiB` },
        ]),
      ),
    },
  };
}

function rootDocument({ store }: EntityService, node: NodeFacts): JsonObject {
  if (node.isManagingPluginServers()) throw plain(500, 'An unexpected error occurred');
  const available = [...node.plugins().values()].map(({ name, version, priority }) => [
    name,
    { version, priority },
  ]);
  const used = [...store.table('plugins').rows()].map((row) => textOf(row['name']));
  return {
    version: '3.9.1',
    tagline: 'Welcome to kong',
    edition: 'community',
    hostname: 'localhost',
    lua_version: 'LuaJIT 2.1',
    pids: { master: node.masterPid, workers: [...node.workerPids] },
    plugins: {
      available_on_server: Object.fromEntries(available) as JsonObject,
      enabled_in_cluster: [...new Set(used)],
    },
    configuration: node.configuration(),
  };
}
