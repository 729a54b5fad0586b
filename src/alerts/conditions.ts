import type { CertificateStatus, ReloaderStatus, SourceStatus } from '../public';
import type { Condition } from './alert';
import { expiryOf, nameOf, renewalOf, stateOf } from './certificate-conditions';
import { ownExpiries, reloadsPending } from './own-files';

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
