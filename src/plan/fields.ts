import { ABSOLUTE_PATH, type NamedField } from '../config';

/** Fields: which bundles may be used for a certificate. */
export const PLAN_FIELDS = [
  {
    allow_downgrade: {
      type: 'boolean',
      description:
        'Accepts a certificate that is older than the one in Kong, or a self-signed, staging or temporary one in place of one that clients trust.',
      required: true,
      default: false,
    },
  },
  {
    add_names: {
      type: 'boolean',
      description:
        'Adds the names that a renewal gained, also to certificates that somebody else created in Kong. Otherwise such names are only reported.',
      required: true,
      default: false,
    },
  },
  {
    trusted_issuers_file: {
      type: 'string',
      description:
        'PEM file of CAs. A certificate that chains to one of them, or to a public root, may replace a certificate of another issuer.',
      match_any: ABSOLUTE_PATH,
    },
  },
] as const satisfies readonly NamedField[];
