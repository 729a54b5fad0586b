import { ABSOLUTE_PATH, type NamedField } from '../config';

/** Who is told when something is wrong, and of what. */
export const ALERTS = [
  {
    expiry_warning_days: {
      type: 'array',
      description:
        'Days before an end at which a warning is due. Empty: a share of each life, from its renewal on.',
      required: true,
      default: [],
      elements: { type: 'integer', unit: 'days', between: [1, 3650] },
    },
  },
  {
    alerts: {
      type: 'record',
      description: 'A webhook that is told when something goes wrong, and when it is over.',
      required: true,
      fields: [
        {
          webhook: {
            type: 'string',
            description: 'Its address.',
            match_any: {
              patterns: ['^https?://'],
              err: 'must be https://…, or http://… to a loopback address',
            },
          },
        },
        {
          webhook_file: {
            type: 'string',
            description: 'A file that holds the address, where that is a secret.',
            match_any: ABSOLUTE_PATH,
          },
        },
        {
          format: {
            type: 'string',
            description: 'What the receiver understands.',
            required: true,
            default: 'json',
            one_of: ['json', 'slack', 'alertmanager'],
          },
        },
        {
          headers: {
            type: 'array',
            description: 'Further headers.',
            required: true,
            default: [],
            elements: {
              type: 'string',
              match_any: { patterns: ['^[A-Za-z0-9_-]+: *[^ ]'], err: 'must be "Name: value"' },
            },
          },
        },
        {
          token_file: {
            type: 'string',
            description: 'A file that holds a bearer token.',
            match_any: ABSOLUTE_PATH,
          },
        },
        {
          ca_file: {
            type: 'string',
            description: 'PEM file of the CA of the receiver.',
            match_any: ABSOLUTE_PATH,
          },
        },
        {
          allow_http: {
            type: 'boolean',
            description: 'Plain http to other hosts, too.',
            required: true,
            default: false,
          },
        },
        {
          reminder_days: {
            type: 'integer',
            unit: 'days',
            description: 'Days until what is still wrong is told again. 0: never.',
            required: true,
            default: 1,
            between: [0, 30],
          },
        },
        {
          grace: {
            type: 'integer',
            unit: 'seconds',
            description: 'Seconds that a trouble has to last which often mends itself.',
            required: true,
            default: 120,
            between: [0, 86_400],
          },
        },
      ],
    },
  },
] as const satisfies readonly NamedField[];
