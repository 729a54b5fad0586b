/** Values that JSON and the declarative YAML can hold. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Lua knows only tables: an empty array and an empty object are the same to Kong. */
export function isTable(value: unknown): value is JsonObject | Json[] {
  return typeof value === 'object' && value !== null;
}

/** A value that should be text, for look-ups and messages. */
export function textOf(value: Json | undefined): string {
  if (typeof value === 'string') return value;
  return value === undefined ? '' : JSON.stringify(value);
}

/** A field of a possibly nested object by a dotted path. */
export function getPath(value: Json | undefined, path: string): Json | undefined {
  let at: Json | undefined = value;
  for (const part of path.split('.')) {
    if (!isObject(at)) return undefined;
    at = at[part];
  }
  return at;
}

/** By code units, as Lua's table.sort orders strings (not by locale). */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
