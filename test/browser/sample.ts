import { createHash } from 'node:crypto';
import { lifeOf, type LifeLevel } from '../../src/model';
import type {
  CertificateStatus,
  HistoryEntry,
  LeafStatus,
  RecentEvent,
  ReloaderStatus,
} from '../../src/public';
import type { ReloaderView, ReportView } from '../../src/status';
import { reloaderView, reportView } from '../support/status-views';

const DAY_MS = 86_400_000;
const iso = (ms: number) => new Date(ms).toISOString();
const ago = (ms: number) => iso(Date.now() - ms);

export function fingerprintOf(what: string): string {
  const hex = createHash('sha256').update(what).digest('hex').toUpperCase();
  return (hex.match(/../g) ?? []).join(':');
}

/** A leaf of a 90 days' life. */
export function leaf(what: string, daysLeft: number): LeafStatus {
  const notAfter = Date.now() + daysLeft * DAY_MS + 3_600_000;
  return {
    fingerprint_sha256: fingerprintOf(what),
    serial: fingerprintOf(what).replaceAll(':', '').slice(0, 32),
    not_before: iso(notAfter - 90 * DAY_MS),
    not_after: iso(notAfter),
  };
}

/** Level of life of a certificate of 90 days. */
export const lifeIn = (daysLeft: number): LifeLevel =>
  lifeOf(
    { notBefore: null, notAfter: Date.now() + daysLeft * DAY_MS + 3_600_000, renewalAt: null },
    Date.now(),
  ).level;

/** A certificate that is in sync, but for what is said. */
export function certificate(
  name: string,
  daysLeft: number,
  more: Partial<CertificateStatus> = {},
): CertificateStatus {
  const own = leaf(name, daysLeft);
  const location = `/etc/letsencrypt/live/${name}/fullchain.pem`;
  return {
    certificate_id: createHash('sha1')
      .update(name)
      .digest('hex')
      .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/, '$1-$2-$3-$4-$5'),
    half: 'main',
    snis: [name],
    owner: 'us',
    state: 'in_sync',
    since: ago(5 * DAY_MS),
    source: { source: 'directory:/etc/letsencrypt/live', location, ...own },
    stored: own,
    served: {
      fingerprint_sha256: own.fingerprint_sha256,
      not_after: own.not_after,
      checked_at: ago(40_000),
      verdict: 'served',
      detail: '',
    },
    refusal: null,
    dropped: false,
    write_failure: null,
    expires_at: own.not_after,
    expiry: lifeIn(daysLeft),
    days_left: daysLeft,
    renewal_due_at: iso(Date.parse(own.not_before) + 60 * DAY_MS),
    renewal_overdue: daysLeft < 30,
    last_swap_at: null,
    note: null,
    ...more,
  };
}

/** A gateway on a bad day: one of everything. */
export function badDay(): CertificateStatus[] {
  const refusedName = 'api.example.com';
  const older = leaf(`${refusedName} old`, 6);
  const frozen = certificate('shop.example.com', 71, { state: 'not_served', since: ago(700_000) });
  const shown = leaf('shop.example.com old', 12);
  return [
    certificate('www.example.com', 74, { snis: ['www.example.com', 'example.com', 'static.example.com'] }),
    certificate('id.example.com', 58, { owner: 'ingress_controller' }),
    {
      ...frozen,
      served: {
        fingerprint_sha256: shown.fingerprint_sha256,
        not_after: shown.not_after,
        checked_at: ago(12_000),
        verdict: 'wrong',
        detail: `127.0.0.1:8443 serves ${shown.fingerprint_sha256} for shop.example.com`,
      },
      expires_at: shown.not_after,
      expiry: lifeIn(12),
      days_left: 12,
    },
    {
      ...certificate(refusedName, 6, { state: 'refused', since: ago(3_600_000) }),
      source: {
        source: 'directory:/etc/letsencrypt/live',
        location: `/etc/letsencrypt/live/${refusedName}/fullchain.pem`,
        ...leaf(refusedName, 89),
      },
      stored: older,
      expires_at: older.not_after,
      served: {
        fingerprint_sha256: older.fingerprint_sha256,
        not_after: older.not_after,
        checked_at: ago(9_000),
        verdict: 'served',
        detail: '',
      },
      renewal_overdue: false,
      refusal: {
        reason: 'key_mismatch',
        message: `the key of /etc/letsencrypt/live/${refusedName}/fullchain.pem does not belong to its certificate; copy both files of one renewal`,
        at: ago(3_600_000),
        is_standing: true,
      },
    },
    certificate('legacy.example.com', -3, { state: 'no_source', source: null, owner: 'other' }),
    certificate('mail.example.com', 22, {}),
    certificate('pay.example.com', 89, {
      expires_at: leaf('pay old', 28).not_after,
      expiry: lifeIn(28),
      days_left: 28,
      renewal_overdue: false,
      state: 'pending',
      owner: 'ingress_controller',
      since: ago(20_000),
      stored: leaf('pay old', 28),
      served: null,
    }),
    certificate('hybrid.example.com', 40, { state: 'unproven', served: null }),
    certificate('spare.example.com', 80, {
      state: 'unused',
      certificate_id: null,
      owner: null,
      stored: null,
      served: null,
    }),
  ];
}

