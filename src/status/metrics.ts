import { lifeOf } from '../model';
import { ownFilesOf, type OwnFile } from '../public';
import { CertificateCounts, certificateRows, rowFamilies } from './certificate-metrics';
import { counterFamilies } from './counter-metrics';
import type { MetricName } from './metric-names';
import { ORIGINS, type Families, type Sample } from './metric-samples';
import { MetricTexts } from './metric-texts';
import type { ReportView } from './report-view';

/** The text of `/metrics`, in the text format of Prometheus. */
export async function renderMetrics(view: ReportView): Promise<string> {
  const counts = new CertificateCounts();
  const ofRows = rowFamilies();
  const families: Families<Exclude<MetricName, keyof typeof ofRows>> = {
    build_info: () => [{ value: 1, labels: { version: view.version, node_version: process.version } }],
    status_info: () =>
      view.reloaders
        .flatMap(({ statusUrl }) => (statusUrl === null ? [] : [{ value: 1, labels: { url: statusUrl } }]))
        .slice(0, 1),
    configuration_error: () => [{ value: view.configuration_error === undefined ? 0 : 1 }],
    kong_up: () => [{ value: view.kong === null ? 0 : 1 }],
    ...counts.families,
    ...ownFamilies(view),
    ...sourceFamilies(view),
    ...passFamilies(view),
    ...counterFamilies(view),
    admin_requests_total: () =>
      [...view.adminRequests].map(([key, value]) => {
        const [method = '', code = ''] = key.split(' ');
        return { value, labels: { method, code } };
      }),
  };
  const texts = new MetricTexts();
  for (const rows of chunksOf(certificateRows(view))) {
    for (const row of rows) counts.add(row);
    for (const name of namesOf(ofRows)) await texts.add(name, ofRows[name](rows));
  }
  for (const name of namesOf(families)) await texts.add(name, families[name]());
  return texts.toString();
}

const namesOf = <Name extends string>(record: Readonly<Record<Name, unknown>>) =>
  Object.keys(record) as Name[];

/** Rows that are formatted before other work gets its turn. */
const CHUNK = 250;

/** At least one chunk, which may be empty. */
function* chunksOf<T>(items: Iterable<T>): Iterable<T[]> {
  let chunk: T[] = [];
  for (const item of items) {
    if (chunk.length === CHUNK) {
      yield chunk;
      chunk = [];
    }
    chunk.push(item);
  }
  yield chunk;
}

type OwnFamily = 'in_sync' | 'not_after_timestamp_seconds' | 'warning_timestamp_seconds';

/** What Kong reads from files for itself; several entries look at the same files of the same Kong. */
function ownFamilies({
  reloaders,
}: ReportView): Families<`default_certificate_${OwnFamily}` | `node_certificate_${OwnFamily}`> {
  const known = new Map<string, OwnFile & { warningDays: readonly number[] }>();
  for (const reloader of reloaders) {
    const { warningDays } = reloader;
    for (const file of ownFilesOf(reloader))
      known.set(`${file.location} ${file.uses.join()}`, { ...file, warningDays });
  }
  const all = [...known.values()];
  const byDefault = all.filter(({ uses }) => uses.length === 0);
  const node = all.filter(({ uses }) => uses.length > 0);
  return {
    default_certificate_in_sync: () => byDefault.map(inSync),
    default_certificate_not_after_timestamp_seconds: () => byDefault.flatMap(ends),
    default_certificate_warning_timestamp_seconds: () => byDefault.flatMap(warnings),
    node_certificate_in_sync: () => node.map(inSync),
    node_certificate_not_after_timestamp_seconds: () => node.flatMap(ends),
    node_certificate_warning_timestamp_seconds: () => node.flatMap(warnings),
  };
}

const labelsOf = ({ location, uses }: OwnFile): { location: string; uses?: string } =>
  uses.length === 0 ? { location } : { location, uses: uses.join(', ') };

const inSync = (file: OwnFile): Sample => ({ value: Number(file.isInSync), labels: labelsOf(file) });

const ends = (file: OwnFile): Sample[] =>
  [
    { at: file.inFile, origin: ORIGINS.source },
    { at: file.served, origin: ORIGINS.served },
  ].flatMap(({ at, origin }) =>
    at === null ? [] : [{ value: Date.parse(at) / 1000, labels: { ...labelsOf(file), ...origin } }],
  );

function warnings(file: OwnFile & { warningDays: readonly number[] }): Sample[] {
  const { until, served, servedFrom } = file;
  if (until === null) return [];
  const notBefore = served === null || servedFrom === null ? null : Date.parse(servedFrom);
  const leaf = { notBefore, notAfter: Date.parse(until), renewalAt: null };
  const { soonAt, criticalAt } = lifeOf(leaf, 0, file.warningDays);
  return [
    { value: Math.round(soonAt / 1000), labels: { ...labelsOf(file), level: 'ends_soon' } },
    { value: Math.round(criticalAt / 1000), labels: { ...labelsOf(file), level: 'critical' } },
  ];
}

function sourceFamilies({ reloaders }: ReportView): Families<'source_up' | 'source_bundles'> {
  // A source that two entries have is up only if both can scan it.
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
  kong,
  reloaders,
}: ReportView): Families<
  | 'knowledge_timestamp_seconds'
  | 'knowledge_current'
  | 'leader'
  | 'last_poll_timestamp_seconds'
  | 'last_poll_duration_seconds'
  | 'poll_interval_seconds'
> {
  return {
    knowledge_timestamp_seconds: () =>
      reloaders.flatMap(({ entry, known_at: at }) =>
        at === null ? [] : [{ value: Date.parse(at) / 1000, labels: { entry } }],
      ),
    knowledge_current: () =>
      // A Kong without an entry of the plugin is known, too: no state of a certificate is missing then.
      reloaders.length === 0 && kong !== null
        ? [{ value: 1, labels: { entry: '' } }]
        : reloaders.map(({ entry, is_current: isCurrent }) => ({
            value: Number(isCurrent),
            labels: { entry },
          })),
    leader: () =>
      reloaders.flatMap(({ entry, leader }) =>
        leader === undefined ? [] : [{ value: Number(leader.is_leader), labels: { entry } }],
      ),
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
