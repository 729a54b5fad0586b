import { ABSOLUTE_PATH, type NamedField } from '../config';

/** How the Admin API is reached. */
export const ADMIN = {
  admin: {
    type: 'record',
    description: 'The Admin API, where it cannot be found by itself.',
    required: true,
    fields: [
      {
        url: {
          type: 'string',
          description: 'Where the Admin API answers.',
          match_any: {
            patterns: ['^https?://', '^unix:/'],
            err: 'must be http://…, https://… or unix:/…',
          },
        },
      },
      {
        token: {
          type: 'string',
          description: 'Value of the header Kong-Admin-Token.',
          referenceable: true,
        },
      },
      {
        token_file: { type: 'string', description: 'File that holds the token.', match_any: ABSOLUTE_PATH },
      },
      {
        ca_file: {
          type: 'string',
          description: 'PEM file of the CA of an https Admin API.',
          match_any: ABSOLUTE_PATH,
        },
      },
    ],
  },
} as const satisfies NamedField;
