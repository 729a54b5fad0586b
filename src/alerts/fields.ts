import { ABSOLUTE_PATH, type NamedField } from '../config';

/** Fields: receivers of alerts, and what they are told. */
export const ALERTS = [
  {
    expiry_warning_days: {
      type: 'array',
      description:
        'Days before the end of a certificate at which a warning is due. Empty: a share of its life, counted from its renewal.',
      required: true,
      default: [],
      elements: { type: 'integer', unit: 'days', between: [1, 3650] },
    },
  },
  {
    alerts: {
      type: 'record',
      description: 'A webhook that is called when a problem starts and when it ends.',
      required: true,
      fields: [
        {
          webhook: {
            type: 'string',
            description: 'Address of the webhook.',
            match_any: {
              patterns: ['^https?://'],
              err: 'must be https://…, or http://… to a loopback address',
            },
          },
        },
        {
          webhook_file: {
            type: 'string',
            description: 'File that holds the address, if the address is a secret, as with Slack.',
            match_any: ABSOLUTE_PATH,
          },
        },
        {
          format: {
            type: 'string',
            description:
              "Format of the messages: `json` (this project's own), `slack` (also for Mattermost and Rocket.Chat) or `alertmanager`.",
            required: true,
            default: 'json',
            one_of: ['json', 'slack', 'alertmanager'],
          },
        },
        {
          headers: {
            type: 'array',
            description: 'Further headers, `Name: value` each.',
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
            description: 'File that holds a bearer token.',
            match_any: ABSOLUTE_PATH,
          },
        },
        {
          ca_file: {
            type: 'string',
            description: "PEM file of the receiver's CA. Empty: the system's CAs.",
            match_any: ABSOLUTE_PATH,
          },
        },
        {
          allow_http: {
            type: 'boolean',
            description: 'Allows plain HTTP to other hosts, such as an Alertmanager in the same cluster.',
            required: true,
            default: false,
          },
        },
        {
          reminder_days: {
            type: 'integer',
            unit: 'days',
            description: 'Days after which an alert that still holds is sent again. 0: never.',
            required: true,
            default: 1,
            between: [0, 30],
          },
        },
        {
          grace: {
            type: 'integer',
            unit: 'seconds',
            description:
              'Seconds that a problem has to last before an alert is sent, if problems of its kind often end by themselves.',
            required: true,
            default: 120,
            between: [0, 86_400],
          },
        },
      ],
    },
  },
] as const satisfies readonly NamedField[];
