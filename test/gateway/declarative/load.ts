import { expand } from '../admin/entity-service';
import { ENTITY_TYPES, NESTED } from '../entities/definitions';
import type { Row } from '../entities/rows';
import type { Contents } from '../entities/store';
import { isObject, textOf, type Json, type JsonObject } from '../json';
import { declarativeError } from '../refusal';
import type { Errors } from '../schema/field';
import { process } from '../schema/process';
import { derivedId, newId } from '../uuid';
import { checkDocument, type SchemaFor } from './check';
import { flattenErrors } from './flatten-errors';

/** Turns a declarative document into rows. @throws Refusal (400, invalid declarative configuration) */
export function loadDocument(
  document: JsonObject,
  schemaFor: SchemaFor,
  options: { flattenErrors: boolean } = { flattenErrors: false },
): Contents {
  const refuse = (errors: Errors) => {
    if (!options.flattenErrors) return declarativeError(errors);
    const { flattened, rest } = flattenErrors(document, errors);
    return declarativeError(rest, flattened);
  };
  const problems = checkDocument(document, schemaFor);
  if (problems !== null) throw refuse(problems);
  const loader = new Loader(schemaFor);
  for (const { name } of ENTITY_TYPES) loader.addAll(name, document[name], null);
  const conflicts = loader.resolve();
  if (conflicts !== null) throw refuse(conflicts);
  return loader.contents;
}

interface Parent {
  type: string;
  id: string;
  /** The field of the child that refers to the parent. */
  field: string;
}

class Loader {
  readonly contents: Contents = new Map();
  readonly #byId = new Map<string, Map<string, Row>>();
  readonly #byKey = new Map<string, Map<string, Row>>();
  readonly #errors: Errors = {};

  constructor(private readonly schemaFor: SchemaFor) {}

  addAll(name: string, items: Json | undefined, parent: Parent | null): Row[] {
    if (!Array.isArray(items)) return [];
    return items.filter(isObject).map((item, index) => this.#add(name, item, index, parent));
  }

  #add(name: string, item: JsonObject, index: number, parent: Parent | null): Row {
    const own: JsonObject = parent === null ? { ...item } : { ...item, [parent.field]: { id: parent.id } };
    for (const extra of ['_comment', '_ignore', ...Object.keys(NESTED[name] ?? {})]) {
      Reflect.deleteProperty(own, extra);
    }
    const schema = this.schemaFor(name, item);
    if (schema === undefined) throw new Error(`stand-in gateway: ${name} was not checked before loading`);
    own['id'] ??= this.#derivedId(name, own, parent);
    const row = process(schema, expand(name, own), 'insert') as Row;
    this.#index(name, row, index, schema.endpointKey);
    for (const [child, field] of Object.entries(NESTED[name] ?? {})) {
      const nested = this.addAll(child, item[child], { type: name, id: row.id, field });
      // Certificates have a field of that name, so the nested SNIs stay in there too.
      if (name === 'certificates') row['snis'] = nested.length === 0 ? null : nested.map(asNested);
    }
    return row;
  }

  /** Kong derives ids from natural keys, but not for SNIs that stand nested, nor for certificates. */
  #derivedId(name: string, item: JsonObject, parent: Parent | null): string {
    if (name === 'plugins') {
      const reference = (field: string) => {
        const value = item[field];
        return isObject(value) ? textOf(value['id']) : typeof value === 'string' ? value : '';
      };
      const scope = ['route', 'service', 'consumer'].map(reference).join(':');
      return derivedId(name, `plugins:*:${textOf(item['name'])}:${scope}`);
    }
    const endpointKey = this.schemaFor(name, item)?.endpointKey ?? null;
    const key = endpointKey === null ? null : item[endpointKey];
    if (typeof key !== 'string' || (name === 'snis' && parent !== null)) return newId();
    return derivedId(name, key);
  }

  #index(name: string, row: Row, index: number, endpointKey: string | null): void {
    const report = (field: string, value: string) => {
      const list = (this.#errors[name] ??= []) as (string | null)[];
      while (list.length < index) list.push(null);
      list[index] = `uniqueness violation: '${name}' entity with ${field} set to '${value}' already declared`;
    };
    const keys = mapOf(this.#byKey, name);
    const ids = mapOf(this.#byId, name);
    const key = endpointKey === null ? null : row[endpointKey];
    if (typeof key === 'string') {
      if (keys.has(key)) {
        report(endpointKey ?? '', key);
        return;
      }
      keys.set(key, row);
    }
    if (ids.has(row.id)) report('primary key', row.id);
    else ids.set(row.id, row);
  }

  /** Turns references by id or name into ids. @returns what is twice there or refers to nothing */
  resolve(): Errors | null {
    for (const { name, foreign } of ENTITY_TYPES) {
      const rows = [...(this.#byId.get(name)?.values() ?? [])];
      if (rows.length > 0) this.contents.set(name, rows);
      for (const row of rows) {
        for (const [field, referenced] of Object.entries(foreign))
          this.#resolveField(name, row, field, referenced);
      }
    }
    return Object.keys(this.#errors).length === 0 ? null : this.#errors;
  }

  #resolveField(name: string, row: Row, field: string, referenced: string): void {
    const value = row[field] ?? null;
    if (value === null) return;
    const key = textOf(isObject(value) ? (value['id'] ?? value['name']) : value);
    const found = this.#byKey.get(referenced)?.get(key) ?? this.#byId.get(referenced)?.get(key);
    if (found !== undefined) {
      row[field] = { id: found.id };
      return;
    }
    const at = typeof row['name'] === 'string' && name !== 'plugins' ? row['name'] : row.id;
    const shown = isObject(value) ? JSON.stringify(value) : key;
    const message = `invalid reference '${field}: ${shown}' (no such entry in '${referenced}')`;
    const section = (this.#errors[name] ??= {}) as Errors;
    const list = (section[at] ??= []) as string[];
    list.push(message);
  }
}

function asNested(sni: Row): JsonObject {
  return { ...sni, _comment: null, _ignore: null };
}

function mapOf(maps: Map<string, Map<string, Row>>, name: string): Map<string, Row> {
  let map = maps.get(name);
  if (map === undefined) {
    map = new Map();
    maps.set(name, map);
  }
  return map;
}
