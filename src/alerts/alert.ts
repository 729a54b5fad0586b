import type { LifeLevel } from '../model';

export type Severity = 'critical' | 'warning';

/**
 * Everything that an alert can be about. The list is closed and public: the names are those of the Prometheus
 * rules, so that both lead to the same runbook (docs/runbooks/NAME.md).
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

/** Facts about the trouble, for programs; facts that do not apply are left out. */
export interface AlertFacts {
  certificate_id?: string;
  half?: string;
  snis?: readonly string[];
  source?: string;
  location?: string;
  reason?: string;
  not_after?: string;
  days_left?: number;
  /** How much of the leaf's life is left. */
  level?: LifeLevel;
}

/** A trouble that exists now. */
export interface Condition {
  kind: AlertKind;
  /** Identifies the trouble; the same as long as it lasts. */
  key: string;
  /** Subject of the trouble. It is not good news that a trouble is over while its topic has another one. */
  topic: string;
  severity: Severity;
  /** Milliseconds since the epoch. */
  since: number;
  /** Nobody knows since when: it counts from the first look that found it. */
  isSinceSeen?: true;
  /** Labels by which Alertmanager tells alerts apart: few, and the same as long as the trouble lasts. */
  labels: Readonly<Record<string, string>>;
  facts: AlertFacts;
  /** Key (`linkKey`) of the certificate that the page opens; null: no certificate in particular. */
  link: string | null;
  /** One line. */
  summary: string;
  /** Details of what was seen; empty where the summary says everything. */
  description: string;
}

/** A message to receivers: a trouble that begins, lasts or is over. */
export interface Alert extends Condition {
  status: 'firing' | 'resolved';
  /** It was sent before, and nothing has changed. */
  isReminder: boolean;
  /** It is over because another trouble of its topic, sent as well, took its place. */
  isReplaced: boolean;
  /** End, in milliseconds since the epoch; null while it lasts. */
  endedAt: number | null;
}
