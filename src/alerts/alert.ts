import type { LifeLevel } from '../model';

export type Severity = 'critical' | 'warning';

/**
 * What can be wrong. The list is closed and public: the names are those of the Prometheus rules, so that both ways
 * of being told lead to the same runbook (docs/runbooks/NAME.md).
 */
export const ALERT_NAMES = {
  expired: 'KongCertificateExpired',
  expiring: 'KongCertificateExpiring',
  refused: 'KongCertificateRefused',
  rolled_back: 'KongCertificateRolledBack',
  not_served: 'KongCertificateNotServed',
  out_of_sync: 'KongCertificateOutOfSync',
  held: 'KongCertificateHeld',
  writes_forbidden: 'KongWritesForbidden',
  renewal_overdue: 'KongCertificateRenewalOverdue',
  default_expiring: 'KongDefaultCertificateExpiring',
  node_expiring: 'KongNodeCertificateExpiring',
  reload_pending: 'KongReloadPending',
  configuration: 'SslCertReloaderConfigurationRefused',
  source_down: 'KongCertificateSourceDown',
  passes_failing: 'SslCertReloaderStalled',
} as const;

export type AlertKind = keyof typeof ALERT_NAMES;

/** Facts about what is wrong, for programs; those that do not apply are left out. */
export interface AlertFacts {
  certificate_id?: string;
  half?: string;
  snis?: readonly string[];
  source?: string;
  location?: string;
  reason?: string;
  not_after?: string;
  days_left?: number;
  /** How much of its life is left. */
  level?: LifeLevel;
}

/** Something that is wrong now. */
export interface Condition {
  kind: AlertKind;
  /** The same for the same trouble, as long as it lasts. */
  key: string;
  /** Of what it is about: a resolved trouble that only became another one of its topic is not good news. */
  topic: string;
  severity: Severity;
  /** Milliseconds since the epoch. */
  since: number;
  /** Nobody knows since when: it counts from the first look that found it. */
  isSinceSeen?: true;
  /** What tells it from others to Alertmanager: few, and the same as long as it lasts. */
  labels: Readonly<Record<string, string>>;
  facts: AlertFacts;
  /** The certificate that the page opens (`linkKey`); null: the page as it is. */
  link: string | null;
  /** One line. */
  summary: string;
  /** What was seen; empty where there is no more to say. */
  description: string;
}

/** Something to tell. */
export interface Alert extends Condition {
  status: 'firing' | 'resolved';
  /** It was told before, and nothing has changed. */
  isReminder: boolean;
  /** It is over since another trouble of its topic took its place, which is told as well. */
  isReplaced: boolean;
  /** Milliseconds since the epoch; null while it lasts. */
  endedAt: number | null;
}
