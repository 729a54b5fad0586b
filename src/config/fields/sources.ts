import type { KongField } from './kong-field';
import { FILE_FIELDS } from './source-files';
import { FORMAT_FIELDS } from './source-formats';
import { KUBERNETES_FIELDS } from './source-kubernetes';

/** Which field a type of source cannot do without. */
export const NEEDED_FIELDS: Readonly<Record<string, string>> = { directory: 'path', file: 'cert' };

const needed = ([type, field]: [string, string]) => ({
  conditional: {
    if_field: 'type',
    if_match: { eq: type },
    then_field: field,
    then_match: { required: true },
  },
});

/** Every source is one flat record, as Kong's schemas want it; which fields count is up to its type. */
export const SOURCES: KongField = {
  type: 'array',
  description: 'Where renewed certificates appear. Empty: look in the usual places.',
  required: true,
  default: [],
  elements: {
    type: 'record',
    fields: [
      { type: { type: 'string', required: true, one_of: ['file', 'directory', 'kubernetes'] } },
      {
        create: {
          type: 'boolean',
          description: 'Create a certificate in Kong where none has these names.',
        },
      },
      ...FILE_FIELDS,
      ...KUBERNETES_FIELDS,
      ...FORMAT_FIELDS,
    ],
    entity_checks: Object.entries(NEEDED_FIELDS).map(needed),
  },
};
