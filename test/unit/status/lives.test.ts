import { describe, expect, it } from 'vitest';
import { verdictText } from '../../../src/cli/status/verdict-text';
import type { LifeLevel } from '../../../src/model';
import { toReport } from '../../../src/status';
import { PREFIX } from '../../../src/status/metric-names';
import { renderMetrics } from '../../../src/status/metrics';
import { bundle, leafOf, NOW, stored } from '../../support/plans';
import { reloaderView, reportView } from '../../support/status-views';
import { conditionsOf } from '../../support/statuses';

const DAY = 86_400_000;

/** One that is in sync and served, of which a share of its life is over. */
async function shown(days: number, share: number) {
  const notBefore = Math.floor((NOW - share * days * DAY) / 1000) * 1000;
  const leaf = { ...leafOf({ names: ['www.test'] }), notBefore, notAfter: notBefore + days * DAY };
  const certificate = stored('www', { names: ['www.test'] });
  certificate.main.leaf = leaf;
  const view = reportView([
    reloaderView([{ certificate, bundle: bundle('www.crt', { names: ['www.test'], leaf }) }]),
  ]);
  const report = toReport(view);
  const [status] = report.reloaders;
  const alerts = conditionsOf({ entry: 'E', status: status ?? null, trouble: null }, [], NOW);
  const metrics = await renderMetrics(view);
  const [, lives = ''] = new RegExp(`certificate_lives\\{level="(\\w+)"\\} 1`).exec(metrics) ?? [];
  const from = (level: string) =>
    Number(
      new RegExp(
        `${PREFIX}certificate_warning_timestamp_seconds\\{[^}]*level="${level}"[^}]*\\} (\\S+)`,
      ).exec(metrics)?.[1],
    );
  return {
    expiry: status?.certificates[0]?.expiry,
    verdict: verdictText(report, NOW).map((text) => text.replace(/ in .*/, '')),
    alerts: alerts.map(({ kind, severity }) => `${kind} ${severity}`),
    lives,
    // The rules compare these times with now.
    rules: ['renewal_overdue', 'ends_soon', 'critical'].filter((level) => from(level) <= NOW / 1000),
  };
}

const QUIET = { verdict: [], alerts: [], rules: [] };

/** Verdict, alerts and rules after a share of a certificate's life. */
const POINTS: readonly (readonly [share: number, level: LifeLevel, what: object])[] = [
  [0.01, 'fresh', QUIET],
  [0.5, 'fresh', QUIET],
  [0.66, 'fresh', QUIET],
  [0.69, 'renewal_due', QUIET],
  [
    0.72,
    'renewal_due',
    { verdict: ['1 not renewed'], alerts: ['renewal_overdue warning'], rules: ['renewal_overdue'] },
  ],
  [
    0.84,
    'ends_soon',
    {
      verdict: ['1 ends'],
      alerts: ['expiring warning', 'renewal_overdue warning'],
      rules: ['renewal_overdue', 'ends_soon'],
    },
  ],
  [
    0.92,
    'critical',
    {
      verdict: ['1 ends'],
      alerts: ['expiring critical', 'renewal_overdue warning'],
      rules: ['renewal_overdue', 'ends_soon', 'critical'],
    },
  ],
  [
    1.01,
    'expired',
    {
      verdict: ['1 expired (www.test)'],
      alerts: ['expired critical'],
      rules: ['renewal_overdue', 'ends_soon', 'critical'],
    },
  ],
];

describe.each([1, 6, 47, 90, 200])('a life of %d days', (days) => {
  it.each(POINTS)(
    'at %d of it is %s to status, command line, alerts, metrics and rules',
    async (share, level, what) => {
      expect(await shown(days, share)).toEqual({ expiry: level, lives: level, ...what });
    },
  );
});
