import type { KongField } from './kong-field';
import { FILE_FIELDS } from './source-files';
import { FORMAT_FIELDS } from './source-formats';
import { HTTP_FIELDS } from './source-http';
import { KUBERNETES_FIELDS } from './source-kubernetes';
import { REMOTE_FIELDS } from './source-remote';
import { TRUST_FIELDS } from './source-trust';
import { VAULT_FIELDS } from './source-vault';

/** Which fields a type of source cannot do without. */
export const NEEDED_FIELDS: Readonly<Record<string, readonly string[]>> = {
  directory: ['path'],
  file: ['cert'],
  vault: ['url', 'secret_path'],
  http: ['url'],
};

const needed = ([type, fields]: [string, readonly string[]]) =>
  fields.map((field) => ({
    conditional: {
      if_field: 'type',
      if_match: { eq: type },
      then_field: field,
      then_match: { required: true },
    },
  }));

/** Every source is one flat record, as Kong's schemas want it; which fields count is up to its type. */
export const SOURCES = {
  type: 'array',
  description: 'Where renewed certificates appear. Empty: look in the usual places.',
  required: true,
  default: [],
  elements: {
    type: 'record',
    fields: [
      {
        type: {
          type: 'string',
          required: true,
          one_of: ['file', 'directory', 'kubernetes', 'vault', 'http'],
        },
      },
      {
        create: {
          type: 'boolean',
          description: 'Create a certificate in Kong where none has these names.',
        },
      },
      ...FILE_FIELDS,
      ...KUBERNETES_FIELDS,
      ...FORMAT_FIELDS,
      ...REMOTE_FIELDS,
      ...VAULT_FIELDS,
      ...HTTP_FIELDS,
      ...TRUST_FIELDS,
    ],
    entity_checks: Object.entries(NEEDED_FIELDS).flatMap(needed),
  },
} as const satisfies KongField;
