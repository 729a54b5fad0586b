import { ABSOLUTE_PATH, type NamedField } from '../../config';

/** Fields of sources of type `file`. */
export const FILE_FIELDS = [
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
  {
    chain: {
      type: 'string',
      description: 'file: file of the intermediates, where cert holds the leaf alone.',
      match_any: ABSOLUTE_PATH,
    },
  },
] as const satisfies readonly NamedField[];
