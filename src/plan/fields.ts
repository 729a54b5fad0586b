import { ABSOLUTE_PATH, type NamedField } from '../config';

/** Fields: which bundles may be used for a certificate. */
export const PLAN_FIELDS = [
  {
    allow_downgrade: {
      type: 'boolean',
      description: 'Take a certificate that is older than the one in Kong.',
      required: true,
      default: false,
    },
  },
  {
    add_names: {
      type: 'boolean',
      description: 'Add names that a renewal gained to certificates that somebody else made in Kong, too.',
      required: true,
      default: false,
    },
  },
  {
    trusted_issuers_file: {
      type: 'string',
      description: 'PEM file of CAs whose certificates may take over from another issuer.',
      match_any: ABSOLUTE_PATH,
    },
  },
] as const satisfies readonly NamedField[];
