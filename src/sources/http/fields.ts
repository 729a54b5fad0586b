import type { NamedField } from '../../config';

/** Fields of sources of type `http`, beside those of every remote source. */
export const HTTP_FIELDS = [
  {
    key_url: {
      type: 'string',
      description: 'http: URL of the private key, on the same server. Empty: the key is in the bundle.',
      match_any: {
        patterns: ['^https?://'],
        err: 'must be https://…, or http://… to a loopback address',
      },
    },
  },
  {
    chain_url: {
      type: 'string',
      description:
        "http: URL of the issuers' certificates, on the same server, for a bundle without its chain.",
      match_any: {
        patterns: ['^https?://'],
        err: 'must be https://…, or http://… to a loopback address',
      },
    },
  },
  {
    username: {
      type: 'string',
      description: 'http: user for basic authentication. The password is `token` or `token_file`.',
    },
  },
] as const satisfies readonly NamedField[];
