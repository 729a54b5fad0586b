import { ABSOLUTE_PATH, type NamedField } from '../config';

/** Fields: where the log goes beside stderr, and from which level. */
export const LOG = {
  log: {
    type: 'record',
    description: 'The log: JSON lines on stderr, which Kong shows at level info alone.',
    required: true,
    fields: [
      {
        file: {
          type: 'string',
          description: 'A file that gets the same lines. It may be moved away or cut by logrotate.',
          match_any: ABSOLUTE_PATH,
        },
      },
      {
        level: {
          type: 'string',
          description: 'The least level that is written.',
          required: true,
          default: 'info',
          one_of: ['debug', 'info', 'warn', 'error'],
        },
      },
    ],
  },
} as const satisfies NamedField;
