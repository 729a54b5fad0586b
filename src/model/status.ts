import type { PassCause } from './report';
import type { Reason } from './reason';
import type { Half, Owner } from './stored';

/*
 * What an operator sees: `/status`, the page, the metrics, alerts and `ssl-cert-reloader status` all show this and
 * nothing else. Names are public (snake_case, times in ISO 8601, durations in the unit that the name says).
 */

/** One leaf, where it was seen. */
export interface LeafStatus {
  /** Upper-case hex with colons, as `openssl x509 -fingerprint -sha256` prints it. */
  fingerprint_sha256: string;
  serial: string;
  not_before: string;
  not_after: string;
}

export interface SourceLeafStatus extends LeafStatus {
  /** Id of the source, e.g. `directory:/etc/letsencrypt/live`. */
  source: string;
  /** Where it is, for a person: a path, `namespace/name` of a Secret, a URL without its credentials. */
  location: string;
}

/** What Kong's own TLS listeners showed at the last look. */
export interface ServedStatus {
  /** Null: no handshake succeeded. */
  fingerprint_sha256: string | null;
  not_after: string | null;
  checked_at: string;
  /** `unreachable` says nothing about the certificate. */
  verdict: 'served' | 'wrong' | 'unreachable';
  /** Empty when all is well. */
  detail: string;
}

/**
 * - `in_sync`: source, stored and served agree
 * - `pending`: the source has another one, and it is about to be written (or waits for the ingress controller)
 * - `refused`: the source has another one, which stays out of Kong for `refusal`
 * - `not_served`: Kong stores what the source has, and its listeners show something else
 * - `unproven`: Kong stores what the source has, and no listener could be asked
 * - `no_source`: Kong has it, and no source has anything for it
 * - `unused`: the source has it, and nothing in Kong asks for it
 */
export type CertificateState =
  'in_sync' | 'pending' | 'refused' | 'not_served' | 'unproven' | 'no_source' | 'unused';

/** One certificate: one half of an entity of Kong's, or a bundle that is not in Kong. */
export interface CertificateStatus {
  /** Null: it is not in Kong. */
  certificate_id: string | null;
  half: Half;
  /** SNIs of the entity, or the names of a bundle that is not in Kong. */
  snis: readonly string[];
  owner: Owner | null;
  state: CertificateState;
  /** Since when it is in this state. */
  since: string;
  source: SourceLeafStatus | null;
  stored: LeafStatus | null;
  served: ServedStatus | null;
  /** The refusal that stands, or the last one there was. */
  refusal: { reason: Reason; message: string; at: string; is_standing: boolean } | null;
  /** Whole days until what is served (else stored, else in the source) expires; negative once it has. */
  days_left: number | null;
  /**
   * When a newer one should be there: when cert-manager means to renew the newest leaf, else after 2/3 of its life, as
   * cert-manager and certbot do by default.
   */
  renewal_due_at: string | null;
  /** That time is over, and no source has a newer one. */
  renewal_overdue: boolean;
  last_swap_at: string | null;
  /** What one should know about it; null: nothing. */
  note: string | null;
}

export interface SourceStatus {
  id: string;
  up: boolean;
  bundles: number;
  error: { reason: Reason; message: string; since: string } | null;
}

/** One thing that happened lately. */
export interface RecentEvent {
  at: string;
  kind: 'swapped' | 'created' | 'rolled_back' | 'refused' | 'nudged' | 'failed' | 'would_change' | 'removed';
  certificate_id: string | null;
  snis: readonly string[];
  location: string;
  fingerprint_sha256: string | null;
  /** For refusals. */
  reason: Reason | null;
  detail: string;
}

export interface PassStatus {
  cause: PassCause;
  started_at: string;
  duration_ms: number;
  /** Null: the pass was made. */
  error: string | null;
}

/** Which of many gateways writes. */
export interface LeaderStatus {
  /** This gateway does. */
  is_leader: boolean;
  /** Who holds the Lease; null: nobody, or nobody knows. */
  holder: string | null;
  /** Why the Lease cannot be had; null: all is well. Without it nothing is written. */
  error: string | null;
}

/** One entry of the plugin, or one configuration file. Steps of a pass add what they show, in their own rooms. */
export interface ReloaderStatus {
  entry: string;
  mode: 'apply' | 'observe';
  interval_seconds: number;
  last_pass: PassStatus | null;
  /** When the last pass ended that could be made at all. */
  last_success_at: string | null;
  sources: readonly SourceStatus[];
  certificates: readonly CertificateStatus[];
  /** Absent without `leader_election`. */
  leader?: LeaderStatus;
  /** Newest first, at most a hundred. */
  events: readonly RecentEvent[];
}

export interface StatusReport {
  version: string;
  generated_at: string;
  started_at: string;
  /** Null: no Admin API answers; `waiting` says why. */
  kong: { admin_url: string; mode: 'database' | 'dbless' } | null;
  waiting: string | null;
  reloaders: readonly ReloaderStatus[];
}
