import type { NamedField } from '../../config';

/** Fields of sources of type `http`, beside those of every remote source. */
export const HTTP_FIELDS = [
  {
    key_url: {
      type: 'string',
      description: 'http: where the key is. Empty: it stands in the bundle at url.',
      match_any: {
        patterns: ['^https?://'],
        err: 'must be https://…, or http://… to a loopback address',
      },
    },
  },
  {
    chain_url: {
      type: 'string',
      description: 'http: where the certificates of the issuers are, for a bundle without them.',
      match_any: {
        patterns: ['^https?://'],
        err: 'must be https://…, or http://… to a loopback address',
      },
    },
  },
  {
    username: {
      type: 'string',
      description: 'http: basic authentication; the password is token or token_file.',
    },
  },
] as const satisfies readonly NamedField[];
