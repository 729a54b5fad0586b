import type { NamedField } from '../config';

/** Fields: what to do when the files of Kong's `ssl_cert` differ from the certificate that is served. */
export const DEFAULT_CERTIFICATE = {
  default_certificate: {
    type: 'string',
    description:
      'When the files of ssl_cert change: promote serves them for unknown names and warns, reload has Kong read them.',
    required: true,
    default: 'promote',
    one_of: ['off', 'promote', 'reload'],
  },
} as const satisfies NamedField;

/** Fields: what to do when other certificates change that Kong's configuration names. */
export const NODE_CERTIFICATES = {
  node_certificates: {
    type: 'string',
    description:
      "When files of Kong's own certificates change (admin_ssl_cert and others): observe says so, reload has Kong read them.",
    required: true,
    default: 'observe',
    one_of: ['observe', 'reload'],
  },
} as const satisfies NamedField;
