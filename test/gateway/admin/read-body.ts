import type { IncomingMessage } from 'node:http';
import { isObject, type Json, type JsonObject } from '../json';
import { plain } from '../refusal';

/** The whole body, or null for one that is too large; that one is read to its end and thrown away. */
export async function readRaw(request: IncomingMessage, maxBytes: number): Promise<Buffer | null> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size <= maxBytes) parts.push(part);
    else parts.length = 0;
  }
  return size > maxBytes ? null : Buffer.concat(parts);
}

const FORM = 'application/x-www-form-urlencoded';
const MULTIPART = 'multipart/form-data';

/** Kong refuses what is none of these with 415; YAML is for /config only. */
export function isAccepted(contentType: string, path: string): boolean {
  if (['application/json', FORM, MULTIPART].some((type) => contentType.startsWith(type))) return true;
  return path === '/config' && ['application/yaml', 'text/yaml'].some((type) => contentType.startsWith(type));
}

/** A JSON object or a form's fields; empty for anything else. @throws Refusal (400) for broken JSON */
export function parseBody(contentType: string, raw: Buffer): JsonObject {
  const type = contentType.toLowerCase();
  if (type.includes('application/json')) {
    const json = parseJson(raw);
    return isObject(json) ? json : {};
  }
  if (type.startsWith(FORM)) return toFields([...new URLSearchParams(raw.toString('utf8'))]);
  if (type.startsWith(MULTIPART)) return toFields(multipart(contentType, raw.toString('latin1')));
  return {};
}

function parseJson(raw: Buffer): Json {
  try {
    return JSON.parse(raw.toString('utf8')) as Json;
  } catch {
    throw plain(400, 'Cannot parse JSON body');
  }
}

function multipart(contentType: string, text: string): [string, string][] {
  const boundary = /boundary="?([^";]+)"?/i.exec(contentType)?.[1] ?? '';
  return text
    .split(`--${boundary}`)
    .slice(1)
    .flatMap((part): [string, string][] => {
      const end = part.indexOf('\r\n\r\n');
      const name = /name="([^"]*)"/.exec(part.slice(0, end))?.[1];
      if (end === -1 || name === undefined) return [];
      const value = part.slice(end + 4).replace(/\r\n$/, '');
      return [[name, Buffer.from(value, 'latin1').toString('utf8')]];
    });
}

/** `snis[]=a` and `snis[1]=a` make lists, `config.interval=1` makes records. Values stay text. */
function toFields(pairs: readonly [string, string][]): JsonObject {
  const fields: JsonObject = {};
  for (const [name, value] of pairs) {
    const isList = /\[\d*\]$/.test(name);
    const path = name.replace(/\[\d*\]$/, '').split('.');
    const last = path.pop() ?? '';
    let at = fields;
    for (const part of path) {
      const below = at[part];
      const next: JsonObject = isObject(below) ? below : {};
      at[part] = next;
      at = next;
    }
    const before = at[last];
    if (isList || before !== undefined) {
      at[last] = [...(Array.isArray(before) ? before : before === undefined ? [] : [before]), value];
    } else at[last] = value;
  }
  return fields;
}
