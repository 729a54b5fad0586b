import { ABSOLUTE_PATH, type NamedField } from '../config';

/** Fields: how to reach the Admin API. */
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
        headers: {
          type: 'array',
          description: 'Further headers, "Name: value" each.',
          elements: {
            type: 'string',
            match_any: { patterns: ['^[A-Za-z0-9_-]+: *[^ ]'], err: 'must be "Name: value"' },
          },
        },
      },
      {
        headers_file: {
          type: 'string',
          description: 'File with further headers, a line "Name: value" each.',
          match_any: ABSOLUTE_PATH,
        },
      },
      {
        ca_file: {
          type: 'string',
          description: 'PEM file of the CA of an https Admin API.',
          match_any: ABSOLUTE_PATH,
        },
      },
      {
        client_cert_file: {
          type: 'string',
          description: 'PEM file of a client certificate.',
          match_any: ABSOLUTE_PATH,
        },
      },
      { client_key_file: { type: 'string', description: 'PEM file of its key.', match_any: ABSOLUTE_PATH } },
      {
        server_name: {
          type: 'string',
          description: 'The name that the certificate of the Admin API has to have. Empty: the host of url.',
        },
      },
      {
        workspaces: {
          type: 'array',
          description:
            'Workspaces whose certificates are looked after; what is created goes to the first. Empty: the one of url.',
          elements: {
            type: 'string',
            match_any: { patterns: ['^[A-Za-z0-9_.~-]+$'], err: 'must be the name of a workspace' },
          },
        },
      },
      {
        allow_http: {
          type: 'boolean',
          description: 'Plain http to other hosts and other users of this machine, too.',
        },
      },
    ],
  },
} as const satisfies NamedField;
