import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { freePort } from '../support/port';
import { startGateway, type Gateway } from '../gateway';
import { admin, enablePlugin } from '../scenarios/kong';
import { issue } from '../support/bundles';
import { eventually } from '../support/eventually';
import { writePair } from '../support/folders';
import { openReceiver, type Receiver } from '../support/receiver';
import { missing } from './programs';
import { startStack, type Stack } from './stack';

/** Alertmanager's message to a webhook. */
interface Told {
  status: 'firing' | 'resolved';
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

const HOUR_MS = 3_600_000;
const HOOK_MS = 300_000;
const reason = missing('prometheus', 'prometheus-alertmanager');

describe.skipIf(reason !== null)(`a real Prometheus and a real Alertmanager${reason ?? ''}`, () => {
  let folder = '';
  let certs = '';
  let kong: Gateway;
  let people: Receiver & { close(): void };
  let stack: Stack;
  let entry = '';

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ssl-cert-reloader-monitoring-'));
    certs = mkdtempSync(join(folder, 'certs-'));
    people = await openReceiver();
    const prefix = mkdtempSync(join(folder, 'prefix-'));
    const server = `env PATH=${dirname(process.execPath)}:/usr/bin:/bin ${resolve('dist/ssl-cert-reloader.cjs')}`;
    kong = await startGateway({
      mode: 'database',
      prefix,
      pluginServers: [
        {
          name: 'ssl-cert-reloader',
          queryCommand: `${server} -dump`,
          startCommand: `${server} -p ${prefix}`,
        },
      ],
    });
    const target = `127.0.0.1:${await freePort()}`;
    writePair(certs, 'www', issue());
    entry = await enablePlugin(kong, {
      interval: 1,
      sources: [{ type: 'directory', path: certs }],
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
      expect(byRules.annotations['summary']).toBe(
        'The certificate for www.example.test stays out of Kong (key_mismatch)',
      );
      const runbook = await fetch(byRules.annotations['runbook_url'] ?? '');
      expect(await runbook.text()).toMatch(/^# KongCertificateRefused\n/);
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

  it.each([
    ['six days', 'old', 6 * 24, 11],
    ['a day', 'short', 24, 1.5],
  ])(
    'a life of %s that is nearly over is told by both ways, with its names',
    async (_, name, lifeHours, hoursLeft) => {
      const now = Date.now();
      const dates = {
        notBefore: new Date(now - (lifeHours - hoursLeft) * HOUR_MS),
        notAfter: new Date(now + hoursLeft * HOUR_MS),
      };
      writePair(certs, name, issue({ names: [`${name}.example.test`], ...dates }));
      const isExpiring = ({ status, labels, annotations }: Told) =>
        status === 'firing' &&
        labels['alertname'] === 'KongCertificateExpiring' &&
        labels['level'] === 'critical' &&
        annotations['summary']?.includes(`${name}.example.test`) === true;
      const byRules = await tells(
        'Prometheus tells it',
        (one) => isExpiring(one) && one.labels['job'] !== undefined,
      );
      expect(byRules.annotations['summary']).toMatch(
        new RegExp(`^The certificate of ${name}\\.example\\.test expires in \\d+h `),
      );
      const byPlugin = await tells(
        'the plugin tells it',
        (one) => isExpiring(one) && one.labels['entry'] === entry,
      );
      expect(byPlugin.labels['sni']).toBe(`${name}.example.test`);
    },
    HOOK_MS,
  );

  it(
    'nothing is over while Kong is away, not even when the plugin is started anew',
    async () => {
      const before = people.received.length;
      const isKept = () =>
        readdirSync(kong.prefix)
          .filter((name) => name.startsWith('ssl-cert-reloader.known-'))
          .map((name) => readFileSync(join(kong.prefix, name), 'utf8'))
          .some((text) => ['old', 'short'].every((name) => text.includes(`"${name}.example.test"`)));
      await eventually('what is known is kept', isKept);
      const back = kong.inject({ reset: true, times: Infinity });
      const isTold = (alertname: string, status: Told['status']) => (one: Told) =>
        one.labels['alertname'] === alertname && one.labels['job'] !== undefined && one.status === status;
      const isFiring = async () =>
        (await query('ALERTS{alertname="KongCertificateExpiring",alertstate="firing"}')).length >= 2;
      await tells('Kong is away', isTold('SslCertReloaderKongUnreachable', 'firing'), before);
      expect(await isFiring()).toBe(true);
      const pid = kong.pluginServerPid('ssl-cert-reloader');
      process.kill(pid ?? 0, 'SIGKILL');
      // The new process shows what the one before it left, at the same address.
      await eventually('another process is there', () => kong.pluginServerPid('ssl-cert-reloader') !== pid);
      const ups = async () => (await query('up == 1')).length;
      await eventually('it is scraped', async () => (await ups()) > 0);
      const scrapes = async () => (await query('up[1h]')).flatMap(({ values = [] }) => values).length;
      const wanted = (await scrapes()) + 5;
      await eventually('Prometheus scraped a few more times', async () => (await scrapes()) >= wanted);
      expect(await query('kong_ssl_cert_reloader_knowledge_current == 0')).toHaveLength(1);
      expect(await query('time() - kong_ssl_cert_reloader_knowledge_timestamp_seconds > 0')).toHaveLength(1);
      expect(told(before).filter(isTold('SslCertReloaderAbsent', 'firing'))).toEqual([]);
      expect(await isFiring()).toBe(true);
      expect(told(before).filter(isTold('KongCertificateExpiring', 'resolved'))).toEqual([]);
      back();
      await tells('Kong is back', isTold('SslCertReloaderKongUnreachable', 'resolved'), before);
      writePair(certs, 'old', issue({ names: ['old.example.test'] }));
      writePair(certs, 'short', issue({ names: ['short.example.test'] }));
      await tells('they are renewed', isTold('KongCertificateExpiring', 'resolved'), before);
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
