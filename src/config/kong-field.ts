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
  entity_checks?: readonly EntityCheck[];
  /** Unit of a number. Ours: Kong's schemas have no units. */
  unit?: 'seconds' | 'days';
  /** Whether a text is an address that ends with a port, possibly followed by a word. Ours. */
  ends_with_port?: true;
}

/** A field of a record that is required where another one has a certain value. */
export interface EntityCheck {
  conditional: {
    if_field: string;
    if_match: { eq: string };
    then_field: string;
    then_match: { required: true };
  };
}

/** Used instead of `match`, for which Kong only says `invalid value`. */
export const ABSOLUTE_PATH = { patterns: ['^/'], err: 'expected an absolute path' } as const;

export type NamedField = Readonly<Record<string, KongField>>;

/** Type of a field's value in a completed configuration. */
type ValueOf<Field extends KongField> = Field extends {
  type: 'record';
  fields: infer Fields extends readonly NamedField[];
}
  ? Values<Fields>
  : Field extends { type: 'array'; elements: infer Element extends KongField }
    ? ValueOf<Element>[]
    : Field extends { one_of: readonly (infer Choice)[] }
      ? Choice
      : Field extends { type: 'integer' }
        ? number
        : Field extends { type: 'boolean' }
          ? boolean
          : string;

/** Name of a field that always has a value: Kong and `completeConfig` fill in its default. */
type NeededName<Named extends NamedField> = {
  [Name in keyof Named]: Named[Name] extends { required: true } ? Name : never;
}[keyof Named];

/** The type of a configuration with these fields; a field without a value is absent, or null as Kong shows it. */
export type Values<Fields extends readonly NamedField[]> = {
  [Named in Fields[number] as NeededName<Named>]: ValueOf<Named[keyof Named]>;
} & {
  [Named in Fields[number] as Exclude<keyof Named, NeededName<Named>>]?: ValueOf<Named[keyof Named]> | null;
};
