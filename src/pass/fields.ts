import type { NamedField } from '../config';

/** Fields: when passes are made, and what they may do. */
export const PASS_FIELDS = [
  {
    interval: {
      type: 'integer',
      unit: 'seconds',
      description:
        'Seconds between two polls of the sources. Each wait is up to a tenth shorter, at random, so that many gateways do not poll in step. While a certificate in Kong is `critical` and its source has nothing newer, polls come sooner.',
      required: true,
      default: 300,
      between: [1, 86_400],
    },
  },
  {
    watch: {
      type: 'boolean',
      description: 'Reacts to changes of files and Secrets between polls. It polls in any case.',
      required: true,
      default: true,
    },
  },
  {
    mode: {
      type: 'string',
      description:
        '`apply` swaps certificates. `approve` waits for a person before each swap. `observe` only reports what would be swapped.',
      required: true,
      default: 'apply',
      one_of: ['apply', 'approve', 'observe'],
    },
  },
  {
    takeover: {
      type: 'string',
      description:
        'What happens when the ingress controller does not write a newer certificate of its own. `observe` reports it, `nudge` asks the controller to look again, `force` writes what the controller would write.',
      required: true,
      default: 'force',
      one_of: ['observe', 'nudge', 'force'],
    },
  },
  {
    takeover_grace: {
      type: 'integer',
      unit: 'seconds',
      description: 'Seconds that the ingress controller gets to write a newer certificate itself.',
      required: true,
      default: 60,
      between: [0, 86_400],
    },
  },
  {
    trigger: {
      type: 'string',
      description:
        'Any change of this text starts a poll at once. Whatever was refused or rolled back is tried again.',
      len_min: 0,
    },
  },
] as const satisfies readonly NamedField[];
