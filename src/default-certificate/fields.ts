import type { NamedField } from '../config';

/** What is done when the files of Kong's `ssl_cert` hold another certificate than the one that is served. */
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

/** What is done when other certificates that Kong's configuration names change. */
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
