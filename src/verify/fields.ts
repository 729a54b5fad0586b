import type { NamedField } from '../config';

/** Fields: the proof of each write, and the listeners that are asked. */
export const VERIFY = {
  verify: {
    type: 'record',
    description: 'Proof of each swap by TLS handshakes with the listeners of this Kong.',
    required: true,
    fields: [
      {
        enabled: {
          type: 'boolean',
          description: 'Proves each swap by TLS handshakes.',
          required: true,
          default: true,
        },
      },
      {
        timeout: {
          type: 'integer',
          unit: 'seconds',
          description: 'Seconds within which every worker has to serve the new certificate.',
          required: true,
          default: 10,
          between: [1, 300],
        },
      },
      {
        rollback: {
          type: 'boolean',
          description: 'Restores the previous certificate if the new one is not served.',
          required: true,
          default: true,
        },
      },
      {
        listeners: {
          type: 'array',
          description:
            'TLS listeners to ask instead of those of this Kong: `host:port` or `host:port proxy_protocol`.',
          required: true,
          default: [],
          elements: {
            type: 'string',
            ends_with_port: true,
            match_any: {
              patterns: ['^[^ ]+:[0-9]+$', '^[^ ]+:[0-9]+ proxy_protocol$'],
              err: 'must be host:port, or "host:port proxy_protocol"',
            },
          },
        },
      },
    ],
  },
} as const satisfies NamedField;
