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
  /** Ids of the entities that Kong names. */
  entities: ReadonlySet<string>;
}

/** Kong's sentences from `flattened_errors`, without the entities that it quotes with their keys. */
export function explain(body: unknown): Refused {
  const { flattened_errors: errors } = (body ?? {}) as FlattenedErrors;
  const flat = Array.isArray(errors) ? errors : [];
  const sentences = flat.flatMap((entity) =>
    (entity.errors ?? []).map((error) =>
      [entity.entity_type, entity.entity_id, error.field, error.message].filter(Boolean).join(' '),
    ),
  );
  const text = sentences.join('; ');
  return {
    message: text === '' || text.includes('-----BEGIN') ? kongMessage(body) : text.slice(0, 500),
    entities: new Set(flat.flatMap((entity) => entity.entity_id ?? [])),
  };
}
