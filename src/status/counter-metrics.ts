import { REASONS } from '../model';
import type { Histogram } from './histogram';
import { PREFIX, type MetricName } from './metric-names';
import type { Families, Sample } from './metric-samples';
import type { ReportView } from './report-view';

type CounterName =
  | 'swaps_total'
  | 'rollbacks_total'
  | 'takeovers_total'
  | 'rejected_total'
  | 'source_errors_total'
  | 'swap_duration_seconds'
  | 'propagation_seconds';

/** Counters since the start, over all entries. */
export function counterFamilies({ reloaders }: ReportView): Families<CounterName> {
  const counters = reloaders.map((reloader) => reloader.counters);
  // Starts at 0, so that the first increase shows.
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
    takeovers_total: () => [{ value: counters.reduce((total, { takeovers }) => total + takeovers, 0) }],
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
