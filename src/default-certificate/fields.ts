import type { NamedField } from '../config';

/** Fields: what to do when the files of Kong's `ssl_cert` differ from the certificate that is served. */
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

/** Fields: what to do when other certificates change that Kong's configuration names. */
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
