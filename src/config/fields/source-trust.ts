import type { NamedField } from './kong-field';

/** Fields of sources that say whom Kong trusts. */
export const TRUST_FIELDS = [
  {
    trust: {
      type: 'boolean',
      description: 'The source holds CA certificates, which become entities of ca_certificates.',
      required: true,
      default: false,
    },
  },
  {
    resource: {
      type: 'string',
      description: 'kubernetes with trust: whether the CAs stand in Secrets or in ConfigMaps.',
      required: true,
      default: 'secrets',
      one_of: ['secrets', 'configmaps'],
    },
  },
] as const satisfies readonly NamedField[];
