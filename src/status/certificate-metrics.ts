import {
  CERTIFICATE_STATES,
  LIFE_LEVELS,
  lifeOf,
  renewalLateAt,
  type CertificateState,
  type LifeLevel,
} from '../model';
import { asSnis } from '../certificates';
import { endingLeaf, renewalOf, servedNotAfter } from './certificate-status';
import type { CertificateFacts } from './facts';
import { ORIGINS, type Families, type Sample } from './metric-samples';
import type { ReportView } from './report-view';

/** Facts about one certificate in Kong, with the labels of all its samples. */
interface Row {
  facts: CertificateFacts;
  warningDays: readonly number[];
  /** Start of its present state; milliseconds since the epoch. */
  since: number;
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

/** One row for each half of a certificate in Kong. */
export function certificateFamilies(view: ReportView): Families<CertificateFamily> {
  const { rows, loose, states, lives } = readFacts(view);
  return {
    certificate_not_after_timestamp_seconds: () => notAfters(rows),
    certificate_trouble_since_timestamp_seconds: () => troubles([...rows, ...loose]),
    certificate_info: () => infos(rows),
    certificate_in_sync: () => inSync(rows),
    certificate_renewal_due_timestamp_seconds: () => renewals(rows),
    certificate_warning_timestamp_seconds: () => warnings(rows),
    certificates: () => [...states].map(([state, value]) => ({ value, labels: { state } })),
    certificate_lives: () => [...lives].map(([level, value]) => ({ value, labels: { level } })),
  };
}

/** Two entries may look after the same certificate: the one with a source for it counts. */
function readFacts({ reloaders, generated_at: at }: ReportView): {
  rows: Row[];
  /** Bundles that are not in Kong. */
  loose: Row[];
  states: Map<CertificateState, number>;
  lives: Map<LifeLevel, number>;
} {
  const now = Date.parse(at);
  const rows = new Map<string, Row>();
  const states = zeros(CERTIFICATE_STATES);
  const lives = zeros(LIFE_LEVELS);
  for (const { facts, sourceOf, sinceOf, warningDays } of reloaders) {
    for (const one of facts()) {
      const { certificate, half, bundleId } = one;
      const key =
        certificate === null
          ? `${bundleId ?? ''} bundle`
          : half === 'main'
            ? certificate.id
            : `${certificate.id} alt`;
      const known = reloaders.length > 1 ? rows.get(key) : undefined;
      if (known !== undefined && (known.facts.bundleId !== null || bundleId === null)) continue;
      const source = bundleId === null ? '' : sourceOf(bundleId);
      rows.set(key, {
        facts: one,
        warningDays,
        since: sinceOf(one) ?? now,
        shared: { source, certificate_id: certificate?.id ?? '', half },
      });
    }
  }
  const inKong: Row[] = [];
  const loose: Row[] = [];
  for (const row of rows.values()) {
    const { state, certificate } = row.facts;
    states.set(state, (states.get(state) ?? 0) + 1);
    (certificate === null ? loose : inKong).push(row);
    if (certificate === null) continue;
    const ending = endingLeaf(row.facts);
    if (ending === null) continue;
    const { level } = lifeOf(ending, now, row.warningDays);
    lives.set(level, (lives.get(level) ?? 0) + 1);
  }
  return { rows: inKong, loose, states, lives };
}

const zeros = <Word extends string>(words: Readonly<Record<Word, unknown>>): Map<Word, number> =>
  new Map((Object.keys(words) as Word[]).map((word) => [word, 0]));

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

function* troubles(rows: readonly Row[]): Iterable<Sample> {
  const seen = new Set<string>();
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
    if (key !== '' && seen.has(key)) continue;
    seen.add(key);
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
  for (const { facts, shared } of rows) {
    const renewal = renewalOf(facts);
    if (renewal !== null) yield { value: Math.round(renewal.at / 1000), sharedLabels: shared };
  }
}

const WARNINGS = {
  renewal_overdue: { level: 'renewal_overdue' },
  ends_soon: { level: 'ends_soon' },
  critical: { level: 'critical' },
};

function* warnings(rows: readonly Row[]): Iterable<Sample> {
  for (const { facts, shared, warningDays } of rows) {
    const renewal = renewalOf(facts);
    // Nobody renews a certificate without a source here; its expiry is a metric of its own.
    if (renewal !== null && facts.bundleId !== null) {
      const at = renewalLateAt(renewal.at, renewal.notAfter);
      yield { value: Math.round(at / 1000), labels: WARNINGS.renewal_overdue, sharedLabels: shared };
    }
    const ending = endingLeaf(facts);
    if (ending === null) continue;
    const { soonAt, criticalAt } = lifeOf(ending, 0, warningDays);
    yield { value: Math.round(soonAt / 1000), labels: WARNINGS.ends_soon, sharedLabels: shared };
    yield { value: Math.round(criticalAt / 1000), labels: WARNINGS.critical, sharedLabels: shared };
  }
}
