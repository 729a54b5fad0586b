import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { CertificateFacts } from '../../../src/status/facts';
import { METRICS, PREFIX } from '../../../src/status/metric-names';
import { renderMetrics } from '../../../src/status/metrics';
import { matched, reloaderView, reportView } from '../../support/status-views';

/** Samples of an exposition: name and labels. */
function samples(text: string): { name: string; labels: string[]; line: string }[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', labels = ''] = /^([a-z0-9_]+)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
      return {
        name,
        labels: [...labels.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)].map(([, label = '']) => label),
        line,
      };
    });
}

const familyOf = (line: string) => line.replace(/^# (?:HELP|TYPE) /, '').split(/[ {]/, 1)[0]!;

const UNSEEN = (facts: CertificateFacts): CertificateFacts => ({
  ...{ ...facts, seen: undefined },
  state: 'unproven',
});

const base = (name: string) => name.replace(/_(bucket|sum|count)$/, '');

describe('the metrics', () => {
  const documented = readFileSync('docs/metrics.md', 'utf8');

  it.each(Object.entries(METRICS))(
    'have a row for %s in the documentation, with its type and labels',
    (name, { type, labels }) => {
      const row = documented.split('\n').find((line) => line.startsWith(`| \`${PREFIX}${name}\``));
      expect(row).toBeDefined();
      expect(row).toContain(`| ${type} `);
      const [, , , own = ''] = (row ?? '').split('|');
      const common = ['source', 'certificate_id', 'half'];
      const isCertificates = common.every((label) => labels.includes(label));
      const wanted = labels.filter((label) => !isCertificates || !common.includes(label));
      expect([...own.matchAll(/`(\w+)`/g)].map(([, label]) => label).sort()).toEqual([...wanted].sort());
    },
  );

  it('are all of those that the documentation has', () => {
    const names = [...documented.matchAll(/^\| `kong_ssl_cert_reloader_(\w+)`/gm)].map(([, name]) => name);
    expect(names.sort()).toEqual(Object.keys(METRICS).sort());
  });

  it('have no labels but those that are documented', async () => {
    const text = await renderMetrics(reportView([reloaderView([matched('a'), matched('b')])]));
    for (const { name, labels } of samples(text)) {
      const known = METRICS[base(name).slice(PREFIX.length) as keyof typeof METRICS];
      expect(known, name).toBeDefined();
      expect(known.labels, name).toEqual(expect.arrayContaining(labels));
    }
  });

  it('have no sample twice, also where two entries look after the same certificates', async () => {
    const all = [matched('a'), matched('b')];
    const text = await renderMetrics(reportView([reloaderView(all, 'E1'), reloaderView(all, 'E2')]));
    const lines = samples(text).map(({ line }) => line.replace(/ \S+$/, ''));
    expect(lines.filter((line, index) => lines.indexOf(line) !== index)).toEqual([]);
  });

  it.each([1, 2])('of many certificates are whole, each family in one piece (%i entries)', async (count) => {
    const all = Array.from({ length: 1_001 }, (_, index) => matched(`c${index}`));
    const entries = Array.from({ length: count }, (_, index) => reloaderView(all, `E${index}`));
    // Nobody has looked at the last one: its family is empty in all parts before.
    const view = reloaderView([...all, matched('new')], 'E').facts;
    const facts = () => [...view()].map((one) => (one.certificate?.id === 'new' ? UNSEEN(one) : one));
    const text = await renderMetrics(reportView([{ ...entries[0]!, facts }, ...entries.slice(1)]));
    const order = text.split('\n').flatMap((line) => (line === '' ? [] : [base(familyOf(line))]));
    const families = order.filter((name, index) => name !== order[index - 1]);
    expect(families).toEqual(Object.keys(METRICS).map((name) => PREFIX + name));
    for (const name of families) expect(text.split(`# TYPE ${name} `)).toHaveLength(2);
    expect(text).not.toContain('\n\n\n');
    const lines = samples(text);
    const ofName = (name: string) => lines.filter((one) => one.name === PREFIX + name);
    expect(ofName('certificate_in_sync')).toHaveLength(1_001);
    expect(ofName('certificate_trouble_since_timestamp_seconds')).toHaveLength(1);
    expect(ofName('certificate_info')).toHaveLength(1_002);
    expect(text).toContain('certificates{state="in_sync"} 1001\n');
    expect(text).toContain('certificates{state="unproven"} 1\n');
  });

  it('write the moment of expiry for each of the three places', async () => {
    const one = matched('a');
    const text = await renderMetrics(reportView([reloaderView([one])]));
    const expiry = one.bundle.leaf.notAfter / 1000;
    for (const origin of ['source', 'stored', 'served']) {
      expect(text).toContain(
        `certificate_not_after_timestamp_seconds{origin="${origin}",source="memory",certificate_id="a",half="main"} ${expiry}\n`,
      );
    }
    expect(text).toContain('certificate_in_sync{source="memory",certificate_id="a",half="main"} 1\n');
    expect(text).toContain('certificates{state="in_sync"} 1\n');
    expect(text).toContain('admin_requests_total{method="PATCH",code="0"} 1\n');
  });

  it('escape what stands in labels', async () => {
    const one = matched('a');
    one.bundle.location = 'C:\\certs\n"quoted"';
    const text = await renderMetrics(reportView([reloaderView([one])]));
    expect(text).toContain('location="C:\\\\certs\\n\\"quoted\\""');
  });

  it('say that Kong is away, when it is', async () => {
    const text = await renderMetrics({ ...reportView(), kong: null, waiting: 'refused' });
    expect(text).toContain(`${PREFIX}kong_up 0\n`);
  });
});
