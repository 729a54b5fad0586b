import { CORE_SCHEMA, load } from 'js-yaml';
import { isObject, isTable, type Json, type JsonObject } from '../json';
import { declarativeError } from '../refusal';

/** The text of a declarative configuration: JSON is tried first, then YAML. @throws Refusal */
export function parseDocument(text: string): JsonObject {
  let document: Json | undefined;
  let reason = 'expected an object';
  try {
    document = JSON.parse(text) as Json;
  } catch {
    try {
      document = load(text, { schema: CORE_SCHEMA }) as Json | undefined;
    } catch (error) {
      reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    }
  }
  if (isObject(document)) return document;
  if (isTable(document) && document.length === 0) return {};
  throw declarativeError({ error: `failed parsing declarative configuration: ${reason}` });
}
