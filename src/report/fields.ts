import { ABSOLUTE_PATH, type NamedField } from '../config';

/** Fields: where the log goes beside stderr, and from which level. */
export const LOG = {
  log: {
    type: 'record',
    description: 'The log: JSON lines on standard error, and in a file.',
    required: true,
    fields: [
      {
        file: {
          type: 'string',
          description: 'File that gets the same lines as standard error.',
          match_any: ABSOLUTE_PATH,
        },
      },
      {
        level: {
          type: 'string',
          description: 'Lowest level that is written.',
          required: true,
          default: 'info',
          one_of: ['debug', 'info', 'warn', 'error'],
        },
      },
    ],
  },
} as const satisfies NamedField;
