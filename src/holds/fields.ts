import type { NamedField } from '../config';

/** Fields: times in which nothing is swapped. */
export const FREEZE = {
  freeze: {
    type: 'array',
    description: 'Windows in which only urgent swaps are made.',
    required: true,
    default: [],
    elements: {
      type: 'record',
      fields: [
        {
          start: {
            type: 'string',
            description: "Start of the window in cron's five words: minute, hour, day, month, weekday.",
            required: true,
          },
        },
        {
          minutes: {
            type: 'integer',
            description: 'Length of the window in minutes.',
            required: true,
            between: [1, 525_600],
          },
        },
        {
          time_zone: {
            type: 'string',
            description: 'Time zone of `start`, for example `Europe/Berlin`.',
            required: true,
            default: 'UTC',
          },
        },
      ],
    },
  },
} as const satisfies NamedField;
