import { entityType, type EntityType } from '../entities/definitions';
import type { Row } from '../entities/rows';
import type { Store } from '../entities/store';
import { isObject, textOf, type JsonObject } from '../json';
import type { Mode } from '../options';
import type { PluginInfo } from '../processes/plugin-info';
import {
  foreignKeyViolation,
  invalidUnique,
  notFoundBy,
  notFoundById,
  plain,
  primaryKeyViolation,
  schemaViolation,
  stillReferenced,
  uniqueViolation,
  unsupported,
} from '../refusal';
import { fieldsOf, type Errors } from '../schema/field';
import { merge, process, type Context } from '../schema/process';
import { validate, validateField } from '../schema/validate';
import { isUuid, newId } from '../uuid';

/** Reads and writes of one entity, with Kong's checks and in Kong's order. Every method throws a Refusal. */
export class EntityService {
  constructor(
    readonly store: Store,
    readonly mode: Mode,
    private readonly plugins: () => ReadonlyMap<string, PluginInfo>,
  ) {}

  type(name: string): EntityType {
    const type = entityType(name);
    if (type === undefined) throw new Error(`stand-in gateway: no entity type ${name}`);
    return type;
  }

  /** By id, or by the type's second key. @throws Refusal where that key cannot be one */
  find(name: string, key: string): Row | undefined {
    const table = this.store.table(name);
    const { endpointKey } = table.type;
    if (isUuid(key) || endpointKey === null) return table.get(key);
    this.#checkKey(table.type, endpointKey, key);
    return table.getBy(endpointKey, key);
  }

  insert(name: string, body: JsonObject): Row {
    const row = this.prepare(name, body, 'insert');
    if (this.mode === 'dbless') throw unsupported('create', name);
    if (this.store.table(name).get(row.id) !== undefined) throw primaryKeyViolation(row.id);
    return this.#save(name, row);
  }

  /** PUT: what is absent falls back to its default, also where the entity exists. */
  upsert(name: string, key: string, body: JsonObject): Row {
    const { endpointKey } = this.type(name);
    const byKey = endpointKey !== null && !isUuid(key);
    const existing = this.find(name, key);
    const id = byKey ? (existing?.id ?? newId()) : key;
    const row = this.prepare(name, { ...body, id, ...(byKey ? { [endpointKey]: key } : {}) }, 'upsert');
    if (this.mode === 'dbless') throw unsupported('create or update', name, byKey ? endpointKey : undefined);
    return this.#save(name, row);
  }

  /** PATCH: what is absent stays. */
  update(name: string, key: string, body: JsonObject): Row {
    const { endpointKey } = this.type(name);
    const byKey = endpointKey !== null && !isUuid(key);
    const existing = this.find(name, key);
    if (existing === undefined) throw byKey ? notFoundBy(endpointKey, key) : notFoundById(key);
    const changes = process(this.schemaFor(name, { ...existing, ...body }), expand(name, body), 'update');
    const merged = merge(this.schemaFor(name, { ...existing, ...body }), changes, existing);
    const row = this.prepare(name, { ...merged, id: existing.id }, 'update');
    if (this.mode === 'dbless') throw unsupported('update', name, byKey ? endpointKey : undefined);
    return this.#save(name, row);
  }

  /** An entity that does not exist counts as removed. */
  remove(name: string, key: string): void {
    const { endpointKey } = this.type(name);
    const existing = this.find(name, key);
    if (existing === undefined) return;
    if (this.mode === 'dbless') {
      throw unsupported('remove', name, endpointKey !== null && !isUuid(key) ? endpointKey : undefined);
    }
    if (name === 'ca_certificates') this.#checkReferences(existing.id);
    if (name === 'certificates') this.#checkClients(existing.id);
    this.store.delete(name, existing.id);
  }

