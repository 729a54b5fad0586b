import { entityType, NESTED } from '../entities/definitions';
import { isObject, isTable, type Json, type JsonObject } from '../json';
import type { ErrorNode, Errors } from '../schema/field';
import { isUuid } from '../uuid';

/**
 * The errors of a refused document as a list with the entity that each belongs to (`flatten_errors=1`), and what
 * cannot be told so. The entities hold private keys in clear text, as Kong's do.
 */
export function flattenErrors(document: JsonObject, errors: Errors): { flattened: Json[]; rest: Errors } {
  const flattened: Json[] = [];
  const rest: Errors = {};
  for (const [name, section] of Object.entries(errors)) {
    const items = document[name];
    if (!isTable(section) || !Array.isArray(items)) {
      rest[name] = section;
      continue;
    }
    for (const [index, problem] of Object.entries(section)) {
      const item = items[Number(index)];
      if (isObject(item)) addEntity(flattened, name, item, problem);
    }
  }
  return { flattened, rest };
}

function addEntity(flattened: Json[], name: string, given: JsonObject, problem: ErrorNode): void {
  if (problem === null || (isTable(problem) && Object.keys(problem).length === 0)) return;
  const errors: Errors = isObject(problem) ? { ...problem } : { '@entity': problem };
  const entity = { ...given };
  const key = primaryKey(entity);

  for (const [field, referenced] of Object.entries(entityType(name)?.foreign ?? {})) {
    const value = entity[field];
    if (!isObject(value)) continue;
    const below = errors[field];
    const reference = primaryKey(value);
    if (reference === null) Reflect.deleteProperty(entity, field);
    else entity[field] = reference;
    Reflect.deleteProperty(errors, field);
    if (below !== undefined) addEntity(flattened, referenced, value, below);
  }
  for (const [child, field] of Object.entries(NESTED[name] ?? {})) {
    const items = entity[child];
    if (!Array.isArray(items)) continue;
    const below = errors[child];
    Reflect.deleteProperty(entity, child);
    Reflect.deleteProperty(errors, child);
    for (const [index, item] of items.entries()) {
      const ownProblem = Array.isArray(below) ? below[index] : undefined;
      if (ownProblem === undefined || !isObject(item)) continue;
      addEntity(flattened, child, key === null ? item : { [field]: key, ...item }, ownProblem);
    }
  }
  if (Object.keys(errors).length === 0) return;
  const { name: entityName, id, tags } = entity;
  flattened.push({
    ...(typeof entityName === 'string' && entityName !== '' ? { entity_name: entityName } : {}),
    ...(isUuid(id) ? { entity_id: id } : {}),
    ...(Array.isArray(tags) && tags.every((tag) => typeof tag === 'string') ? { entity_tags: tags } : {}),
    entity_type: name.replace(/s$/, ''),
    entity,
    errors: categorize(errors, ''),
  });
}

function primaryKey(entity: JsonObject): { id: string } | null {
  return isUuid(entity['id']) ? { id: entity['id'] } : null;
}

function categorize(node: ErrorNode, path: string): Json[] {
  if (node === null) return [];
  if (typeof node === 'string') return [{ type: 'field', field: path, message: node }];
  return Object.entries(node).flatMap(([key, below]: [string, ErrorNode]): Json[] => {
    if (key === '@entity') {
      const messages = Array.isArray(below) ? below : [below];
      return messages.map((message) => ({ type: 'entity', message: message }));
    }
    const name = Array.isArray(node) ? String(Number(key) + 1) : key;
    return categorize(below, path === '' ? name : `${path}.${name}`);
  });
}
