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
      description: 'file: file of the private key. Empty: the key is in the file of the certificate.',
      match_any: ABSOLUTE_PATH,
    },
  },
  {
    chain: {
      type: 'string',
      description: 'file: file of the intermediates, if `cert` holds only the leaf.',
      match_any: ABSOLUTE_PATH,
    },
  },
] as const satisfies readonly NamedField[];
