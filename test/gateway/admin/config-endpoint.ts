import { createHash } from 'node:crypto';
import type { SchemaFor } from '../declarative/check';
import { emitConfiguration } from '../declarative/emit';
import { loadDocument } from '../declarative/load';
import { parseDocument } from '../declarative/parse';
import type { Contents, Store } from '../entities/store';
import type { JsonObject } from '../json';
import type { Mode } from '../options';
import { plain } from '../refusal';
import type { Answer, Exchange } from './exchange';
import type { Router } from './router';

export interface ConfigContext {
  mode: Mode;
  store: Store;
  schemaFor: SchemaFor;
}

export function addConfigEndpoint(router: Router, context: ConfigContext): void {
  const checkMode = () => {
    if (context.mode === 'dbless') return;
    throw plain(400, 'this endpoint is only available when Kong is configured to not use a database');
  };
  router.add('/config', {
    GET: () => {
      checkMode();
      return { status: 200, body: { config: emitConfiguration(context.store) } };
    },
    POST: (exchange) => {
      checkMode();
      return post(exchange, context);
    },
  });
}

export function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}

function post({ query, body, raw }: Exchange, { store, schemaFor }: ConfigContext): Answer {
  const { flatten_errors: flatten, check_hash: check, ...params } = { ...body, ...Object.fromEntries(query) };
  const { document, hash } = readDocument(params, raw);
  if (check === '1' && hash !== null && hash === store.configurationHash) return { status: 304 };
  const contents = loadDocument(document, schemaFor, { flattenErrors: isTruthy(flatten) });
  const entities = byId(contents);
  // A document that came as JSON has no text to take the hash of.
  store.replaceAll(contents, hash ?? md5(JSON.stringify(entities)));
  return { status: 201, body: entities };
}

/** The document itself, a text in the field `config`, or the whole body as text. */
function readDocument(params: JsonObject, raw: Buffer): { document: JsonObject; hash: string | null } {
  if (params['_format_version'] !== undefined) return { document: params, hash: null };
  const { config } = params;
  const text = typeof config === 'string' ? config : raw.toString('utf8');
  if (text === '') throw plain(400, 'expected a declarative configuration');
  return { document: parseDocument(text), hash: md5(text) };
}

function isTruthy(value: unknown): boolean {
  return value === true || value === 1 || ['true', '1', 'on', 'yes'].includes(String(value).toLowerCase());
}

function byId(contents: Contents): JsonObject {
  return Object.fromEntries(
    [...contents].map(([name, rows]) => [name, Object.fromEntries(rows.map((row) => [row.id, row]))]),
  );
}
