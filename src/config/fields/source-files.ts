import { ABSOLUTE_PATH, type NamedField } from './kong-field';

/** Fields of sources of type `file` and `directory`. */
export const FILE_FIELDS = [
  {
    path: {
      type: 'string',
      description: 'directory: the folder; everything below it is looked at.',
      match_any: ABSOLUTE_PATH,
    },
  },
  {
    cert: {
      type: 'string',
      description: 'file: file of the leaf and its chain, or a keystore.',
      match_any: ABSOLUTE_PATH,
    },
  },
  {
    key: {
      type: 'string',
      description: 'file: file of the key. Empty: the certificate file holds it.',
      match_any: ABSOLUTE_PATH,
    },
  },
] as const satisfies readonly NamedField[];
