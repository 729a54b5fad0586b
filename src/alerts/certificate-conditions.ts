import { timeLeft } from '../common/time';
import { isRenewalLate, lifeOf, REASONS, unreachable, type LeafTimes } from '../model';
import { linkKey, type CertificateStatus, type HoldStatus, type ReloaderStatus } from '../public';
import type { AlertFacts, AlertKind, Condition, Severity } from './alert';

const DAY_MS = 86_400_000;
/** Most names among the facts. */
const MAX_FACTS = 10;

/** The trouble of one certificate; `topic` and `variant` tell its troubles apart. */
function about(
  certificate: CertificateStatus,
  kind: AlertKind,
  what: {
    topic: string;
    variant?: string;
    severity: Severity;
    since: number;
    summary: string;
    description: string;
  },
  more: { labels?: Record<string, string>; facts?: AlertFacts } = {},
): Condition {
  const { certificate_id: id, half, snis, source } = certificate;
  const subject = id === null ? (source?.location ?? snis.join()) : `${id} ${half}`;
  const [sni] = snis;
  return {
    kind,
    key: [kind, subject, what.variant].join(' ').trim(),
    topic: `${what.topic} ${subject}`,
    severity: what.severity,
    since: what.since,
    labels: {
      ...(id === null ? {} : { certificate_id: id, half }),
      ...(sni === undefined ? {} : { sni }),
      ...(id === null && source !== null ? { location: source.location } : {}),
      ...more.labels,
    },
    facts: {
      ...(id === null ? {} : { certificate_id: id, half }),
      snis: snis.slice(0, MAX_FACTS),
      ...(source === null ? {} : { source: source.source, location: source.location }),
      ...more.facts,
    },
    link: linkKey(certificate),
    summary: what.summary,
    description: what.description,
  };
}

/** End of the served certificate, else of the stored one; a bundle that is not in Kong may expire unnoticed. */
function endOf({ served, stored }: CertificateStatus): number | null {
  const end = served?.not_after ?? stored?.not_after;
  return end === undefined ? null : Date.parse(end);
}

export function expiryOf(
  certificate: CertificateStatus,
  warningDays: readonly number[],
  now: number,
): Condition | null {
  const end = certificate.certificate_id === null ? null : endOf(certificate);
  if (end === null) return null;
  const until = new Date(end).toISOString();
  const facts = { not_after: until, days_left: Math.floor((end - now) / DAY_MS) };
  const description = sourceSentence(certificate);
  if (end <= now) {
    const summary = `${nameOf(certificate)} has expired: Kong serves a certificate that was valid until ${until}`;
    const what = { topic: 'expiry', severity: 'critical', since: end, summary, description } as const;
    return about(certificate, 'expired', what, { facts });
  }
  const { level, days, soonAt, criticalAt } = lifeOf(timesOf(certificate, end), now, warningDays);
  if (level !== 'ends_soon' && level !== 'critical') return null;
  const summary = `${nameOf(certificate)} expires in ${timeLeft(end - now)}: Kong serves one that is valid until ${until}`;
  const what = {
    topic: 'expiry',
    variant: days === null ? level : String(days),
    severity: level === 'critical' ? 'critical' : 'warning',
    since: days === null ? (level === 'critical' ? criticalAt : soonAt) : end - days * DAY_MS,
    summary,
    description,
  } as const;
  return about(certificate, 'expiring', what, {
    labels: { level, ...(days === null ? {} : { days: String(days) }) },
    facts: { ...facts, level },
  });
}

/** Times of the leaf that ends then; nothing more is known of one that was only seen on a listener. */
function timesOf({ stored, renewal_due_at: dueAt }: CertificateStatus, end: number): LeafTimes {
  const isStored = stored !== null && Date.parse(stored.not_after) === end;
  return {
    notBefore: isStored ? Date.parse(stored.not_before) : null,
    notAfter: end,
    renewalAt: dueAt === null ? null : Date.parse(dueAt),
  };
}

