import type { NamedField } from '../config';

/** What is done when the files of Kong's `ssl_cert` hold another certificate than the one that is served. */
export const DEFAULT_CERTIFICATE = {
  default_certificate: {
    type: 'string',
    description:
      "What happens when the files of Kong's `ssl_cert` change. `promote` serves the new certificate for unknown names and warns, `reload` reloads Kong, `off` does nothing.",
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
      "What happens when the files of Kong's own certificates change, such as `admin_ssl_cert`. `observe` reports it, `reload` reloads Kong.",
    required: true,
    default: 'observe',
    one_of: ['observe', 'reload'],
  },
} as const satisfies NamedField;
