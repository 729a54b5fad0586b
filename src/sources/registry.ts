import type { EntityCheck, NamedField, Values } from '../config';
import { DIRECTORY } from './directory';
import { SHARED_FIELDS } from './fields';
import { FILE } from './file';
import { HTTP } from './http';
import { KUBERNETES } from './kubernetes';
import { VAULT } from './vault';

/** Every type of source, by its name in the configuration. */
export const SOURCE_TYPES = {
  file: FILE,
  directory: DIRECTORY,
  kubernetes: KUBERNETES,
  vault: VAULT,
  http: HTTP,
} as const;

export type SourceTypeName = keyof typeof SOURCE_TYPES;

const NAMES = Object.keys(SOURCE_TYPES) as SourceTypeName[];

type OwnField = (typeof SOURCE_TYPES)[SourceTypeName]['fields'][number];

/** Fields of a source: one flat record, as Kong's schemas require; its type decides which fields count. */
export const SOURCES = {
  sources: {
    type: 'array',
    description: 'The places where renewed certificates appear. Empty: the usual places.',
    required: true,
    default: [],
    elements: {
      type: 'record',
      fields: [
        { type: { type: 'string', description: 'Type of the source.', required: true, one_of: NAMES } },
        ...SHARED_FIELDS,
        ...ownFields(),
      ],
      entity_checks: Object.entries(SOURCE_TYPES).flatMap(([type, { required }]) =>
        required.map((field) => needs(type, field)),
      ),
    },
  },
} as const satisfies NamedField;

/** A configured source. */
export type SourceConfig = Values<readonly [typeof SOURCES]>['sources'][number];

/** Types may share a field, which is in the schema once. */
function ownFields(): OwnField[] {
  const byName = new Map<string, OwnField>();
  for (const { fields } of Object.values(SOURCE_TYPES)) {
    for (const field of fields) byName.set(Object.keys(field).join(), field);
  }
  return [...byName.values()];
}

/** With this type the field is required. */
function needs(type: string, field: string): EntityCheck {
  return {
    conditional: {
      if_field: 'type',
      if_match: { eq: type },
      then_field: field,
      then_match: { required: true },
    },
  };
}
