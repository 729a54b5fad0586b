import { DEFAULT_CERTIFICATE } from './default-certificate';
import { ALERTS } from './alerts';
import { ABSOLUTE_PATH, type NamedField } from './kong-field';
import { LEADER_ELECTION } from './leader-election';
import { LOG } from './log';
import { SOURCES } from '../../sources/registry';
import { STATUS } from './status';
import { WRITE_BACK_FIELDS } from './write-back';

export type { KongField, NamedField, Values } from './kong-field';

/**
 * The plugin's configuration, once: Kong's schema is this list, and the defaults are read from it.
 * Types are Kong's (https://docs.konghq.com/gateway/latest/plugin-development/configuration/).
 */
export const FIELDS = [
  {
    interval: {
      type: 'integer',
      unit: 'seconds',
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
  { sources: SOURCES },
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
      unit: 'seconds',
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
  LEADER_ELECTION,
  { default_certificate: DEFAULT_CERTIFICATE },
  ...WRITE_BACK_FIELDS,
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
            unit: 'seconds',
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
        {
          listeners: {
            type: 'array',
            description: 'TLS listeners to ask instead of those of this Kong: host:port.',
            required: true,
            default: [],
            elements: {
              type: 'string',
              ends_with_port: true,
              match_any: {
                patterns: ['^[^ ]+:[0-9]+$', '^[^ ]+:[0-9]+ proxy_protocol$'],
                err: 'must be host:port, or "host:port proxy_protocol"',
              },
            },
          },
        },
      ],
    },
  },
  { status: STATUS },
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
        {
          token_file: { type: 'string', description: 'File that holds the token.', match_any: ABSOLUTE_PATH },
        },
        {
          ca_file: {
            type: 'string',
            description: 'PEM file of the CA of an https Admin API.',
            match_any: ABSOLUTE_PATH,
          },
        },
      ],
    },
  },
  ...ALERTS,
  LOG,
  {
    trigger: {
      type: 'string',
      description: 'Any change of it polls now.',
      len_min: 0,
    },
  },
] as const satisfies readonly NamedField[];
