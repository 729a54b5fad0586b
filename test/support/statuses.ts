import { eachCondition } from '../../src/alerts';
import { isRenewalLate, lifeOf } from '../../src/model';
import type { CertificateStatus, LeafStatus, ReloaderStatus } from '../../src/public';

export const NOW = Date.parse('2026-08-01T00:00:00Z');
export const DAY_MS = 86_400_000;
export const iso = (ms: number) => new Date(ms).toISOString();
/** So many days from now. */
export const inDays = (days: number) => iso(NOW + days * DAY_MS);

export const leafUntil = (notAfter: string, lifeDays = 90): LeafStatus => ({
  fingerprint_sha256: 'AA:BB',
  serial: '01',
  not_before: iso(Date.parse(notAfter) - lifeDays * DAY_MS),
  not_after: notAfter,
});

/** Everything that is wrong, at once. */
export const conditionsOf = (...args: Parameters<typeof eachCondition>) =>
  [...eachCondition(...args)].filter((condition) => condition !== null);

/** One certificate of `lifeDays` that is in sync and ends in `days`. */
export function certificate(
  more: Partial<CertificateStatus> = {},
  days = 60,
  lifeDays = 90,
): CertificateStatus {
  const leaf = leafUntil(inDays(days), lifeDays);
  const due = Date.parse(leaf.not_after) - (lifeDays / 3) * DAY_MS;
  return {
    certificate_id: 'c1',
    half: 'main',
    snis: ['www.example.test'],
    owner: 'us',
    state: 'in_sync',
    since: iso(NOW - DAY_MS),
    source: { ...leaf, source: 'directory:/certs', location: '/certs/www.crt' },
    stored: leaf,
    served: {
      fingerprint_sha256: leaf.fingerprint_sha256,
      not_after: leaf.not_after,
      checked_at: iso(NOW),
      verdict: 'served',
      detail: '',
    },
    refusal: null,
    dropped: false,
    write_failure: null,
    expires_at: leaf.not_after,
    expiry: lifeOf(
      { notBefore: Date.parse(leaf.not_before), notAfter: Date.parse(leaf.not_after), renewalAt: due },
      NOW,
    ).level,
    days_left: Math.floor(days),
    renewal_due_at: iso(due),
    renewal_overdue: isRenewalLate(due, Date.parse(leaf.not_after), NOW),
    last_swap_at: null,
    note: null,
    ...more,
  };
}

export const reloader = (more: Partial<ReloaderStatus> = {}): ReloaderStatus => ({
  entry: 'e1',
  mode: 'apply',
  interval_seconds: 300,
  last_pass: { cause: 'poll', started_at: iso(NOW), duration_ms: 5, error: null },
  last_success_at: iso(NOW),
  known_at: iso(NOW),
  is_current: true,
  sources: [{ id: 'directory:/certs', up: true, bundles: 1, error: null }],
  certificates: [certificate()],
  events: [],
  ...more,
});
