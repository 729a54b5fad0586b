import { expect, it } from 'vitest';
import type { DefaultCertificateStatus } from '../../../src/default-certificate';
import type { ReloaderStatus } from '../../../src/public';
import { Journal } from '../../../src/status';
import { renderMetrics } from '../../../src/status/metrics';
import { NOW } from '../../support/plans';
import { reloaderView, reportView } from '../../support/status-views';

const pending: DefaultCertificateStatus = {
  state: 'reload_pending',
  files: [
    {
      location: '/certs/default.crt',
      fingerprint_sha256: 'AA',
      not_after: '2026-09-01T00:00:00.000Z',
      served_without_sni_sha256: 'BB',
      served_not_before: '2026-04-01T00:00:00.000Z',
      served_not_after: '2026-07-01T00:00:00.000Z',
    },
  ],
  reloaded_at: null,
  detail: 'clients without SNI get the former certificate',
};

it('a step of the last pass shows what it found, and nothing once it is no step of a pass any more', () => {
  const journal = new Journal(() => NOW);
  expect(journal.steps).toEqual({});
  journal.noteSteps([{ status: () => ({ default_certificate: pending }) }, {}]);
  expect(journal.steps).toEqual({ default_certificate: pending });
  journal.noteSteps([{}]);
  expect(journal.steps).toEqual({});
});

it('a step knows what was shown before it, also by its predecessor under another configuration', () => {
  const journal = new Journal(() => NOW);
  const seen: object[] = [];
  const step = {
    status: (before: Partial<ReloaderStatus>) => {
      seen.push(before);
      return { default_certificate: pending };
    },
  };
  journal.noteSteps([step]);
  journal.noteSteps([step]);
  expect(seen).toEqual([{}, { default_certificate: pending }]);
});

it('the metrics tell what clients without SNI get, once for each file', async () => {
  const view = { ...reloaderView([]), default_certificate: pending };
  const text = await renderMetrics(reportView([view, view]));
  const lines = text.split('\n').filter((line) => line.includes('/certs/default.crt'));
  const [file, served] = ['2026-09-01', '2026-07-01'].map((day) => Date.parse(day) / 1000);
  // Half and three quarters of the last third of 91 days are over.
  const [soon, critical] = [1 / 6, 1 / 12].map((share) => Math.round((served ?? 0) - 91 * 86_400 * share));
  const name = 'kong_ssl_cert_reloader_default_certificate';
  expect(lines).toEqual([
    `${name}_in_sync{location="/certs/default.crt"} 0`,
    `${name}_not_after_timestamp_seconds{location="/certs/default.crt",origin="source"} ${file}`,
    `${name}_not_after_timestamp_seconds{location="/certs/default.crt",origin="served"} ${served}`,
    `${name}_warning_timestamp_seconds{location="/certs/default.crt",level="ends_soon"} ${soon}`,
    `${name}_warning_timestamp_seconds{location="/certs/default.crt",level="critical"} ${critical}`,
  ]);
  const unseen = { ...pending.files[0]!, served_without_sni_sha256: null, served_not_after: null };
  const away = { ...pending, state: 'unknown' as const, files: [unseen] };
  expect(await renderMetrics(reportView([{ ...view, default_certificate: away }]))).not.toContain(
    '/certs/default.crt',
  );
});

it("the metrics tell of Kong's own certificates, of those that no listener shows from the file", async () => {
  const file = {
    ...pending.files[0]!,
    uses: ['client'],
    location: '/etc/kong/client.crt',
    served_sha256: null,
    served_not_before: null,
    served_not_after: null,
  };
  const node = { ...pending, mode: 'observe' as const, files: [file] };
  const view = { ...reloaderView([]), node_certificates: node };
  const text = await renderMetrics(reportView([view, view]));
  const lines = text.split('\n').filter((line) => line.includes('/etc/kong/client.crt'));
  const end = Date.parse('2026-09-01') / 1000;
  const name = 'kong_ssl_cert_reloader_node_certificate';
  const labels = 'location="/etc/kong/client.crt",uses="client"';
  // Of a leaf of which only the end is known a life of 90 days is assumed.
  expect(lines).toEqual([
    `${name}_in_sync{${labels}} 0`,
    `${name}_not_after_timestamp_seconds{${labels},origin="source"} ${end}`,
    `${name}_warning_timestamp_seconds{${labels},level="ends_soon"} ${end - 15 * 86_400}`,
    `${name}_warning_timestamp_seconds{${labels},level="critical"} ${end - 7.5 * 86_400}`,
  ]);
});
