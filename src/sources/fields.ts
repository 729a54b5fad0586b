import { ABSOLUTE_PATH, type NamedField } from '../config';

/** Fields that sources of every type have, beside `type`. */
export const SHARED_FIELDS = [
  {
    create: {
      type: 'boolean',
      description: 'Creates a certificate in Kong if no certificate there has the names of the bundle.',
    },
  },
  {
    password: {
      type: 'string',
      description: 'Password of keystores and encrypted keys. Prefer `password_file`.',
      referenceable: true,
    },
  },
  {
    password_file: {
      type: 'string',
      description:
        'File that holds the password of keystores and encrypted keys. A line feed at its end does not count.',
      match_any: ABSOLUTE_PATH,
    },
  },
  {
    alias: {
      type: 'string',
      description: 'Entry to take from a keystore that holds several keys. Case does not matter.',
    },
  },
  {
    trust: {
      type: 'boolean',
      description: 'The source holds CA certificates. Each becomes an entity of `ca_certificates` in Kong.',
      required: true,
      default: false,
    },
  },
] as const satisfies readonly NamedField[];
