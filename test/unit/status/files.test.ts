import { expect, it } from 'vitest';
import type { DefaultCertificateStatus, PassReport } from '../../../src/model';
import { Journal } from '../../../src/status';
import { renderMetrics } from '../../../src/status/metrics';
import { NOW } from '../../support/plans';
import { reloaderView, reportView } from '../../support/status-views';

const report = (more: Partial<PassReport>): PassReport => ({
  cause: 'poll',
  startedAt: NOW,
  durationMs: 1,
  bundles: 0,
  inSync: 0,
  read: 0,
  refused: 0,
  unused: 0,
  events: [],
  sourceErrors: [],
  unfinished: 'no',
  nextAt: null,
  ...more,
});

const pending: DefaultCertificateStatus = {
  state: 'reload_pending',
  files: [
    {
      location: '/certs/default.crt',
      fingerprint_sha256: 'AA',
      not_after: '2026-09-01T00:00:00.000Z',
      served_without_sni_sha256: 'BB',
      served_not_after: '2026-07-01T00:00:00.000Z',
    },
  ],
  reloaded_at: null,
  detail: 'clients without SNI get the former certificate',
};

it('the default certificate is shown as it was found last, and no more once it is not looked after', () => {
  const journal = new Journal(() => NOW);
  expect(journal.files).toEqual({});
  journal.pass(report({ defaultCertificate: pending }));
  expect(journal.files).toEqual({ default_certificate: pending });
  journal.pass(report({}));
  expect(journal.files).toEqual({});
});

it('the declarative file is shown with its last trouble, and when it was written', () => {
  const journal = new Journal(() => NOW);
  const found = { file: '/kong.yml', written: ['K'], left: [], trouble: null, isOpen: false };
  journal.pass(report({ writeBack: found }));
  const written = { file: '/kong.yml', written_at: new Date(NOW).toISOString(), trouble: null, left: [] };
  expect(journal.files).toEqual({ declarative_file: written });
  journal.pass(report({}));
  expect(journal.files).toEqual({ declarative_file: written });
  const left = [{ certificate: 'K', why: 'it is a reference' }];
  journal.pass(report({ writeBack: { ...found, written: [], left, trouble: 'read-only' } }));
  expect(journal.files).toEqual({
    declarative_file: {
      ...written,
      trouble: 'read-only',
      left: [{ certificate_id: 'K', why: 'it is a reference' }],
    },
  });
});

it('the metrics tell what clients without SNI get, once for each file', async () => {
  const view = { ...reloaderView([]), default_certificate: pending };
  const text = await renderMetrics(reportView([view, view]));
  const lines = text.split('\n').filter((line) => line.includes('/certs/default.crt'));
  const [file, served] = ['2026-09-01', '2026-07-01'].map((day) => Date.parse(day) / 1000);
  const name = 'kong_ssl_cert_reloader_default_certificate';
  expect(lines).toEqual([
    `${name}_in_sync{location="/certs/default.crt"} 0`,
    `${name}_not_after_timestamp_seconds{location="/certs/default.crt",origin="source"} ${file}`,
    `${name}_not_after_timestamp_seconds{location="/certs/default.crt",origin="served"} ${served}`,
  ]);
  const unseen = { ...pending.files[0]!, served_without_sni_sha256: null, served_not_after: null };
  const away = { ...pending, state: 'unknown' as const, files: [unseen] };
  expect(await renderMetrics(reportView([{ ...view, default_certificate: away }]))).not.toContain(
    '/certs/default.crt',
  );
});
