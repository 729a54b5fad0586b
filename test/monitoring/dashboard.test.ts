import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { METRICS, PREFIX } from '../../src/status/metric-names';
import { testFolder } from '../support/folders';
import { missing } from './programs';
import type { Series } from './rule-cases';
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
      `${PREFIX}status_info`,
      `${PREFIX}configuration_error`,
      `${PREFIX}certificate_renewal_due_timestamp_seconds`,
      `${PREFIX}default_certificate_in_sync`,
      `${PREFIX}default_certificate_not_after_timestamp_seconds`,
      `${PREFIX}default_certificate_warning_timestamp_seconds`,
      `${PREFIX}node_certificate_in_sync`,
      `${PREFIX}node_certificate_not_after_timestamp_seconds`,
      `${PREFIX}node_certificate_warning_timestamp_seconds`,
      `${PREFIX}source_bundles`,
      `${PREFIX}last_poll_timestamp_seconds`,
      `${PREFIX}poll_interval_seconds`,
    ]);
  });

  const labels = 'instance="kong-1"';
  const states = (refused: number): Series => ({
    [`${PREFIX}certificates{${labels},state="refused"}`]: `${refused}x9`,
    [`${PREFIX}certificates{${labels},state="in_sync"}`]: '4x9',
    [`${PREFIX}certificate_lives{${labels},level="expired"}`]: '0x9',
    [`${PREFIX}certificate_lives{${labels},level="ends_soon"}`]: '0x9',
    [`${PREFIX}source_up{${labels},source="directory:/certs"}`]: '1x9',
  });
  const asOfNow = (isUp: 0 | 1): Series => ({
    [`${PREFIX}knowledge_timestamp_seconds{${labels},entry="e1"}`]: '60x9',
    [`${PREFIX}knowledge_current{${labels},entry="e1"}`]: `${isUp}x9`,
    [`${PREFIX}kong_up{${labels}}`]: `${isUp}x9`,
  });
  const away: Series = { [`${PREFIX}kong_up{${labels}}`]: '0x9' };
  const zeros: Series = {
    [`${PREFIX}certificates{${labels},state="refused"}`]: '0x9',
    [`${PREFIX}certificate_lives{${labels},level="expired"}`]: '0x9',
  };

  const reason = missing('promtool');
  it.skipIf(reason !== null).each<[string, Series, Record<string, number | null>]>([
    ['all is well', { ...states(0), ...asOfNow(1) }, { Verdict: 1, Refused: 0, Expired: 0, Kong: 1 }],
    ['one is refused', { ...states(1), ...asOfNow(1) }, { Verdict: 3, Refused: 1, Expired: 0 }],
    [
      'Kong is away, and what was known is shown',
      { ...states(0), ...asOfNow(0) },
      { Verdict: 2, Refused: 0, Kong: 0 },
    ],
    [
      'Kong is away since the start, and nothing is known',
      { ...zeros, ...away },
      {
        Verdict: 2,
        Refused: null,
        Expired: null,
        'Certificates in Kong': null,
        'Age of what is known': null,
      },
    ],
    ['there is no gateway', {}, { Verdict: null, Refused: null, Kong: null, 'Sources down': null }],
  ])(`tells no 0 of what nobody knows: %s${reason ?? ''}`, (_, series, tiles) => {
    const file = join(testFolder(), 'test.yml');
    const test = {
      interval: '1m',
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      promql_expr_test: Object.entries(tiles).map(([title, value]) => ({
        expr: (panels.find((panel) => panel.title === title)?.targets[0]?.expr ?? '').replaceAll(
          '$instance',
          '.*',
        ),
        eval_time: '5m',
        exp_samples: value === null ? [] : [{ labels: '{}', value }],
      })),
    };
    writeFileSync(file, dump({ evaluation_interval: '1m', tests: [test] }));
    execFileSync('promtool', ['test', 'rules', file], { stdio: 'pipe' });
  });

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
