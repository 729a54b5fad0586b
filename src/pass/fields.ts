import type { NamedField } from '../config';

/** Fields: when passes are made, and what they may do. */
export const PASS_FIELDS = [
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
      description:
        'apply: swap certificates. approve: once a person says so. observe: only report what would be swapped.',
      required: true,
      default: 'apply',
      one_of: ['apply', 'approve', 'observe'],
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
      unit: 'seconds',
      description: 'Seconds that the ingress controller gets to take it.',
      required: true,
      default: 60,
      between: [0, 86_400],
    },
  },
  {
    trigger: {
      type: 'string',
      description: 'Any change of it polls now.',
      len_min: 0,
    },
  },
] as const satisfies readonly NamedField[];
