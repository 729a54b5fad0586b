import type { NamedField } from '../config';

/** When nothing is swapped. */
export const FREEZE = {
  freeze: {
    type: 'array',
    description: 'Times in which nothing is swapped that is not urgent.',
    required: true,
    default: [],
    elements: {
      type: 'record',
      fields: [
        {
          start: {
            type: 'string',
            description: 'When it begins, as cron says it: minute, hour, day, month, weekday.',
            required: true,
          },
        },
        {
          minutes: {
            type: 'integer',
            description: 'How long it lasts.',
            required: true,
            between: [1, 525_600],
          },
        },
        {
          time_zone: {
            type: 'string',
            description: 'Of `start`, e.g. Europe/Berlin.',
            required: true,
            default: 'UTC',
          },
        },
      ],
    },
  },
} as const satisfies NamedField;
