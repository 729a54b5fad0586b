import { SHARED_FIELDS } from '../../sources/fields';
import { SOURCE_TYPES } from '../../sources/registry';
import type { KongField, NamedField } from './kong-field';

/** Which fields a type of source cannot do without. */
export const NEEDED_FIELDS: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries(SOURCE_TYPES).map(([type, { required }]) => [type, required]),
);

const needed = ([type, fields]: [string, readonly string[]]) =>
  fields.map((field) => ({
    conditional: {
      if_field: 'type',
      if_match: { eq: type },
      then_field: field,
      then_match: { required: true },
    },
  }));

/** Types may share a field; it stands in the schema once. */
const ownFields = new Map<string, NamedField>();
for (const { fields } of Object.values(SOURCE_TYPES)) {
  for (const field of fields) ownFields.set(Object.keys(field).join(), field);
}

/** Every source is one flat record, as Kong's schemas want it; which fields count is up to its type. */
export const SOURCES: KongField = {
  type: 'array',
  description: 'Where renewed certificates appear. Empty: look in the usual places.',
  required: true,
  default: [],
  elements: {
    type: 'record',
    fields: [
      { type: { type: 'string', required: true, one_of: Object.keys(SOURCE_TYPES) } },
      {
        create: {
          type: 'boolean',
          description: 'Create a certificate in Kong where none has these names.',
        },
      },
      ...ownFields.values(),
      ...SHARED_FIELDS,
    ],
    entity_checks: Object.entries(NEEDED_FIELDS).flatMap(needed),
  },
};
