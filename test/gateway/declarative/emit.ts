import { ENTITY_TYPES } from '../entities/definitions';
import type { Row } from '../entities/rows';
import type { Store } from '../entities/store';
import { isObject, isTable, type Json, type JsonObject } from '../json';

/** The whole configuration as Kong's emitter writes it (`GET /config`). */
export function emitConfiguration(store: Store): string {
  const parts = ["_format_version: '3.0'\n_transform: false\n"];
  for (const { name, foreign } of ENTITY_TYPES) {
    const table = store.table(name);
    if (table.size === 0) continue;
    parts.push(`${name}:\n`);
    for (const row of table.rows()) parts.push(emitItem(byReference(row, Object.keys(foreign)), ''));
  }
  return parts.join('');
}

/** References at the top level are ids, inside nested entities they stay records. */
function byReference(row: Row, fields: readonly string[]): JsonObject {
  if (fields.length === 0) return row;
  const shown: JsonObject = { ...row };
  for (const field of fields) {
    const value = row[field];
    if (isObject(value)) shown[field] = value['id'] ?? null;
  }
  return shown;
}

function emitItem(item: Json, indent: string): string {
  if (Array.isArray(item) && item.length > 0) {
    const lines = item.map((element) => emitItem(element, `${indent}  `)).join('');
    return `${indent}- ${lines.slice(indent.length + 2)}`;
  }
  if (!isObject(item) || Object.keys(item).length === 0) return `${indent}-${emitValue(item, indent)}`;
  const fields = emitFields(item, `${indent}  `);
  return `${indent}- ${fields.slice(indent.length + 2)}`;
}

function emitFields(record: JsonObject, indent: string): string {
  let text = '';
  for (const [name, value] of Object.entries(record))
    text += `${indent}${scalar(name)}:${emitValue(value, indent)}`;
  return text;
}

/** The text after `name:` or `-`, with the line's end. */
function emitValue(value: Json, indent: string): string {
  if (value === null) return ' ~\n';
  if (typeof value === 'string')
    return value.includes('\n') ? literal(value, `${indent}  `) : ` ${scalar(value)}\n`;
  if (!isTable(value)) return ` ${String(value)}\n`;
  if (Object.keys(value).length === 0) return ' []\n';
  // Lists stand at the column of the name that they belong to.
  if (Array.isArray(value)) return `\n${value.map((item) => emitItem(item, indent)).join('')}`;
  return `\n${emitFields(value, `${indent}  `)}`;
}

function literal(text: string, indent: string): string {
  if (/^[\n ]|[^\n\x20-\x7e]| \n| $/.test(text)) return ` ${JSON.stringify(text)}\n`;
  const body = text.replace(/\n+$/, '');
  const ends = text.length - body.length;
  const chomp = ends === 0 ? '-' : ends === 1 ? '' : '+';
  const lines = body.replace(/\n(?!\n)/g, `\n${indent}`);
  return ` |${chomp}\n${indent}${lines}\n${'\n'.repeat(Math.max(0, ends - 1))}`;
}

const NOT_A_STRING =
  /^(~|null|true|false|yes|no|on|off|y|n|[-+]?(\.inf|\.nan|[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?|0x[0-9a-f]+|0b[01_]+|[0-9:]+))$/i;

function scalar(text: string): string {
  if (/[^\x20-\x7e]/.test(text)) return JSON.stringify(text);
  const isPlain =
    /^[^\s\-?:,[\]{}#&*!|>'"%@`]/.test(text) &&
    !/(: |:$| #| $|^\.\.\.)/.test(text) &&
    !NOT_A_STRING.test(text);
  return isPlain ? text : `'${text.replaceAll("'", "''")}'`;
}
