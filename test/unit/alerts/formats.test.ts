import { describe, expect, it } from 'vitest';
import { ALERT_NAMES, FORMATS, type Alert } from '../../../src/alerts';
import { DAY_MS, iso, NOW } from '../../support/statuses';

const CONTEXT = { instance: 'kong-1', entry: 'e1', now: NOW, statusUrl: null };
const LINKED = { ...CONTEXT, statusUrl: 'https://kong-1.example.test/certs/' };

const alert = (more: Partial<Alert> = {}): Alert => ({
  kind: 'refused',
  key: 'refused c1 main key_mismatch',
  topic: 'refusal c1 main',
  severity: 'warning',
  since: NOW - DAY_MS,
  labels: { certificate_id: 'c1', half: 'main', sni: 'www.example.test', reason: 'key_mismatch' },
  facts: { certificate_id: 'c1', half: 'main', snis: ['www.example.test'], location: '/certs/www.crt' },
  link: 'c1',
  summary: 'the certificate for www.example.test stays out of Kong',
  description: '/certs/www.key does not belong to it',
  status: 'firing',
  isReminder: false,
  isReplaced: false,
  endedAt: null,
  ...more,
});
const resolved = (more: Partial<Alert> = {}) => alert({ status: 'resolved', endedAt: NOW, ...more });

describe('JSON', () => {
  it('has everything that is known, by the names of the status', () => {
    expect(FORMATS.json.body([alert()], CONTEXT)).toEqual({
      version: 1,
      sender: 'ssl-cert-reloader',
      instance: 'kong-1',
      entry: 'e1',
      sent_at: '2026-08-01T00:00:00.000Z',
      alerts: [
        {
          name: 'KongCertificateRefused',
          kind: 'refused',
          status: 'firing',
          reminder: false,
          severity: 'warning',
          summary: 'the certificate for www.example.test stays out of Kong',
          description: '/certs/www.key does not belong to it',
          starts_at: '2026-07-31T00:00:00.000Z',
          ends_at: null,
          runbook: 'docs/runbooks/KongCertificateRefused.md',
          certificate_id: 'c1',
          half: 'main',
          snis: ['www.example.test'],
          location: '/certs/www.crt',
        },
      ],
    });
  });

  it('has addresses of the runbook and of the certificate where status.url is set', () => {
    expect(FORMATS.json.body([alert({ link: 'c1 alt' })], LINKED)).toMatchObject({
      alerts: [
        {
          runbook_url: 'https://kong-1.example.test/certs/runbooks/KongCertificateRefused',
          page_url: 'https://kong-1.example.test/certs/#open=c1+alt',
        },
      ],
    });
  });

  it('is not sent for what only took the place of something else', () => {
    expect(FORMATS.json.body([resolved({ isReplaced: true })], CONTEXT)).toBeNull();
  });
});

interface SlackMessage {
  text: string;
  attachments: {
    color?: string;
    title?: string;
    title_link?: string;
    text: string;
    fallback: string;
    footer?: string;
    ts?: number;
  }[];
}

describe('Slack', () => {
  const message = (alerts: Alert[]) => FORMATS.slack.body(alerts, CONTEXT) as SlackMessage;

  it('is one message that says what is new, worst first', () => {
    const { text, attachments } = message([
      resolved(),
      alert({ isReminder: true }),
      alert({ kind: 'expired', severity: 'critical' }),
    ]);
    expect(text).toBe(
      '1 critical: www.example.test; 1 warning, still there: www.example.test; 1 resolved: www.example.test (ssl-cert-reloader on kong-1)',
    );
    expect(attachments.map(({ title }) => title)).toEqual([
      'KongCertificateExpired (critical)',
      'KongCertificateRefused (warning, still there)',
      'KongCertificateRefused (resolved)',
    ]);
    expect(new Set(attachments.map(({ color }) => color)).size).toBe(3);
  });

  it('escapes the characters that mean something to Slack', () => {
    const { attachments } = message([alert({ summary: '<!channel> a & b' })]);
    expect(attachments[0]?.text).toContain('&lt;!channel&gt; a &amp; b');
  });

  it('shows ten of a thousand, says how many there are and names those that fit', () => {
    const { text, attachments } = message(
      Array.from({ length: 1_000 }, (_, index) =>
        alert({ key: String(index), facts: { snis: [`host-${index}.test`] } }),
      ),
    );
    expect(text).toMatch(/^1000 warning: host-0\.test, host-1\.test, host-2\.test and 997 more \(/);
    expect(attachments).toHaveLength(11);
    expect(attachments.at(-1)?.text).toMatch(/^and 990 more: host-10\.test \(warning\), host-11\.test /);
    expect(attachments.at(-1)?.text.length).toBeLessThan(3_000);
  });

  it('links the runbook and the certificate where status.url is set', () => {
    const { attachments } = FORMATS.slack.body([alert()], LINKED) as SlackMessage;
    expect(attachments[0]).toMatchObject({
      title_link: 'https://kong-1.example.test/certs/#open=c1',
      footer: '<https://kong-1.example.test/certs/runbooks/KongCertificateRefused|runbook>',
    });
  });

  it('cuts long texts off', () => {
    const { attachments } = message([alert({ description: 'x'.repeat(100_000) })]);
    expect(attachments[0]?.text.length).toBeLessThan(3_000);
  });

  it('is not sent for what only took the place of something else', () => {
    expect(message([resolved({ isReplaced: true })])).toBeNull();
  });
});

describe('Alertmanager', () => {
  it.each([
    ['https://am.test:9093', 'https://am.test:9093/api/v2/alerts'],
    ['https://am.test/alertmanager/', 'https://am.test/alertmanager/api/v2/alerts'],
    ['https://am.test/api/v2/alerts', 'https://am.test/api/v2/alerts'],
  ])('at %s is asked at %s', (webhook, address) => {
    expect(FORMATS.alertmanager.address(new URL(webhook)).href).toBe(address);
  });

  it('gets what lasts with an end in the near future, which each refresh puts off', () => {
    expect(FORMATS.alertmanager.body([alert()], CONTEXT)).toEqual([
      {
        labels: {
          alertname: 'KongCertificateRefused',
          severity: 'warning',
          instance: 'kong-1',
          entry: 'e1',
          certificate_id: 'c1',
          half: 'main',
          sni: 'www.example.test',
          reason: 'key_mismatch',
        },
        annotations: {
          summary: 'the certificate for www.example.test stays out of Kong',
          description: '/certs/www.key does not belong to it',
          runbook: 'docs/runbooks/KongCertificateRefused.md',
        },
        startsAt: '2026-07-31T00:00:00.000Z',
        endsAt: iso(NOW + 20 * 60_000),
      },
    ]);
  });

  it('is told of everything that is over, also where something else took its place', () => {
    expect(FORMATS.alertmanager.body([resolved({ isReplaced: true })], CONTEXT)).toMatchObject([
      { endsAt: iso(NOW) },
    ]);
  });

  it.each(Object.entries(ALERT_NAMES))('knows %s as %s', (kind, name) => {
    expect(FORMATS.alertmanager.body([alert({ kind: kind as Alert['kind'] })], CONTEXT)).toMatchObject([
      { labels: { alertname: name } },
    ]);
  });
});
