import {
  CERTIFICATE_STATES,
  LIFE_LEVELS,
  lifeOf,
  renewalLateAt,
  type CertificateState,
  type Life,
} from '../model';
import { asSnis } from '../certificates';
import { endingLeaf, renewalOf, servedNotAfter, type Renewal } from './certificate-status';
import type { CertificateFacts } from './facts';
import { ORIGINS, type Families, type Sample } from './metric-samples';
import type { ReportView } from './report-view';

/** Facts about one certificate in Kong, with the labels of all its samples. */
export interface Row {
  facts: CertificateFacts;
  /** Start of its present state; milliseconds since the epoch. */
  since: number;
  renewal: Renewal | null;
  /** Of the leaf whose expiry counts. */
  life: Life | null;
  shared: Record<string, string>;
}

type CertificateFamily =
  | 'certificate_not_after_timestamp_seconds'
  | 'certificate_trouble_since_timestamp_seconds'
  | 'certificate_info'
  | 'certificate_in_sync'
  | 'certificate_renewal_due_timestamp_seconds'
  | 'certificate_warning_timestamp_seconds'
  | 'certificates'
  | 'certificate_lives';

type RowFamily = Exclude<CertificateFamily, 'certificates' | 'certificate_lives'>;

/** Numbers of certificates, counted row by row. */
export class CertificateCounts {
  readonly #states = zeros(CERTIFICATE_STATES);
  readonly #lives = zeros(LIFE_LEVELS);

  add({ facts: { state, certificate }, life }: Row): void {
    this.#states.set(state, (this.#states.get(state) ?? 0) + 1);
    if (certificate !== null && life !== null)
      this.#lives.set(life.level, (this.#lives.get(life.level) ?? 0) + 1);
  }