export function events(): RecentEvent[] {
  const event = (minutes: number, kind: RecentEvent['kind'], name: string, detail = ''): RecentEvent => ({
    at: ago(minutes * 60_000),
    kind,
    certificate_id: 'c',
    snis: [name],
    location: `/etc/letsencrypt/live/${name}/fullchain.pem`,
    fingerprint_sha256: fingerprintOf(name),
    reason: kind === 'refused' ? 'key_mismatch' : null,
    detail,
  });
  return [
    event(11, 'swapped', 'shop.example.com'),
    event(
      60,
      'refused',
      'api.example.com',
      'the key does not belong to the certificate; copy both files of one renewal',
    ),
    event(
      190,
      'rolled_back',
      'pay.example.com',
      '127.0.0.1:8443 serves 0C:9A:… for pay.example.com; the previous one is back',
    ),
    event(400, 'created', 'www.example.com'),
    event(1_300, 'swapped', 'id.example.com'),
  ];
}

/** Recorded history of a certificate. */
export function historyOf(name: string): HistoryEntry[] {
  const nothing = {
    entry: 'entry',
    by: null,
    certificate_id: name,
    half: 'main',
    snis: [],
    location: null,
    source: null,
    fingerprint_sha256: null,
    previous_fingerprint_sha256: null,
    not_after: null,
    reason: null,
    detail: '',
    proof: null,
  } as const;
  return [
    {
      ...nothing,
      at: ago(3_600_000),
      kind: 'refused',
      reason: 'key_mismatch',
      detail: 'the key does not belong to the certificate; copy both files of one renewal',
    },
    {
      ...nothing,
      at: ago(60 * DAY_MS),
      kind: 'swapped',
      by: 'us',
      fingerprint_sha256: '0A:1B:2C:3D:00',
      previous_fingerprint_sha256: '4D:5E:6F:70:00',
      proof: { verdict: 'served', handshakes: 12, duration_ms: 41 },
    },
    { ...nothing, at: ago(75 * DAY_MS), kind: 'changed', by: 'other' },
  ];
}

/** One entry of the plugin with these certificates. */
export const entryView = (
  entry: string,
  certificates: readonly CertificateStatus[],
  more: Partial<Pick<ReloaderView, 'mode' | 'sources'>> = {},
): ReloaderView => ({
  ...reloaderView([], entry),
  certificates: () => certificates,
  revision: String(Math.random()),
  ...more,
});

/** The server's report for these certificates. */
export function sampleView(
  certificates: readonly CertificateStatus[],
  more: Partial<ReloaderStatus> = {},
  entries?: readonly ReloaderView[],
): ReportView {
  if (entries !== undefined) return reportView(entries);
  const view = reloaderView([], 'entry');
  const sources = [
    { id: 'directory:/etc/letsencrypt/live', up: true, bundles: certificates.length, error: null },
    {
      id: 'kubernetes:web',
      up: false,
      bundles: 0,
      error: {
        reason: 'unreachable',
        message: 'https://10.0.0.1:443 does not answer: connection refused',
        since: ago(90_000),
      },
    },
  ] as const;
  const shown = {
    ...view,
    last_pass: { cause: 'poll', started_at: ago(4_000), duration_ms: 12, error: null } as const,
    sources: [...sources],
    events: events(),
    leader: { is_leader: true, holder: 'kong-7c9f_42', error: null },
    ...more,
  };
  return reportView([{ ...shown, certificates: () => certificates, revision: String(Math.random()) }]);
}
