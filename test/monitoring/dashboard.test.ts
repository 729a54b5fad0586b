import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { METRICS, PREFIX } from '../../src/status/metric-names';
import { testFolder } from '../support/folders';
import { missing } from './programs';
import { FOLDER, readGroups } from './rules';

interface Panel {
  id: number;
  type: string;
  title: string;
  datasource: { type: string; uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
  targets: { refId: string; expr: string; datasource: { uid: string } }[];
}

interface Dashboard {
  title: string;
  uid: string;
  schemaVersion: number;
  templating: { list: { name: string; type: string; query: unknown }[] };
  panels: Panel[];
}

const dashboard = JSON.parse(readFileSync(join(FOLDER, 'grafana-dashboard.json'), 'utf8')) as Dashboard;
const { panels } = dashboard;
const queries = panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const));

/** Every series that there can be: a histogram has three. */
const SERIES = Object.entries(METRICS).flatMap(([name, { type }]) =>
  type === 'histogram'
    ? ['bucket', 'sum', 'count'].map((part) => `${PREFIX}${name}_${part}`)
    : [`${PREFIX}${name}`],
);
const seriesIn = (expr: string) => expr.match(new RegExp(`(?<![a-z:_])${PREFIX}[a-z_]+`, 'g')) ?? [];

describe('the dashboard', () => {
  it('asks the data source that is chosen when it is imported', () => {
    expect(dashboard.templating.list).toContainEqual(
      expect.objectContaining({ name: 'datasource', type: 'datasource', query: 'prometheus' }),
    );
    for (const { datasource, targets } of panels) {
      for (const { uid } of [datasource, ...targets.map((target) => target.datasource)])
        expect(uid).toBe('${datasource}');
    }
  });

  it('has panels that Grafana knows, each with an id, a title and a place of its own', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Set<string>();
    for (const { type, title, targets, gridPos } of panels) {
      expect(['stat', 'table', 'timeseries']).toContain(type);
      expect(title).not.toBe('');
      expect(targets.length).toBeGreaterThan(0);
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken).not.toContain(`${x} ${y}`);
          taken.add(`${x} ${y}`);
        }
      }
    }
  });

  it.each(queries)('%s: asks for metrics that there are: %s', (_, expr) => {
    expect(seriesIn(expr)).not.toEqual([]);
    for (const series of seriesIn(expr)) expect(SERIES).toContain(series);
  });

  it('shows every metric that there is, but those that are for rules', () => {
    const shown = queries.flatMap(([, expr]) => seriesIn(expr));
    const unseen = SERIES.filter((series) => !shown.includes(series) && !/_(sum|count)$/.test(series));
    expect(unseen).toEqual([
      `${PREFIX}kong_up`,
      `${PREFIX}certificate_renewal_due_timestamp_seconds`,
      `${PREFIX}certificate_warning_timestamp_seconds`,
      `${PREFIX}certificate_lives`,
      `${PREFIX}default_certificate_in_sync`,
      `${PREFIX}default_certificate_not_after_timestamp_seconds`,
      `${PREFIX}source_bundles`,
      `${PREFIX}poll_interval_seconds`,
    ]);
  });

  const reason = missing('promtool');
  it.skipIf(reason !== null)(`has queries that Prometheus understands${reason ?? ''}`, () => {
    const rules = queries.map(([, expr], index) => ({
      record: `panel:query:${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*'),
    }));
    const file = join(testFolder(), 'rules.yml');
    writeFileSync(file, dump({ groups: [{ name: 'dashboard', rules }] }));
    expect(execFileSync('promtool', ['check', 'rules', file], { encoding: 'utf8' })).toContain('SUCCESS');
  });
});

it.each(
  readGroups().flatMap(({ rules }) => rules.map((rule) => [rule.alert ?? rule.record ?? '', rule.expr])),
)('the rule %s asks for metrics that there are', (_, expr) => {
  for (const series of seriesIn(expr)) expect(SERIES).toContain(series);
});