  /** A certificate that is shown as a client cannot be removed. */
  #checkClients(id: string): void {
    for (const type of ['services', 'upstreams']) {
      const isReferring = (row: Row) =>
        isObject(row['client_certificate']) && row['client_certificate']['id'] === id;
      if ([...this.store.table(type).rows()].some(isReferring)) throw stillReferenced('certificates', type);
    }
  }

  /** A CA certificate that a service or a plugin names cannot be removed. */
  #checkReferences(id: string): void {
    for (const type of ['services', 'plugins']) {
      const names = (row: Row) =>
        row['ca_certificates'] ?? (row['config'] as JsonObject | undefined)?.['ca_certificates'];
      const referring = [...this.store.table(type).rows()].find((row) => {
        const listed = names(row);
        return Array.isArray(listed) && listed.includes(id);
      });
      if (referring === undefined) continue;
      throw plain(400, `ca_certificate ${id} is still referenced by ${type} (id = ${referring.id})`);
    }
  }

  /** The row as it would be stored. @throws Refusal (schema violation) */
  prepare(name: string, body: JsonObject, context: Context): Row {
    const type = this.type(name);
    const schema = this.schemaFor(name, body);
    const row = context === 'update' ? body : process(schema, expand(name, body), context);
    const errors = type.isValidated ? (this.#subschemaErrors(name, body) ?? validate(schema, row)) : null;
    if (errors !== null) throw schemaViolation(errors);
    return row as Row;
  }

  /** A plugin's `config` follows that plugin's own schema. */
  schemaFor(name: string, body: JsonObject): EntityType {
    const type = this.type(name);
    if (name !== 'plugins') return type;
    const plugin = this.plugins().get(textOf(body['name']));
    return plugin === undefined ? type : { ...type, fields: [...type.fields, { config: plugin.config }] };
  }

  #subschemaErrors(name: string, body: JsonObject): Errors | null {
    if (name !== 'plugins') return null;
    const { name: plugin } = body;
    if (plugin == null) return { name: 'required field missing' };
    if (typeof plugin === 'string' && this.plugins().has(plugin)) return null;
    return { name: notEnabled(textOf(plugin)) };
  }

  #checkKey(type: EntityType, endpointKey: string, key: string): void {
    const field = fieldsOf(type).get(endpointKey);
    const problem = field === undefined ? null : validateField(field, key);
    if (typeof problem === 'string') throw invalidUnique(endpointKey, problem);
  }

  #save(name: string, row: Row): Row {
    const { foreign } = this.type(name);
    for (const [field, referenced] of Object.entries(foreign)) {
      const value = row[field];
      const id = isObject(value) ? textOf(value['id']) : undefined;
      if (id !== undefined && this.store.table(referenced).get(id) === undefined) {
        throw foreignKeyViolation(field, id, referenced);
      }
    }
    const clash = this.store.table(name).clash(row);
    if (clash !== null) throw uniqueViolation({ [clash.field]: clash.value });
    if (name === 'plugins') this.#checkScope(row);
    // The names of a certificate are entities of their own; the row does not remember those of a request.
    const saved = name === 'certificates' ? { ...row, snis: null } : row;
    this.store.put(name, saved);
    return saved;
  }

  /** One entry of a plugin for each combination of route, service and consumer. */
  #checkScope(row: Row): void {
    const scope = (plugin: Row) =>
      JSON.stringify([
        plugin['name'],
        plugin['route'] ?? null,
        plugin['service'] ?? null,
        plugin['consumer'] ?? null,
      ]);
    for (const other of this.store.table('plugins').rows()) {
      if (other.id === row.id || scope(other) !== scope(row)) continue;
      const { consumer = null, name = null, route = null, service = null } = row;
      throw uniqueViolation({ consumer, name, route, service });
    }
  }
}

export function notEnabled(plugin: string): string {
  return `plugin '${plugin}' not enabled; add it to the 'plugins' configuration property`;
}

/** A service's `url` is short for four fields. */
export function expand(name: string, body: JsonObject): JsonObject {
  const { url, ...rest } = body;
  if (name !== 'services' || typeof url !== 'string' || !URL.canParse(url)) return body;
  const { protocol, hostname, port, pathname } = new URL(url);
  const scheme = protocol.replace(':', '');
  return {
    ...rest,
    protocol: scheme,
    host: hostname,
    port: port === '' ? (scheme === 'https' ? 443 : 80) : Number(port),
    path: pathname === '/' ? null : pathname,
  };
}
