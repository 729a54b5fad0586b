import { ABSOLUTE_PATH, type NamedField } from '../config';

/** Fields: where the history is kept, and how much of it. */
export const HISTORY = {
  history: {
    type: 'record',
    description: 'Record of what happened to each certificate, for `ssl-cert-reloader history` and the page.',
    required: true,
    fields: [
      {
        file: {
          type: 'string',
          description: "File of the history. Empty: `ssl-cert-reloader.history` in Kong's prefix.",
          match_any: ABSOLUTE_PATH,
        },
      },
      {
        max_mb: {
          type: 'integer',
          description:
            'Megabytes that the history may take. When it is full, the older half is removed. 0: no history is kept.',
          required: true,
          default: 16,
          between: [0, 1024],
        },
      },
    ],
  },
} as const satisfies NamedField;
