import type { Json, JsonObject } from '../json';

export type FieldType =
  'string' | 'integer' | 'number' | 'boolean' | 'array' | 'set' | 'map' | 'record' | 'foreign';

/** The attributes of a field in Kong's schema language that plugins use; the same names as in a dump. */
export interface Field {
  type: FieldType;
  required?: boolean;
  default?: Json;
  /** Filled in by Kong: ids and timestamps. */
  auto?: boolean;
  unique?: boolean;
  reference?: string;
  transient?: boolean;
  /** A `{vault://…}` reference passes every other check. */
  referenceable?: boolean;
  encrypted?: boolean;
  err?: string;
  eq?: Json;
  ne?: Json;
  gt?: number;
  between?: [number, number];
  one_of?: Json[];
  not_one_of?: Json[];
  len_eq?: number;
  len_min?: number;
  len_max?: number;
  match?: string;
  not_match?: string;
  match_any?: { patterns: string[]; err?: string };
  match_none?: { pattern: string; err?: string }[];
  match_all?: { pattern: string; err?: string }[];
  starts_with?: string;
  uuid?: boolean;
  timestamp?: boolean;
  contains?: Json;
  elements?: Field;
  keys?: Field;
  values?: Field;
  fields?: NamedField[];
  entity_checks?: EntityCheck[];
  description?: string;
  /** A check in code; Kong's own schemas have them, a dump cannot. */
  custom_validator?: (value: string) => string | null;
}

/** One name and its field: `{ interval: { type: 'integer' } }`. */
export type NamedField = Record<string, Field>;

/** One check and its argument: `{ at_least_one_of: ['a', 'b'] }`. */
export type EntityCheck = Record<string, unknown>;

/** Errors by field name; `@entity` holds those about several fields. */
export interface Errors {
  [field: string]: ErrorNode;
}
export type ErrorNode = string | null | ErrorNode[] | Errors;

/** A record: the fields and checks of an entity or of a `type: record` field. */
export interface RecordSchema {
  fields: NamedField[];
  /** Fields that Kong works out from others when an entity is written. */
  onWrite?: (entity: JsonObject) => JsonObject;
  entity_checks?: EntityCheck[];
}

const indexes = new WeakMap<readonly NamedField[], ReadonlyMap<string, Field>>();

export function fieldsOf(schema: RecordSchema): ReadonlyMap<string, Field> {
  let index = indexes.get(schema.fields);
  if (index === undefined) {
    index = new Map(schema.fields.flatMap((named) => Object.entries(named)));
    indexes.set(schema.fields, index);
  }
  return index;
}

export function recordOf(field: Field): RecordSchema {
  return { fields: field.fields ?? [], ...(field.entity_checks && { entity_checks: field.entity_checks }) };
}

export function isReference(value: Json | undefined): value is string {
  return typeof value === 'string' && value.startsWith('{vault://') && value.endsWith('}');
}
