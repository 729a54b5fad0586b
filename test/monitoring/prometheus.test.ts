import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { standIn } from '../integration/stand-in';
import { freePort } from '../support/port';
import { admin, enablePlugin, type TestKong } from '../scenarios/kong';
import { issue } from '../support/bundles';
import { eventually } from '../support/eventually';
import { writePair } from '../support/folders';
import { openReceiver, type Receiver } from '../support/receiver';
import { missing } from './programs';
import { startStack, type Stack } from './stack';

/** What Alertmanager tells a webhook. */
interface Told {
  status: 'firing' | 'resolved';
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

const DAY_MS = 86_400_000;
const HOOK_MS = 300_000;
const reason = missing('prometheus', 'prometheus-alertmanager');

describe.skipIf(reason !== null)(`a real Prometheus and a real Alertmanager${reason ?? ''}`, () => {
  let folder = '';
  let certs = '';
  let kong: TestKong;
  let people: Receiver & { close(): void };
  let stack: Stack;
  let entry = '';

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ssl-cert-reloader-monitoring-'));
    certs = mkdtempSync(join(folder, 'certs-'));
    people = await openReceiver();
    kong = await standIn({ mode: 'database' });
    const target = `127.0.0.1:${await freePort()}`;
    writePair(certs, 'www', issue());
    entry = await enablePlugin(kong, {
      interval: 1,
      sources: [{ type: 'directory', path: certs }],
      // As the rules have it.
      expiry_warning_days: [30, 14, 7, 1],
      status: { listen: target },
    });
    await eventually('it gives metrics', async () => (await fetch(`http://${target}/metrics`)).ok);
    stack = await startStack({ folder: join(folder, 'stack'), target, receiverUrl: people.url });
    const alerts = { webhook: stack.alertmanagerUrl, format: 'alertmanager', grace: 0 };
    await admin(kong, 'PATCH', `/plugins/${entry}`, { config: { alerts } });
  }, HOOK_MS);

  afterAll(async () => {
    await stack.stop();
    await kong.stop();
    people.close();
    rmSync(folder, { recursive: true, force: true });
  }, HOOK_MS);

  /** Alerts that came to people. @param before messages that are left out */
  const told = (before = 0) =>
    people.received.slice(before).flatMap(({ body }) => (body as { alerts: Told[] }).alerts);
  const tells = (what: string, match: (alert: Told) => boolean, before = 0) =>
    eventually(what, () => told(before).find(match));

  const query = async (text: string) => {
    const answer = await fetch(`${stack.prometheusUrl}/api/v1/query?query=${encodeURIComponent(text)}`);
    return ((await answer.json()) as { data: { result: { values?: unknown[] }[] } }).data.result;
  };

  beforeEach(async () => {
    await eventually(
      'Prometheus has its metrics',
      async () => (await query('kong_ssl_cert_reloader_build_info')).length === 1,
    );
  }, HOOK_MS);

  it('nothing is told while all is well', async () => {
    const holds = async (text: string) => (await query(text)).length === 1;
    const inSync = 'kong_ssl_cert_reloader_certificate_in_sync == 1';
    await eventually('it is in sync', () => holds(inSync));
    // Before the first scrape there are no metrics, and none of a pass before the first one: long enough in a hurry.
    await eventually('nothing is wrong', () => holds('absent(ALERTS)'));
    const before = people.received.length;
    const scrapes = async () => (await query('up[1h]')).flatMap(({ values = [] }) => values).length;
    const wanted = (await scrapes()) + 5;
    await eventually('it was looked at a few more times', async () => (await scrapes()) >= wanted);
    const firing = told(before).filter(({ status }) => status === 'firing');
    // A scrape that a loaded machine is too slow for is one without metrics.
    expect(firing.filter(({ labels }) => labels['alertname'] !== 'SslCertReloaderAbsent')).toEqual([]);
  });

  it(
    'a refused renewal is told by both ways, and that it is over',
    async () => {
      const good = issue();
      writePair(certs, 'www', { chain: good.chain, key: issue().key });
      const byRules = await tells(
        'Prometheus tells it',
        ({ status, labels }) =>
          status === 'firing' &&
          labels['alertname'] === 'KongCertificateRefused' &&
          labels['job'] !== undefined,
      );
      expect(byRules.annotations['runbook_url']).toBe('docs/runbooks/KongCertificateRefused.md');
      const byPlugin = await tells(
        'the plugin tells it',
        ({ status, labels }) =>
          status === 'firing' &&
          labels['alertname'] === 'KongCertificateRefused' &&
          labels['entry'] === entry,
      );
      expect(byPlugin.labels).toMatchObject({
        sni: 'www.example.test',
        reason: 'key_mismatch',
        severity: 'warning',
      });
      expect(byPlugin.annotations['summary']).toContain('stays out of Kong');

      writePair(certs, 'www', good);
      for (const label of ['job', 'entry']) {
        await tells(
          `it is over (${label})`,
          ({ status, labels }) =>
            status === 'resolved' &&
            labels['alertname'] === 'KongCertificateRefused' &&
            labels[label] !== undefined,
        );
      }
    },
    HOOK_MS,
  );

  it(
    'a certificate that ends in five days is told by both ways, with its names',
    async () => {
      const now = Date.now();
      const dates = { notBefore: new Date(now - 360 * DAY_MS), notAfter: new Date(now + 5 * DAY_MS) };
      writePair(certs, 'old', issue({ names: ['old.example.test'], ...dates }));
      const isExpiring = ({ status, labels }: Told) =>
        status === 'firing' && labels['alertname'] === 'KongCertificateExpiring' && labels['days'] === '7';
      const byRules = await tells(
        'Prometheus tells it',
        (one) => isExpiring(one) && one.labels['job'] !== undefined,
      );
      expect(byRules.annotations['summary']).toMatch(/^The certificate of old\.example\.test expires in 4d /);
      const byPlugin = await tells(
        'the plugin tells it',
        (one) => isExpiring(one) && one.labels['entry'] === entry,
      );
      expect(byPlugin.labels['sni']).toBe('old.example.test');
    },
    HOOK_MS,
  );

  it(
    'a plugin that gives no metrics any more is told',
    async () => {
      const before = people.received.length;
      await admin(kong, 'PATCH', `/plugins/${entry}`, { config: { status: { listen: null } } });
      await tells(
        'Prometheus tells it',
        ({ status, labels }) => status === 'firing' && labels['alertname'] === 'SslCertReloaderAbsent',
        before,
      );
    },
    HOOK_MS,
  );
});
