import { ABSOLUTE_PATH, type NamedField } from '../../config';

/** Field of every source that asks over a network. */
export const ALLOW_HTTP = {
  allow_http: {
    type: 'boolean',
    description: 'http, vault, kubernetes: plain http to other hosts and other users of this machine, too.',
  },
} as const satisfies NamedField;

/** Fields of sources of type `http` and `vault`. */
export const REMOTE_FIELDS = [
  {
    url: {
      type: 'string',
      description: 'http: where the bundle is. vault: where the server answers.',
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
      description: 'http, vault: a proxy that knows CONNECT, with its user and password where it wants them.',
      match_any: { patterns: ['^https?://'], err: 'must be http://host:port or https://host:port' },
    },
  },
  {
    token: {
      type: 'string',
      description: 'http: bearer token, or the password of username. vault: a token of Vault.',
      referenceable: true,
    },
  },
  {
    token_file: {
      type: 'string',
      description: 'http, vault: file that holds the token; it may be renewed in place.',
      match_any: ABSOLUTE_PATH,
    },
  },
  {
    ca_file: {
      type: 'string',
      description: "http, vault: PEM file of the server's CA. Empty: the usual CAs.",
      match_any: ABSOLUTE_PATH,
    },
  },
  {
    client_cert_file: {
      type: 'string',
      description: 'http, vault: PEM file of a client certificate.',
      match_any: ABSOLUTE_PATH,
    },
  },
  {
    client_key_file: {
      type: 'string',
      description: 'http, vault: PEM file of its key.',
      match_any: ABSOLUTE_PATH,
    },
  },
  {
    timeout: {
      type: 'integer',
      unit: 'seconds',
      description: 'http, vault: seconds for one request. Empty: 10.',
      between: [1, 300],
    },
  },
] as const satisfies readonly NamedField[];
