import { ABSOLUTE_PATH, type NamedField } from './kong-field';

/** How a source of any type gets at what is locked. */
export const FORMAT_FIELDS = [
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
  {
    password_secret: {
      type: 'string',
      description:
        'kubernetes: NAME or NAME/KEY of the Secret, in the namespace of each keystore, that holds the password.',
    },
  },
  { alias: { type: 'string', description: 'Which entry of a keystore, where it holds several keys.' } },
] as const satisfies readonly NamedField[];
