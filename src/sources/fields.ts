import { ABSOLUTE_PATH, type NamedField } from '../config';

/** Fields that sources of every type have, beside `type`. */
export const SHARED_FIELDS = [
  {
    create: {
      type: 'boolean',
      description: 'Create a certificate in Kong where none has these names.',
    },
  },
  {
    password: {
      type: 'string',
      description: 'Password of keystores and encrypted keys. Better: password_file.',
      referenceable: true,
    },
  },
  {
    password_file: {
      type: 'string',
      description: 'File that holds the password; a line feed at its end does not count.',
      match_any: ABSOLUTE_PATH,
    },
  },
  { alias: { type: 'string', description: 'Which entry of a keystore, where it holds several keys.' } },
  {
    trust: {
      type: 'boolean',
      description: 'The source holds CA certificates, which become entities of ca_certificates.',
      required: true,
      default: false,
    },
  },
] as const satisfies readonly NamedField[];