export function renewalOf(certificate: CertificateStatus, now: number): Condition | null {
  const { source, stored, renewal_due_at: dueAt, renewal_overdue: isOverdue } = certificate;
  // A certificate without a source is not renewed here; its expiry is an alert of its own.
  if (!isOverdue || source === null || dueAt === null) return null;
  const due = Date.parse(dueAt);
  const end = Math.max(Date.parse(source.not_after), stored === null ? 0 : Date.parse(stored.not_after));
  if (!isRenewalLate(due, end, now) || end <= now) return null;
  const summary = `${nameOf(certificate)} should have been renewed ${timeLeft(now - due)} ago, and ${source.location} has no newer certificate`;
  const description = `The newest leaf is valid until ${new Date(end).toISOString()}.`;
  return about(certificate, 'renewal_overdue', {
    topic: 'renewal',
    severity: 'warning',
    since: due,
    summary,
    description,
  });
}

export function stateOf(certificate: CertificateStatus, mode: ReloaderStatus['mode']): Condition | null {
  const { state, refusal, source, served } = certificate;
  const since = Date.parse(certificate.since);
  const name = nameOf(certificate);
  const location = source?.location ?? 'its source';
  switch (state) {
    case 'refused': {
      const { reason, message } = refusal ?? { reason: 'unreadable' as const, message: '' };
      const facts = { reason };
      const isRolledBack = reason === 'not_served';
      const summary = certificate.dropped
        ? `${name} is not served any more: the ingress controller dropped its certificate: ${REASONS[reason]}`
        : isRolledBack
          ? `the new certificate for ${name} from ${location} was rolled back: Kong did not serve it`
          : `the certificate for ${name} in ${location} stays out of Kong: ${REASONS[reason]}`;
      const severity = isRolledBack || certificate.dropped ? 'critical' : 'warning';
      const what = {
        topic: 'refusal',
        variant: reason,
        severity,
        since,
        summary,
        description: message,
      } as const;
      const more = { labels: isRolledBack ? {} : { reason }, facts };
      return about(certificate, isRolledBack ? 'rolled_back' : 'refused', what, more);
    }
    case 'not_served': {
      const summary = `${name} is not served: Kong stores the certificate from ${location}, and its listeners show another`;
      const description = served?.detail ?? '';
      return about(certificate, 'not_served', {
        topic: 'state',
        severity: 'critical',
        since,
        summary,
        description,
      });
    }
    case 'pending': {
      if (certificate.hold !== undefined) return heldBack(certificate, certificate.hold);
      const why = mode === 'observe' ? ': this entry only observes (mode: observe)' : '';
      const summary = `${name} is out of step: ${location} has another certificate, which is not written to Kong${why}`;
      return about(certificate, 'out_of_sync', {
        topic: 'state',
        severity: 'warning',
        since,
        summary,
        description: certificate.note ?? '',
      });
    }
    case 'in_sync':
    case 'unproven':
    case 'no_source':
    case 'unused':
      return null;
    default:
      return unreachable(state);
  }
}

/** A freeze ends by itself, and is told of only near the end of what Kong has. */
function heldBack(certificate: CertificateStatus, { kind, detail }: HoldStatus): Condition | null {
  const { expiry, source } = certificate;
  const isUrgent = expiry === 'critical' || expiry === 'expired';
  if (kind === 'frozen' && !isUrgent && expiry !== 'ends_soon') return null;
  const until = source === null ? '' : `${source.location} has one that is valid until ${source.not_after}.`;
  return about(
    certificate,
    'held',
    {
      topic: 'state',
      variant: kind,
      severity: isUrgent ? 'critical' : 'warning',
      since: Date.parse(certificate.since),
      summary: `a renewal of ${nameOf(certificate)} is held back: ${detail}`,
      description: until,
    },
    { labels: { reason: kind }, facts: { reason: kind } },
  );
}

function sourceSentence({ state, source, refusal, owner }: CertificateStatus): string {
  if (source === null && owner === 'ingress_controller')
    return 'The ingress controller renews it; no source here can read its Secret.';
  if (source === null) return 'No source has a certificate for it: nothing will renew it here.';
  if (refusal?.is_standing === true)
    return `What ${source.location} has stays out of Kong: ${refusal.message}`;
  if (state === 'in_sync' || state === 'unproven') return `${source.location} has no newer one.`;
  return `${source.location} has one that is valid until ${source.not_after}.`;
}

/** The names of a certificate, on one line. */
export function nameOf({ snis, certificate_id: id, source }: CertificateStatus): string {
  const [first, ...others] = snis;
  if (first === undefined) return id ?? source?.location ?? 'a certificate';
  return others.length === 0 ? first : `${first} (and ${others.length} more)`;
}
