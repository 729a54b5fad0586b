import { ABSOLUTE_PATH, type NamedField } from '../config';

/** Fields: how to reach the Admin API. */
export const ADMIN = {
  admin: {
    type: 'record',
    description: 'Access to the Admin API.',
    required: true,
    fields: [
      {
        url: {
          type: 'string',
          description: "Address of the Admin API, if Kong's prefix does not name it.",
          match_any: {
            patterns: ['^https?://', '^unix:/'],
            err: 'must be http://…, https://… or unix:/…',
          },
        },
      },
      {
        token: {
          type: 'string',
          description: 'Value of the header `Kong-Admin-Token`. Prefer `token_file`.',
          referenceable: true,
        },
      },
      {
        token_file: {
          type: 'string',
          description: 'File that holds the value of the header `Kong-Admin-Token`.',
          match_any: ABSOLUTE_PATH,
        },
      },
      {
        headers: {
          type: 'array',
          description: 'Further headers, `Name: value` each, for a gateway in front of the Admin API.',
          elements: {
            type: 'string',
            match_any: { patterns: ['^[A-Za-z0-9_-]+: *[^ ]'], err: 'must be "Name: value"' },
          },
        },
      },
      {
        headers_file: {
          type: 'string',
          description: 'File with further headers, one `Name: value` in each line.',
          match_any: ABSOLUTE_PATH,
        },
      },
      {
        ca_file: {
          type: 'string',
          description: 'PEM file of the CA of the Admin API.',
          match_any: ABSOLUTE_PATH,
        },
      },
      {
        client_cert_file: {
          type: 'string',
          description: 'PEM file of a client certificate, if the Admin API asks for one.',
          match_any: ABSOLUTE_PATH,
        },
      },
      {
        client_key_file: {
          type: 'string',
          description: "PEM file of the client certificate's key.",
          match_any: ABSOLUTE_PATH,
        },
      },
      {
        server_name: {
          type: 'string',
          description:
            'Name that the certificate of the Admin API must have. Empty: the host of `admin.url`.',
        },
      },
      {
        workspaces: {
          type: 'array',
          description:
            'Workspaces of Kong Enterprise whose certificates are kept in step. New entities go to the first one. Empty: the workspace of `admin.url`.',
          elements: {
            type: 'string',
            match_any: { patterns: ['^[A-Za-z0-9_.~-]+$'], err: 'must be the name of a workspace' },
          },
        },
      },
      {
        allow_http: {
          type: 'boolean',
          description: 'Allows plain HTTP to other hosts and to other users of this machine.',
        },
      },
    ],
  },
} as const satisfies NamedField;
