import { ABSOLUTE_PATH, type NamedField } from '../../config';

/** Fields of sources of type `directory`. */
export const DIRECTORY_FIELDS = [
  {
    path: {
      type: 'string',
      description: 'directory: the folder; everything below it is looked at.',
      match_any: ABSOLUTE_PATH,
    },
  },
] as const satisfies readonly NamedField[];
