import { ABSOLUTE_PATH, type NamedField } from '../config';

/** Where it is kept what happened, and how much of it. */
export const HISTORY = {
  history: {
    type: 'record',
    description: 'What happened to each certificate, kept for `ssl-cert-reloader history` and the page.',
    required: true,
    fields: [
      {
        file: {
          type: 'string',
          description: "Default: ssl-cert-reloader.history in Kong's prefix.",
          match_any: ABSOLUTE_PATH,
        },
      },
      {
        max_mb: {
          type: 'integer',
          description: 'Megabytes that it may take; the oldest half goes then. 0: nothing is kept.',
          required: true,
          default: 16,
          between: [0, 1024],
        },
      },
    ],
  },
} as const satisfies NamedField;
