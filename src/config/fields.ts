/** A field of a Kong schema, as far as this plugin uses it (Kong's own words). */
export interface KongField {
  type: 'string' | 'integer' | 'boolean' | 'array' | 'record';
  description?: string;
  required?: boolean;
  default?: unknown;
  between?: readonly [number, number];
  one_of?: readonly string[];
  len_min?: number;
  match?: string;
  match_any?: { patterns: readonly string[]; err: string };
  referenceable?: boolean;
  elements?: KongField;
  fields?: readonly NamedField[];
  entity_checks?: readonly unknown[];
}

export type NamedField = Readonly<Record<string, KongField>>;

/**
 * The plugin's configuration, once: Kong's schema is this list, and the defaults are read from it.
 * Types are Kong's (https://docs.konghq.com/gateway/latest/plugin-development/configuration/).
 */
export const FIELDS: readonly NamedField[] = [
  {
    interval: {
      type: 'integer',
      description: 'Seconds between polls of the sources.',
      required: true,
      default: 300,
      between: [1, 86_400],
    },
  },
  {
    watch: {
      type: 'boolean',
      description: 'React to change notifications between polls. The poll stays the truth.',
      required: true,
      default: true,
    },
  },
  {
    mode: {
      type: 'string',
      description: 'apply: swap certificates. observe: only report what would be swapped.',
      required: true,
      default: 'apply',
      one_of: ['apply', 'observe'],
    },
  },
  {
    sources: {
      type: 'array',
      description: 'Where renewed certificates appear. Empty: look in the usual places.',
      required: true,
      default: [],
      elements: {
        type: 'record',
        fields: [
          { type: { type: 'string', required: true, one_of: ['file', 'directory', 'kubernetes'] } },
          {
            path: {
              type: 'string',
              description: 'directory: the folder; everything below it is looked at.',
              match: '^/',
            },
          },
          { cert: { type: 'string', description: 'file: PEM file of the leaf and its chain.', match: '^/' } },
          {
            key: {
              type: 'string',
              description: 'file: PEM file of the key. Empty: the certificate file holds it.',
              match: '^/',
            },
          },
          {
            create: {
              type: 'boolean',
              description: 'Create a certificate in Kong where none has these names.',
            },
          },
          {
            namespaces: {
              type: 'array',
              description:
                'kubernetes: where to look. Empty: in all, or in the own one if only that is allowed.',
              required: true,
              default: [],
              elements: { type: 'string' },
            },
          },
          {
            names: {
              type: 'array',
              description: 'kubernetes: these Secrets. Empty: every one of type kubernetes.io/tls.',
              required: true,
              default: [],
              elements: { type: 'string' },
            },
          },
          { label_selector: { type: 'string', description: 'kubernetes: only Secrets with these labels.' } },
          {
            only_marked: {
              type: 'boolean',
              description: 'kubernetes: only Secrets of cert-manager, or with konghq.com/override: "true".',
              required: true,
              default: false,
            },
          },
          {
            kubeconfig: {
              type: 'string',
              description: 'kubernetes: outside of a cluster, how to reach it.',
              match: '^/',
            },
          },
          { context: { type: 'string', description: 'kubernetes: the context of the kubeconfig.' } },
        ],
        entity_checks: [
          {
            conditional: {
              if_field: 'type',
              if_match: { eq: 'directory' },
              then_field: 'path',
              then_match: { required: true },
            },
          },
          {
            conditional: {
              if_field: 'type',
              if_match: { eq: 'file' },
              then_field: 'cert',
              then_match: { required: true },
            },
          },
        ],
      },
    },
  },
  {
    takeover: {
      type: 'string',
      description: 'What to do when the ingress controller has not taken a newer certificate of its own.',
      required: true,
      default: 'force',
      one_of: ['observe', 'nudge', 'force'],
    },
  },
  {
    takeover_grace: {
      type: 'integer',
      description: 'Seconds that the ingress controller gets to take it.',
      required: true,
      default: 60,
      between: [0, 86_400],
    },
  },
  {
    allow_downgrade: {
      type: 'boolean',
      description: 'Take a certificate that is older than the one in Kong.',
      required: true,
      default: false,
    },
  },
  {
    verify: {
      type: 'record',
      description: 'Proof by TLS handshakes with the listeners of this Kong after each swap.',
      required: true,
      fields: [
        { enabled: { type: 'boolean', required: true, default: true } },
        {
          timeout: {
            type: 'integer',
            description: 'Seconds until every worker must serve the new certificate.',
            required: true,
            default: 10,
            between: [1, 300],
          },
        },
        {
          rollback: {
            type: 'boolean',
            description: 'Put the previous certificate back where the new one is not served.',
            required: true,
            default: true,
          },
        },
      ],
    },
  },
  {
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
        { token_file: { type: 'string', description: 'File that holds the token.', match: '^/' } },
        {
          ca_file: { type: 'string', description: 'PEM file of the CA of an https Admin API.', match: '^/' },
        },
      ],
    },
  },
  {
    trigger: {
      type: 'string',
      description: 'Any change of it polls now.',
      len_min: 0,
    },
  },
];
