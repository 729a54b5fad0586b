import type { NamedField } from '../config';

/** Fields of the election: of many gateways on one database, the holder of a Kubernetes Lease writes. */
export const LEADER_ELECTION = {
  leader_election: {
    type: 'record',
    description: 'One writer among the gateways on one database, elected with a Lease of Kubernetes.',
    required: true,
    fields: [
      {
        enabled: {
          type: 'boolean',
          description: 'Writes to Kong only while this gateway holds the Lease.',
          required: true,
          default: false,
        },
      },
      {
        lease: {
          type: 'string',
          description:
            'Name of the Lease. Gateways on one database share it; gateways on another database need another one.',
          required: true,
          default: 'ssl-cert-reloader',
        },
      },
      { namespace: { type: 'string', description: "Namespace of the Lease. Empty: the pod's own." } },
      {
        duration: {
          type: 'integer',
          unit: 'seconds',
          description:
            'Seconds after which a gateway that vanished is replaced. A gateway that is stopped releases the Lease itself.',
          required: true,
          default: 15,
          between: [3, 3_600],
        },
      },
    ],
  },
} as const satisfies NamedField;
