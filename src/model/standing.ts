/*
 * Public words for states: `/status`, the page, metrics, alerts, Events, the log and the command line use these and
 * no others. Each consumer has a `Record` or a `switch` over them, so that an added word does not compile until
 * every place says how it is shown (docs/architecture.md).
 */

/** State of a certificate in Kong, or of a bundle that has none there. */
export const CERTIFICATE_STATES = {
  in_sync: 'source, stored and served agree',
  pending: 'the source has another one, which is about to be written',
  refused: 'the source has another one, which stays out of Kong',
  not_served: 'Kong stores what the source has, and its listeners show something else',
  unproven: 'Kong stores what the source has, and no listener could be asked',
  no_source: 'Kong has it, and no source has anything for it',
  unused: 'the source has it, and no certificate in Kong has its names',
} as const;

export type CertificateState = keyof typeof CERTIFICATE_STATES;

/** How much of its life a certificate has left. */
export const LIFE_LEVELS = {
  fresh: 'its renewal is not due yet',
  renewal_due: 'its renewal is due; there is time',
  ends_soon: 'half of the time for its renewal is over',
  critical: 'three quarters of the time for its renewal are over',
  expired: 'it has ended',
} as const;

export type LifeLevel = keyof typeof LIFE_LEVELS;

/** Which of many gateways writes. */
export interface Leadership {
  /** Whether this gateway writes. */
  isLeader: boolean;
  /** Holder of the Lease; null: none, or unknown. */
  holder: string | null;
  /** Why the Lease cannot be obtained; null: all is well. Without it nothing is written. */
  error: string | null;
}

/** For the end of a `switch` over a closed union: an unhandled member does not compile. */
export function unreachable(value: never): never {
  throw new Error(`not handled: ${JSON.stringify(value)}`);
}
