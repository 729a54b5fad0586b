import { kongMessage } from '../admin/client';

interface FlattenedErrors {
  flattened_errors?: {
    entity_type?: string;
    entity_id?: string;
    errors?: { message?: string; field?: string }[];
  }[];
}

/** Why Kong refuses a whole configuration. */
export interface Refused {
  message: string;
  /** Kong's message for each entity that it names, by id. */
  entities: ReadonlyMap<string, string>;
}

const MAX_CHARS = 500;

/** Kong's sentences from `flattened_errors`, without the quoted entities and their keys. */
export function explain(body: unknown): Refused {
  const { flattened_errors: errors } = (body ?? {}) as FlattenedErrors;
  const entities = new Map<string, string>();
  const all: string[] = [];
  for (const entity of Array.isArray(errors) ? errors : []) {
    const sentences = (Array.isArray(entity.errors) ? entity.errors : []).map((error) =>
      [entity.entity_type, entity.entity_id, error.field, error.message].filter(Boolean).join(' '),
    );
    const text = sentences.join('; ');
    all.push(text);
    if (entity.entity_id !== undefined) entities.set(entity.entity_id, harmless(text) ?? kongMessage(body));
  }
  return { message: harmless(all.join('; ')) ?? kongMessage(body), entities };
}

const harmless = (text: string) =>
  text === '' || text.includes('-----BEGIN') ? null : text.slice(0, MAX_CHARS);
