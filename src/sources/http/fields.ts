import { ABSOLUTE_PATH, type NamedField } from '../../config';

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
  {
    headers: {
      type: 'array',
      description:
        'http: further headers, `Name: value` each, for a server that takes its token in a header of its own.',
      elements: {
        type: 'string',
        match_any: { patterns: ['^[A-Za-z0-9_-]+: *[^ ]'], err: 'must be "Name: value"' },
      },
    },
  },
  {
    headers_file: {
      type: 'string',
      description: 'http: file with further headers, one `Name: value` in each line.',
      match_any: ABSOLUTE_PATH,
    },
  },
] as const satisfies readonly NamedField[];
