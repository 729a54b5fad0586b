import { timeLeft } from '../common/duration';
import { isRenewalLate, lifeOf, REASONS, unreachable, type LeafTimes } from '../model';
import {
  linkKey,
  type CertificateStatus,
  type HoldStatus,
  type ReloaderStatus,
  type SourceStatus,
} from '../public';
import type { AlertFacts, AlertKind, Condition, Severity } from './alert';
import { ownExpiries, reloadsPending } from './own-files';

const DAY_MS = 86_400_000;
/** Most names in a sentence, and among the facts. */
const MAX_NAMED = 3;
const MAX_FACTS = 10;

/** The state of an entry, as alerts see it. */
export interface Observed {
  entry: string;
  /** Null: nothing is known yet. While `is_current` is false no trouble counts as over, though time goes on. */
  status:
    | (Pick<
        ReloaderStatus,
        'mode' | 'sources' | 'is_current' | 'default_certificate' | 'node_certificates'
      > & {
        certificates: Iterable<CertificateStatus>;
      })
    | null;
  /** Why no pass can be made; null: passes are made. */
  trouble: { message: string; since: number } | null;
  /** Why a newer configuration is not used; left out: it is. */
  configuration?: { message: string; since: number } | null;
}

/**
 * Everything that is wrong now; null for each certificate that is in order, so that whoever walks through thousands
 * of them can pause.
 * @param warningDays days before the end of a leaf that are set by hand as warnings; empty: its life decides
 */
export function* eachCondition(
  { entry, status, trouble, configuration = null }: Observed,
  warningDays: readonly number[],
  now: number,
): Generator<Condition | null> {
  if (trouble !== null) yield passesFailing(entry, trouble);
  if (configuration !== null) yield configurationRefused(configuration);
  if (status === null) return;
  const { is_current: isCurrent } = status;
  for (const source of status.sources) {
    if (isCurrent && source.error !== null) yield sourceDown(source, source.error);
  }
  yield* ownExpiries(status, warningDays, now);
  if (isCurrent) yield* reloadsPending(status, now);
  const forbidden: CertificateStatus[] = [];
  for (const certificate of status.certificates) {
    yield expiryOf(certificate, warningDays, now);
    yield renewalOf(certificate, now);
    if (!isCurrent) continue;
    if (certificate.write_failure?.kind === 'forbidden') forbidden.push(certificate);
    else yield stateOf(certificate, status.mode);
  }
  if (forbidden.length > 0) yield writesForbidden(entry, forbidden);
}

/** The same at once. */
export function conditionsOf(...args: Parameters<typeof eachCondition>): Condition[] {
  return [...eachCondition(...args)].filter((condition) => condition !== null);
}

function passesFailing(entry: string, { message, since }: NonNullable<Observed['trouble']>): Condition {
  return {
    kind: 'passes_failing',
    key: 'passes_failing',
    topic: 'passes',
    severity: 'critical',
    since,
    labels: {},
    facts: {},
    link: null,
    summary: `certificates are not kept up to date: no pass succeeds (entry ${entry})`,
    description: message,
  };
}

function configurationRefused({ message, since }: NonNullable<Observed['configuration']>): Condition {
  return {
    kind: 'configuration',
    key: 'configuration',
    topic: 'configuration',
    severity: 'warning',
    since,
    labels: {},
    facts: {},
    link: null,
    summary: 'the newer configuration cannot be used; the previous one stays in use',
    description: message,
  };
}

/** One alert for all: without the right to write one certificate none can be written. */
function writesForbidden(entry: string, certificates: readonly CertificateStatus[]): Condition {
  const [first] = certificates;
  const since = certificates.map(({ write_failure: failure }) => Date.parse(failure?.since ?? ''));
  const names = certificates.slice(0, MAX_NAMED).map(nameOf).join(', ');
  const rest = certificates.length - MAX_NAMED;
  return {
    kind: 'writes_forbidden',
    key: 'writes_forbidden',
    topic: 'writes',
    severity: 'critical',
    since: Math.min(...since),
    labels: {},
    facts: { snis: certificates.flatMap(({ snis }) => snis.slice(0, 1)).slice(0, MAX_FACTS) },
    link: null,
    summary: `Kong forbids writes (entry ${entry}): ${names}${rest > 0 ? ` and ${rest} more` : ''} cannot be renewed`,
    description: first?.write_failure?.message ?? '',
  };
}

function sourceDown(
  { id }: SourceStatus,
  { reason, message, since }: NonNullable<SourceStatus['error']>,
): Condition {
  return {
    kind: 'source_down',
    key: `source_down ${id}`,
    topic: `source ${id}`,
    severity: 'warning',
    since: Date.parse(since),
    labels: { source: id },
    facts: { source: id, reason },
    link: null,
    summary: `${id} cannot be read completely: renewals there may be missed`,
    description: message,
  };
}

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

function expiryOf(
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

function renewalOf(certificate: CertificateStatus, now: number): Condition | null {
  const { source, stored, renewal_due_at: dueAt, renewal_overdue: isOverdue } = certificate;
  // Nobody renews a certificate without a source here; its expiry is an alert of its own.
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

function stateOf(certificate: CertificateStatus, mode: ReloaderStatus['mode']): Condition | null {
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
function nameOf({ snis, certificate_id: id, source }: CertificateStatus): string {
  const [first, ...others] = snis;
  if (first === undefined) return id ?? source?.location ?? 'a certificate';
  return others.length === 0 ? first : `${first} (and ${others.length} more)`;
}
