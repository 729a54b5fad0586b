import type { NamedField } from '../config';

/** Fields of the election: of many gateways on one database, the holder of a Kubernetes Lease writes. */
export const LEADER_ELECTION = {
  leader_election: {
    type: 'record',
    description: 'One writer among the gateways of a database, chosen by a Lease of Kubernetes.',
    required: true,
    fields: [
      {
        enabled: {
          type: 'boolean',
          description: 'Write only while this gateway holds the Lease.',
          required: true,
          default: false,
        },
      },
      {
        lease: {
          type: 'string',
          description: 'Name of the Lease.',
          required: true,
          default: 'ssl-cert-reloader',
        },
      },
      { namespace: { type: 'string', description: "Where the Lease is; default: the pod's own namespace." } },
      {
        duration: {
          type: 'integer',
          unit: 'seconds',
          description: 'Seconds after which a gateway that went away without a word is replaced.',
          required: true,
          default: 15,
          between: [3, 3_600],
        },
      },
    ],
  },
} as const satisfies NamedField;