  readonly families: Families<Exclude<CertificateFamily, RowFamily>> = {
    certificates: () => [...this.#states].map(([state, value]) => ({ value, labels: { state } })),
    certificate_lives: () => [...this.#lives].map(([level, value]) => ({ value, labels: { level } })),
  };
}

/** Samples of some rows: those of 10,000 certificates are never held at once. */
export function rowFamilies(): Record<RowFamily, (rows: readonly Row[]) => Iterable<Sample>> {
  const told = new Set<string>();
  const inKong = (rows: readonly Row[]) => rows.filter(({ facts }) => facts.certificate !== null);
  return {
    certificate_not_after_timestamp_seconds: (rows) => notAfters(inKong(rows)),
    certificate_trouble_since_timestamp_seconds: (rows) => troubles(rows, told),
    certificate_info: infos,
    certificate_in_sync: (rows) => inSync(inKong(rows)),
    certificate_renewal_due_timestamp_seconds: (rows) => renewals(inKong(rows)),
    certificate_warning_timestamp_seconds: (rows) => warnings(inKong(rows)),
  };
}

/**
 * One row for each half of a certificate in Kong, then one for each bundle that is not there. Two entries may look after the
 * same certificate: the one with a source for it counts.
 */
export function* certificateRows({ reloaders, generated_at: at }: ReportView): Iterable<Row> {
  const now = Date.parse(at);
  const rows = new Map<string, Row>();
  for (const reloader of reloaders) {
    for (const one of reloader.facts()) {
      if (reloaders.length === 1) {
        yield rowOf(one, reloader, now);
        continue;
      }
      const { certificate, half, bundleId } = one;
      const key =
        certificate === null
          ? `${bundleId ?? ''} bundle`
          : half === 'main'
            ? certificate.id
            : `${certificate.id} alt`;
      const known = rows.get(key);
      if (known !== undefined && (known.facts.bundleId !== null || bundleId === null)) continue;
      rows.set(key, rowOf(one, reloader, now));
    }
  }
  // Certificates in Kong come first.
  for (const row of rows.values()) if (row.facts.certificate !== null) yield row;
  for (const row of rows.values()) if (row.facts.certificate === null) yield row;
}

function rowOf(
  facts: CertificateFacts,
  { sourceOf, sinceOf, warningDays }: ReportView['reloaders'][number],
  now: number,
): Row {
  const { certificate, half, bundleId } = facts;
  const renewal = renewalOf(facts);
  const ending = endingLeaf(facts, renewal);
  return {
    facts,
    since: sinceOf(facts) ?? now,
    renewal,
    life: ending === null ? null : lifeOf(ending, now, warningDays),
    shared: {
      source: bundleId === null ? '' : sourceOf(bundleId),
      certificate_id: certificate?.id ?? '',
      half,
    },
  };
}

function zeros<Word extends string>(words: Readonly<Record<Word, unknown>>): Map<Word, number> {
  return new Map((Object.keys(words) as Word[]).map((word) => [word, 0]));
}

function* notAfters(rows: readonly Row[]): Iterable<Sample> {
  for (const { facts, shared } of rows) {
    const { bundle, stored, seen } = facts;
    const served = seen === undefined ? null : servedNotAfter(seen, stored);
    if (bundle !== null)
      yield { value: bundle.leaf.notAfter / 1000, labels: ORIGINS.source, sharedLabels: shared };
    if (stored?.leaf != null)
      yield { value: stored.leaf.notAfter / 1000, labels: ORIGINS.stored, sharedLabels: shared };
    if (served !== null) yield { value: served / 1000, labels: ORIGINS.served, sharedLabels: shared };
  }
}

/** Most names of one certificate in a label. */
const MAX_SNIS = 5;

const someOf = (snis: readonly string[]): string =>
  snis.length > MAX_SNIS ? `${snis.slice(0, MAX_SNIS).join(',')},…` : snis.join(',');

/** States that need attention; certificates in sync have no series, which keeps 10,000 of them small. */
const IS_TROUBLE: Record<CertificateState, boolean> = {
  pending: true,
  refused: true,
  not_served: true,
  unproven: true,
  in_sync: false,
  no_source: false,
  unused: false,
};

/** @param told keys of bundles that had a sample */
function* troubles(rows: readonly Row[], told: Set<string>): Iterable<Sample> {
  for (const { facts, shared, since } of rows) {
    const { state, certificate, bundle, bundleId, refusal, isStanding, failure, hold } = facts;
    if (!IS_TROUBLE[state]) continue;
    const labels = {
      state,
      reason: failure?.failure ?? hold?.kind ?? (isStanding ? (refusal?.why.reason ?? '') : ''),
      snis: someOf(certificate?.snis ?? asSnis(bundle?.leaf.names ?? [])),
      location: bundle?.location ?? bundleId?.split('#').at(-1) ?? '',
    };
    // For bundles that are not in Kong, the labels are the only identity.
    const key = certificate === null ? [shared['source'], ...Object.values(labels)].join('|') : '';
    if (key !== '' && told.has(key)) continue;
    told.add(key);
    yield { value: since / 1000, labels, sharedLabels: shared };
  }
}

function* infos(rows: readonly Row[]): Iterable<Sample> {
  for (const { facts, shared } of rows) {
    const { certificate, stored, bundle } = facts;
    if (certificate === null) continue;
    const labels = {
      fingerprint_sha256: stored?.leaf?.fingerprint ?? '',
      serial: stored?.leaf?.serial ?? '',
      owner: certificate.owner,
      snis: someOf(certificate.snis),
      location: bundle?.location ?? '',
    };
    yield { value: 1, labels, sharedLabels: shared };
  }
}

/** Null: neither in sync nor out of it, since it could not be proven or has no source. */
const IN_SYNC: Record<CertificateState, number | null> = {
  in_sync: 1,
  pending: 0,
  refused: 0,
  not_served: 0,
  unproven: null,
  no_source: null,
  unused: null,
};

function* inSync(rows: readonly Row[]): Iterable<Sample> {
  for (const { facts, shared } of rows) {
    const value = IN_SYNC[facts.state];
    if (value !== null) yield { value, sharedLabels: shared };
  }
}

function* renewals(rows: readonly Row[]): Iterable<Sample> {
  for (const { renewal, shared } of rows) {
    if (renewal !== null) yield { value: Math.round(renewal.at / 1000), sharedLabels: shared };
  }
}

const WARNINGS = {
  renewal_overdue: { level: 'renewal_overdue' },
  ends_soon: { level: 'ends_soon' },
  critical: { level: 'critical' },
};

function* warnings(rows: readonly Row[]): Iterable<Sample> {
  for (const { facts, renewal, life, shared } of rows) {
    // Nobody renews a certificate without a source here; its expiry is a metric of its own.
    if (renewal !== null && facts.bundleId !== null) {
      const at = renewalLateAt(renewal.at, renewal.notAfter);
      yield { value: Math.round(at / 1000), labels: WARNINGS.renewal_overdue, sharedLabels: shared };
    }
    if (life === null) continue;
    const { soonAt, criticalAt } = life;
    yield { value: Math.round(soonAt / 1000), labels: WARNINGS.ends_soon, sharedLabels: shared };
    yield { value: Math.round(criticalAt / 1000), labels: WARNINGS.critical, sharedLabels: shared };
  }
}
