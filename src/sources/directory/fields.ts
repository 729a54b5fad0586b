import { ABSOLUTE_PATH, type NamedField } from '../../config';

/** Fields of sources of type `directory`. */
export const DIRECTORY_FIELDS = [
  {
    path: {
      type: 'string',
      description:
        'directory: folder to read, with everything below it. Links are followed; names that start with a dot are skipped.',
      match_any: ABSOLUTE_PATH,
    },
  },
] as const satisfies readonly NamedField[];
