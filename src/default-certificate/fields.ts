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
