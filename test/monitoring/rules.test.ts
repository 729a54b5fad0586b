import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump, load } from 'js-yaml';
import { describe, expect, it, test } from 'vitest';
import { testFolder } from '../support/folders';
import { missing } from './programs';
import { CASES, endsIn, type Series } from './rule-cases';
import { FOLDER, readAlerts, readGroups, RULES_FILE } from './rules';

const alerts = readAlerts();
const names = [...new Set(alerts.map(({ alert }) => alert))];

describe('the rules', () => {
  it('are the same for the Prometheus operator', () => {
    const manifest = load(readFileSync(join(FOLDER, 'prometheus-rule.yaml'), 'utf8')) as {
      spec: { groups: unknown };
    };
    expect(manifest.spec.groups).toEqual(readGroups());
  });

  it.each(alerts.map((rule) => [rule.alert, rule] as const))(
    '%s says how bad it is and what to do',
    (name, rule) => {
      expect(['warning', 'critical']).toContain(rule.labels['severity']);
      expect(rule.annotations['summary']).toBeTruthy();
      expect(rule.annotations['description']).toBeTruthy();
      // An address: of the listener that is scraped, or of status.url.
      expect(rule.annotations['runbook_url']).toMatch(/^\{\{ with (printf|query) /);
      expect(rule.annotations['runbook_url']).toMatch(new RegExp(`runbooks/${name}(\\{\\{ end \\}\\})?$`));
    },
  );
});

it.each(names)('%s is tested as firing and as not firing', (name) => {
  const own = CASES[name] ?? [];
  const levels = alerts.filter(({ alert }) => alert === name).map(({ labels }) => labels['level'] ?? '');
  for (const level of levels) expect(own.some(([, , , fires]) => fires.includes(level))).toBe(true);
  expect(own.some(([, , , fires]) => fires.length === 0)).toBe(true);
});

const reason = missing('promtool');
describe.skipIf(reason !== null)(`promtool${reason ?? ''}`, () => {
  /** @throws Error with what promtool says */
  function promtool(...args: string[]): string {
    return execFileSync('promtool', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  function testRules(test: object): void {
    const file = join(testFolder(), 'test.yml');
    writeFileSync(file, dump({ rule_files: [RULES_FILE], evaluation_interval: '1m', tests: [test] }));
    promtool('test', 'rules', file);
  }

  it('finds the rules correct', () => {
    expect(promtool('check', 'rules', RULES_FILE)).toContain('SUCCESS');
  });

  const all = Object.entries(CASES).flatMap(([alert, cases]) =>
    cases.map((one) => [alert, one[3].length > 0 ? 'fires' : 'does not fire', ...one] as const),
  );

  it.each(all)('%s %s when %s', (alert, _, _when, series, at, fires) => {
    testRules({
      interval: '1m',
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      promql_expr_test: [
        {
          expr: `count by (level) (ALERTS{alertname="${alert}",alertstate="firing"})`,
          eval_time: at,
          exp_samples: fires.map((level) => ({
            labels: level === '' ? '{}' : `{level="${level}"}`,
            value: 1,
          })),
        },
      ],
    });
  });

  it('has no fixed days and no rule on a certificate that does not name it', () => {
    for (const { alert, expr, annotations } of alerts) {
      expect(expr, alert).not.toMatch(/86400|\b[0-9]+ \* [0-9]+/);
      if (/certificate:/.test(expr)) expect(annotations['summary'], alert).toContain('$labels.snis');
    }
  });

  const told = {
    source: 'directory:/certs',
    certificate_id: 'c1',
    half: 'main',
    instance: 'kong-1',
    job: 'ssl-cert-reloader',
    snis: 'www.example.test',
  };

  test.for<[url: Series, runbook: string]>([
    [{}, 'http://kong-1/runbooks/KongCertificateExpiring'],
    [
      {
        'kong_ssl_cert_reloader_status_info{instance="kong-1",job="ssl-cert-reloader",url="https://kong-1.example.test/certs/"}':
          '1x1500',
      },
      'https://kong-1.example.test/certs/runbooks/KongCertificateExpiring',
    ],
  ])('has the names of a certificate and the address of a runbook for people: %j', ([url, runbook]) => {
    testRules({
      interval: '1m',
      input_series: Object.entries({ ...endsIn(14, 90), ...url }).map(([series, values]) => ({
        series,
        values,
      })),
      alert_rule_test: [
        {
          eval_time: '20m',
          alertname: 'KongCertificateExpiring',
          exp_alerts: [
            {
              exp_labels: { severity: 'warning', level: 'ends_soon', ...told },
              exp_annotations: {
                summary: 'The certificate of www.example.test expires in 13d 23h 40m 0s',
                description: 'Kong serves it, and nothing newer has taken its place.',
                runbook_url: runbook,
              },
            },
          ],
        },
      ],
    });
  });
});

it('the folder holds what its README names', () => {
  const readme = readFileSync(join(FOLDER, 'README.md'), 'utf8');
  for (const [, file] of readme.matchAll(/\]\(([\w.-]+)\)/g))
    expect(existsSync(join(FOLDER, file ?? ''))).toBe(true);
});
