import { ABSOLUTE_PATH, type NamedField } from '../config';

/** Keeping the declarative file of a Kong without a database up to date. */
export const WRITE_BACK_FIELDS = [
  {
    write_back: {
      type: 'boolean',
      description: 'Without a database: keeps the certificates in the declarative file up to date.',
      required: true,
      default: false,
    },
  },
  {
    write_back_file: {
      type: 'string',
      description: 'The declarative file. Empty: the `declarative_config` that Kong was started with.',
      match_any: ABSOLUTE_PATH,
    },
  },
] as const satisfies readonly NamedField[];
