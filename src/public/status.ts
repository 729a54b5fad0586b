import type {
  CertificateState,
  EventKind,
  FailureKind,
  Half,
  HoldKind,
  LifeLevel,
  Owner,
  PassCause,
  Reason,
  ServedObservation,
} from '../model';

/*
 * Public view for operators: `/status`, the page, the metrics, alerts and `ssl-cert-reloader status` show this and
 * nothing else. Names are public (snake_case, times in ISO 8601, durations in the unit that the name says).
 */

/** A leaf in one place: source, Kong, or listener. */
export interface LeafStatus {
  /** Upper-case hex with colons, as `openssl x509 -fingerprint -sha256` prints it. */
  fingerprint_sha256: string;
  serial: string;
  not_before: string;
  not_after: string;
}

interface SourceLeafStatus extends LeafStatus {
  /** Id of the source, e.g. `directory:/etc/letsencrypt/live`. */
  source: string;
  /** Location for a person: a path, `namespace/name` of a Secret, a URL without its credentials. */
  location: string;
}

/** What Kong's own TLS listeners served at the last look. */
export interface ServedStatus {
  /** Null: no handshake succeeded. */
  fingerprint_sha256: string | null;
  not_after: string | null;
  checked_at: string;
  /**
   * `unreachable` says nothing about the certificate; `another`: another certificate or a plugin answers for all of
   * its names, as it did before the last write.
   */
  verdict: ServedObservation['verdict'];
  /** Empty when all is well; mentions names that something else answers for. */
  detail: string;
}

/** One certificate: one half of an entity in Kong, or a bundle that is not in Kong. */
export interface CertificateStatus {
  /** Null: not in Kong. */
  certificate_id: string | null;
  half: Half;
  /** SNIs of the entity, or the names of a bundle that is not in Kong. */
  snis: readonly string[];
  owner: Owner | null;
  state: CertificateState;
  /** When it got into this state. */
  since: string;
  source: SourceLeafStatus | null;
  stored: LeafStatus | null;
  served: ServedStatus | null;
  /** The present refusal, or the last one. */
  refusal: { reason: Reason; message: string; at: string; is_standing: boolean } | null;
  /** Kong had it until the ingress controller removed it, since the content of its Secret is refused. */
  dropped: boolean;
  /** Why it could not be written so far; it will be tried again. Null: nothing failed. */
  write_failure: { kind: FailureKind; message: string; since: string } | null;
  /** Expiry of the served (else stored, else source's) leaf; null: unknown. */
  expires_at: string | null;
  /** How much of that leaf's life is left. */
  expiry: LifeLevel | null;
  /** Whole days until that expiry; negative once it is over. */
  days_left: number | null;
  /**
   * When a newer leaf is due: when cert-manager means to renew the newest one, else after 2/3 of its life, as
   * cert-manager and certbot do by default.
   */
  renewal_due_at: string | null;
  /** A tenth of the time from then to the expiry is over, and no source has a newer one. */
  renewal_overdue: boolean;
  last_swap_at: string | null;
  /** Why an available renewal is not written now; absent: nothing holds it back. */
  hold?: HoldStatus;
  /** A note on it; null: none. */
  note: string | null;
}

export interface HoldStatus {
  kind: HoldKind;
  /** When it ends by itself; null: when a person ends it. */
  until: string | null;
  detail: string;
}

export interface PinStatus {
  name: string;
  /** Null: until it is unpinned. */
  until: string | null;
  since: string;
  /** An operator had its former certificate put back; absent: no. */
  is_rollback?: true;
}

export interface SourceStatus {
  id: string;
  up: boolean;
  bundles: number;
  error: { reason: Reason; message: string; since: string } | null;
  /** Files that look like a bundle and belong to none, the first hundred; absent: none. */
  stray_files?: readonly { location: string; reason: Reason; message: string }[];
  /** Number of those files; absent: none. */
  stray_file_count?: number;
}

/** A recent event. */
export interface RecentEvent {
  at: string;
  kind: EventKind;
  certificate_id: string | null;
  snis: readonly string[];
  location: string;
  fingerprint_sha256: string | null;
  /** Reason of a refusal. */
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
  /** Whether this gateway writes. */
  is_leader: boolean;
  /** Holder of the Lease; null: none, or unknown. */
  holder: string | null;
  /** Why the Lease cannot be obtained; null: all is well. Without it nothing is written. */
  error: string | null;
}

/** A certificate that Kong's configuration names for itself. */
export interface NodeFileStatus {
  /**
   * `admin`, `admin_gui`, `status`: shown by that listener; `client`: to upstreams; `cluster`: between planes;
   * `trusted_ca`, `cluster_ca`: CA certificates that Kong trusts, of which the file's first to end is told.
   */
  uses: readonly string[];
  /** Path of the certificate. */
  location: string;
  /** SHA-256 of the leaf in the file; null where it cannot be read. */
  fingerprint_sha256: string | null;
  not_after: string | null;
  /** What its listener serves; null: it has none that could be asked. */
  served_sha256: string | null;
  served_not_before: string | null;
  served_not_after: string | null;
  /** How much of its life is left of what is shown, else of what is in the file; absent: neither can be read. */
  expiry?: LifeLevel;
}

/** The certificates that Kong's configuration names for itself. */
export interface NodeCertificatesStatus {
  state: 'in_sync' | 'reload_pending' | 'refused' | 'unknown';
  /** What to do when they change. */
  mode: 'observe' | 'reload';
  files: readonly NodeFileStatus[];
  /** When Kong was last reloaded for these files; null: it was not. */
  reloaded_at: string | null;
  /** A sentence for a person; empty when there is nothing to say. */
  detail: string;
}

/** One entry of the plugin, or one configuration file. Steps of a pass add their fields, in their own rooms. */
export interface ReloaderStatus {
  entry: string;
  mode: 'apply' | 'approve' | 'observe';
  interval_seconds: number;
  last_pass: PassStatus | null;
  /** End of the last pass that could be made. */
  last_success_at: string | null;
  /** Time of `certificates` and `sources`; null: nothing is known yet. */
  known_at: string | null;
  /** False: Kong cannot be asked now, or was not asked yet; the state is that of `known_at`. */
  is_current: boolean;
  sources: readonly SourceStatus[];
  certificates: readonly CertificateStatus[];
  /** Pinned names; absent: none. */
  pins?: readonly PinStatus[];
  /** Absent without `leader_election`. */
  leader?: LeaderStatus;
  /** Absent where Kong names none, or its prefix is not at hand. */
  node_certificates?: NodeCertificatesStatus;
  /** Newest first, at most a hundred. */
  events: readonly RecentEvent[];
}

/** The kind of Kong, as a label to show. */
export type KongMode = 'database' | 'dbless';

export interface StatusReport {
  version: string;
  generated_at: string;
  started_at: string;
  /** Null: no Admin API answers; `waiting` says why. */
  kong: { admin_url: string; mode: KongMode } | null;
  waiting: string | null;
  /** Why a newer configuration is not in use, the former one going on; absent: the newest one is in use. */
  configuration_error?: string;
  reloaders: readonly ReloaderStatus[];
}
