import { Registry, type Metric } from 'prom-client';
import {
  REASONS,
  type CertificateState,
  type DefaultCertificateStatus,
  type DefaultFileStatus,
} from '../model';
import { renewalDueAt, servedNotAfter } from './certificate-status';
import type { CertificateFacts } from './facts';
import type { Histogram } from './histogram';
import { METRICS, PREFIX, type MetricName } from './metric-names';
import type { ReportView } from './report-view';

interface Sample {
  value: number;
  labels?: Record<string, string | number>;
  /** Flattened once for every sample that has them, which saves half of the time for 10,000 certificates. */
  sharedLabels?: Record<string, string>;
  metricName?: string;
}

/** Facts about one certificate in Kong with the labels that all of its samples have. */
interface Row {
  facts: CertificateFacts;
  shared: Record<string, string>;
}

/** The text of `/metrics`, in the text format of Prometheus. */
export async function renderMetrics(view: ReportView): Promise<string> {
  const registry = new Registry();
  const { rows, states } = readFacts(view);
  const families: Record<MetricName, () => Iterable<Sample>> = {
    build_info: () => [{ value: 1, labels: { version: view.version, node_version: process.version } }],
    kong_up: () => [{ value: view.kong === null ? 0 : 1 }],
    certificate_not_after_timestamp_seconds: () => notAfters(rows),
    certificate_info: () => infos(rows),
    certificate_in_sync: () => inSync(rows),
    certificate_renewal_due_timestamp_seconds: () => renewals(rows),
    certificates: () => [...states].map(([state, value]) => ({ value, labels: { state } })),
    ...defaultFamilies(view),
    ...sourceFamilies(view),
    ...passFamilies(view),
    ...counterFamilies(view),
    admin_requests_total: () =>
      [...view.adminRequests].map(([key, value]) => {
        const [method = '', code = ''] = key.split(' ');
        return { value, labels: { method, code } };
      }),
  };
  const texts: string[] = [];
  for (const name of Object.keys(METRICS) as MetricName[]) {
    register(registry, name, families[name]);
    texts.push(await registry.getSingleMetricAsString(PREFIX + name));
    // Passes get their turn between two families.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return `${texts.join('\n\n')}\n`;
}

/** prom-client's own metrics hash the labels of each sample; one that is asked for its values does not. */
function register(registry: Registry, name: MetricName, samples: () => Iterable<Sample>): void {
  const { help, type } = METRICS[name];
  const metric = {
    name: PREFIX + name,
    help,
    type,
    get: () => ({ name: PREFIX + name, help, type, values: [...samples()] }),
  };
  registry.registerMetric(metric as unknown as Metric);
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

const ORIGINS = { source: { origin: 'source' }, stored: { origin: 'stored' }, served: { origin: 'served' } };

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

/** Several entries look at the same files of the same Kong. */
function defaultFamilies({
  reloaders,
}: ReportView): Families<'default_certificate_in_sync' | 'default_certificate_not_after_timestamp_seconds'> {
  const known = new Map<string, DefaultFileStatus & { state: DefaultCertificateStatus['state'] }>();
  for (const { default_certificate: found } of reloaders) {
    for (const file of found?.files ?? [])
      known.set(file.location, { ...file, state: found?.state ?? 'unknown' });
  }
  const files = [...known.values()].filter((file) => file.served_without_sni_sha256 !== null);
  const seconds = (at: string | null) => (at === null ? [] : [Date.parse(at) / 1000]);
  return {
    default_certificate_in_sync: () =>
      files.map(({ location, state }) => ({ value: Number(state === 'in_sync'), labels: { location } })),
    default_certificate_not_after_timestamp_seconds: () =>
      files.flatMap(({ location, not_after: source, served_not_after: served }) => [
        ...seconds(source).map((value) => ({ value, labels: { location, ...ORIGINS.source } })),
        ...seconds(served).map((value) => ({ value, labels: { location, ...ORIGINS.served } })),
      ]),
  };
}

type Families<Name extends MetricName> = Record<Name, () => Iterable<Sample>>;

function sourceFamilies({ reloaders }: ReportView): Families<'source_up' | 'source_bundles'> {
  // A source that two entries have is up only if both can look at it.
  const sources = new Map<string, { up: number; bundles: number }>();
  for (const { id, up, bundles } of reloaders.flatMap((reloader) => reloader.sources)) {
    const known = sources.get(id);
    sources.set(id, { up: Math.min(Number(up), known?.up ?? 1), bundles });
  }
  const each = (of: 'up' | 'bundles') => () =>
    [...sources].map(([source, facts]) => ({ value: facts[of], labels: { source } }));
  return { source_up: each('up'), source_bundles: each('bundles') };
}

function passFamilies({
  reloaders,
}: ReportView): Families<
  'last_poll_timestamp_seconds' | 'last_poll_duration_seconds' | 'poll_interval_seconds'
> {
  return {
    last_poll_timestamp_seconds: () =>
      reloaders.flatMap(({ entry, last_success_at: at }) =>
        at === null ? [] : [{ value: Date.parse(at) / 1000, labels: { entry } }],
      ),
    last_poll_duration_seconds: () =>
      reloaders.flatMap(({ entry, last_pass: pass }) =>
        pass === null ? [] : [{ value: pass.duration_ms / 1000, labels: { entry } }],
      ),
    poll_interval_seconds: () =>
      reloaders.map(({ entry, interval_seconds: value }) => ({ value, labels: { entry } })),
  };
}

type CounterName =
  | 'swaps_total'
  | 'rollbacks_total'
  | 'rejected_total'
  | 'source_errors_total'
  | 'swap_duration_seconds'
  | 'propagation_seconds';

function counterFamilies({ reloaders }: ReportView): Families<CounterName> {
  const counters = reloaders.map((reloader) => reloader.counters);
  // A counter that is there from the start shows its first increase, too.
  const none = Object.keys(REASONS).map((reason): [string, number] => [reason, 0]);
  const sum = (label: string, entries: readonly (readonly [string, number])[]): Sample[] => {
    const totals = new Map<string, number>();
    for (const [key, value] of entries) totals.set(key, (totals.get(key) ?? 0) + value);
    return [...totals].map(([key, value]) => ({ value, labels: { [label]: key } }));
  };
  return {
    swaps_total: () =>
      sum(
        'result',
        counters.flatMap(({ swaps }) => Object.entries(swaps)),
      ),
    rollbacks_total: () => [{ value: counters.reduce((total, { rollbacks }) => total + rollbacks, 0) }],
    rejected_total: () => sum('reason', [...none, ...counters.flatMap(({ rejected }) => [...rejected])]),
    source_errors_total: () =>
      sum('reason', [...none, ...counters.flatMap(({ sourceErrors }) => [...sourceErrors])]),
    swap_duration_seconds: () =>
      histogram(
        'swap_duration_seconds',
        counters.map((one) => one.swapSeconds),
      ),
    propagation_seconds: () =>
      histogram(
        'propagation_seconds',
        counters.map((one) => one.propagationSeconds),
      ),
  };
}

function histogram(name: MetricName, all: readonly Histogram[]): Sample[] {
  const buckets = new Map<number | string, number>();
  for (const [bound, count] of all.flatMap((one) => one.buckets)) {
    buckets.set(bound, (buckets.get(bound) ?? 0) + count);
  }
  const total = (of: 'sum' | 'count') => all.reduce((sum, one) => sum + one[of], 0);
  if (all.length === 0) return [];
  return [
    ...[...buckets].map(([le, value]) => ({ value, labels: { le }, metricName: `${PREFIX}${name}_bucket` })),
    { value: total('sum'), metricName: `${PREFIX}${name}_sum` },
    { value: total('count'), metricName: `${PREFIX}${name}_count` },
  ];
}
