import type { CertificateState } from '../model';
import { renewalDueAt, servedNotAfter } from './certificate-status';
import type { CertificateFacts } from './facts';
import { ORIGINS, type Families, type Sample } from './metric-samples';
import type { ReportView } from './report-view';

/** Facts about one certificate in Kong with the labels that all of its samples have. */
interface Row {
  facts: CertificateFacts;
  shared: Record<string, string>;
}

type CertificateFamily =
  | 'certificate_not_after_timestamp_seconds'
  | 'certificate_info'
  | 'certificate_in_sync'
  | 'certificate_renewal_due_timestamp_seconds'
  | 'certificates';

/** One row for each half of a certificate in Kong. */
export function certificateFamilies(view: ReportView): Families<CertificateFamily> {
  const { rows, states } = readFacts(view);
  return {
    certificate_not_after_timestamp_seconds: () => notAfters(rows),
    certificate_info: () => infos(rows),
    certificate_in_sync: () => inSync(rows),
    certificate_renewal_due_timestamp_seconds: () => renewals(rows),
    certificates: () => [...states].map(([state, value]) => ({ value, labels: { state } })),
  };
}

/** Two entries may look after the same certificate: the one that has a source for it tells about it. */
function readFacts({ reloaders }: ReportView): { rows: Row[]; states: Map<CertificateState, number> } {
  const rows = new Map<string, Row>();
  const states = new Map<CertificateState, number>(STATES.map((state) => [state, 0]));
  for (const { facts, sourceOf } of reloaders) {
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
      rows.set(key, { facts: one, shared: { source, certificate_id: certificate?.id ?? '', half } });
    }
  }
  const inKong: Row[] = [];
  for (const row of rows.values()) {
    const { state, certificate } = row.facts;
    states.set(state, (states.get(state) ?? 0) + 1);
    if (certificate !== null) inKong.push(row);
  }
  return { rows: inKong, states };
}

const STATES: readonly CertificateState[] = [
  'in_sync',
  'pending',
  'refused',
  'not_served',
  'unproven',
  'no_source',
  'unused',
];

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

/** Names of one certificate that a label holds. */
const MAX_SNIS = 5;

function* infos(rows: readonly Row[]): Iterable<Sample> {
  for (const { facts, shared } of rows) {
    const { certificate, stored, bundle } = facts;
    if (certificate === null || stored?.leaf == null) continue;
    const labels = {
      fingerprint_sha256: stored.leaf.fingerprint,
      serial: stored.leaf.serial,
      owner: certificate.owner,
      snis:
        certificate.snis.length > MAX_SNIS
          ? `${certificate.snis.slice(0, MAX_SNIS).join(',')},…`
          : certificate.snis.join(','),
      location: bundle?.location ?? '',
    };
    yield { value: 1, labels, sharedLabels: shared };
  }
}

/** What could not be proven, or has no source, is neither in sync nor out of it. */
const IN_SYNC: Partial<Record<CertificateState, number>> = {
  in_sync: 1,
  pending: 0,
  refused: 0,
  not_served: 0,
};

function* inSync(rows: readonly Row[]): Iterable<Sample> {
  for (const { facts, shared } of rows) {
    const value = IN_SYNC[facts.state];
    if (value !== undefined) yield { value, sharedLabels: shared };
  }
}

function* renewals(rows: readonly Row[]): Iterable<Sample> {
  for (const { facts, shared } of rows) {
    const dueAt = renewalDueAt(facts);
    if (dueAt !== null) yield { value: Math.round(dueAt / 1000), sharedLabels: shared };
  }
}
