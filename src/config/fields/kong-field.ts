/** A field of a Kong schema, as far as this plugin uses it (Kong's own words). */
export interface KongField {
  type: 'string' | 'integer' | 'boolean' | 'array' | 'record';
  description?: string;
  required?: boolean;
  default?: unknown;
  between?: readonly [number, number];
  one_of?: readonly string[];
  len_min?: number;
  match_any?: { patterns: readonly string[]; err: string };
  referenceable?: boolean;
  elements?: KongField;
  fields?: readonly NamedField[];
  entity_checks?: readonly unknown[];
}

/** Kong says no more than `invalid value` of a single `match`. */
export const ABSOLUTE_PATH = { patterns: ['^/'], err: 'expected an absolute path' } as const;

export type NamedField = Readonly<Record<string, KongField>>;
