import { isObject, isTable, type Json, type JsonObject } from '../json';
import { newId } from '../uuid';
import { fieldsOf, recordOf, type Field, type RecordSchema } from './field';

/** An update leaves absent fields alone; the others fill in defaults, nulls, ids and timestamps. */
export type Context = 'insert' | 'update' | 'upsert';

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** The entity as it would be stored. The input is left as it is. */
export function process(schema: RecordSchema, input: JsonObject, context: Context): JsonObject {
  const output: JsonObject = { ...input };
  const isNew = context !== 'update';
  for (const [name, field] of fieldsOf(schema)) {
    let value: Json | undefined = input[name];
    if (field.auto === true) {
      if (field.uuid === true && isNew) value ??= newId();
      else if (name === 'created_at' && isNew) value ??= nowSeconds();
      else if (name === 'updated_at') value = nowSeconds();
    }
    const adjusted = adjust(field, value, context);
    if (adjusted !== undefined) output[name] = adjusted;
  }
  return { ...output, ...schema.onWrite?.(output) };
}

function adjust(field: Field, value: Json | undefined, context: Context): Json | undefined {
  if (value === undefined) return context === 'update' ? undefined : missing(field);
  if (field.type === 'record' && isTable(value)) {
    return process(
      recordOf(field),
      Array.isArray(value) && value.length === 0 ? {} : (value as JsonObject),
      context,
    );
  }
  if ((field.type === 'array' || field.type === 'set') && Array.isArray(value)) {
    const elements = field.elements;
    const items =
      elements === undefined ? value : value.map((item) => adjust(elements, item, context) ?? item);
    return field.type === 'set' ? unique(items) : items;
  }
  if (field.type === 'map' && isObject(value) && field.values !== undefined) {
    const values = field.values;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, adjust(values, item, context) ?? item]),
    );
  }
  return value;
}

/** Undefined: a required field without a default, which validation is going to report. */
function missing(field: Field): Json | undefined {
  if (field.default !== undefined) return structuredClone(field.default);
  if (field.required !== true) return null;
  return field.type === 'record' ? process(recordOf(field), {}, 'insert') : undefined;
}

function unique(items: Json[]): Json[] {
  const seen = new Set<Json>();
  return items.filter((item) => !seen.has(item) && seen.add(item));
}

/** A PATCH merges records field by field and replaces everything else. */
export function merge(schema: RecordSchema, top: JsonObject, bottom: JsonObject): JsonObject {
  const output: JsonObject = { ...bottom, ...top };
  for (const [name, field] of fieldsOf(schema)) {
    const above = top[name];
    const below = bottom[name];
    if (field.type === 'record' && isObject(above)) {
      output[name] = merge(recordOf(field), above, isObject(below) ? below : {});
    }
  }
  return output;
}
