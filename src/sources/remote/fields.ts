import { ABSOLUTE_PATH, type NamedField } from '../../config';

/** Field of every source that asks over a network. */
export const ALLOW_HTTP = {
  allow_http: {
    type: 'boolean',
    description:
      'http, vault, kubernetes: allows plain HTTP to other hosts and to other users of this machine.',
  },
} as const satisfies NamedField;

/** Fields of sources of type `http` and `vault`. */
export const REMOTE_FIELDS = [
  {
    url: {
      type: 'string',
      description: '`http`: URL of the bundle. `vault`: address of the server.',
      match_any: {
        patterns: ['^https?://', '^unix:/'],
        err: 'must be https://…, or http://… to a loopback address (vault: or unix:/…)',
      },
    },
  },
  ALLOW_HTTP,
  {
    proxy: {
      type: 'string',
      description: 'http, vault: proxy that supports `CONNECT`, with user and password if it needs them.',
      match_any: { patterns: ['^https?://'], err: 'must be http://host:port or https://host:port' },
    },
  },
  {
    token: {
      type: 'string',
      description:
        '`http`: bearer token, or the password of `username`. `vault`: token of Vault. Prefer `token_file`.',
      referenceable: true,
    },
  },
  {
    token_file: {
      type: 'string',
      description: 'http, vault: file that holds the token. It is read again when it changes.',
      match_any: ABSOLUTE_PATH,
    },
  },
  {
    ca_file: {
      type: 'string',
      description: "http, vault: PEM file of the server's CA. Empty: the system's CAs.",
      match_any: ABSOLUTE_PATH,
    },
  },
  {
    client_cert_file: {
      type: 'string',
      description: 'http, vault: PEM file of a client certificate, if the server asks for one.',
      match_any: ABSOLUTE_PATH,
    },
  },
  {
    client_key_file: {
      type: 'string',
      description: "http, vault: PEM file of the client certificate's key.",
      match_any: ABSOLUTE_PATH,
    },
  },
  {
    timeout: {
      type: 'integer',
      unit: 'seconds',
      description: 'http, vault: seconds for one request, redirects included. Empty: 10.',
      between: [1, 300],
    },
  },
] as const satisfies readonly NamedField[];
