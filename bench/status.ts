import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Registry, type Metric } from 'prom-client';
import type { CertificateInfo, StoredCertificate, Gateway } from '../src/model';
import { createPass } from '../src/app/pass';
import { DirectorySource } from '../src/sources';
import { toStored } from '../src/gateway/admin/entities';
import { EntryMemory, ReloaderPresenter, type ReportView } from '../src/status';
import type { CertificateFacts } from '../src/status/facts';
import { METRICS, PREFIX } from '../src/status/metric-names';
import { renderMetrics } from '../src/status/metrics';
import { statusJson } from '../src/status/status-json';
import { certificateId } from './kong';
import { cpuTime, sideBySide, type Result } from './measure';
import { asStored, makePairs, writePairs } from './pairs';

const COUNT = 10_000;
const ROUNDS = 9;

/** A Kong that has all of these and changes nothing. */
function storing(certificates: ReadonlyMap<string, StoredCertificate>): Gateway {
  const contents = new Map([...certificates.values()].map(({ main }) => [main.content, main]));
  return {
    kind: 'database',
    traits: { sharesDatabase: true, startsFromFile: false, writesWhole: false },
    url: 'memory:',
    certificates: {
      stored: certificates,
      isLoaded: true,
      find: (content) => contents.get(content),
      refresh: () => Promise.resolve(false),
      readOne: (id) => Promise.resolve(certificates.get(id) ?? null),
      readTexts: () => Promise.resolve(null),
    },
    caCertificates: { stored: new Map(), refresh: () => Promise.resolve() },
    batchSize: 1,
    pluginEntries: () => Promise.resolve([]),
    revision: () => Promise.resolve(null),
    hasController: () => Promise.resolve(false),
    write: () => Promise.resolve({ certificates: [], caCertificates: [] }),
    restore: () => Promise.resolve([]),
    remove: () => Promise.resolve([]),
    emptyCaches: () => Promise.resolve(false),
    close: () => undefined,
  };
}

/** Cost of showing 10,000 certificates, and what that costs a pass. */
export async function statuses(folder: string): Promise<Result[]> {
  const certs = join(folder, 'certs');
  mkdirSync(certs, { recursive: true });
  const pairs = makePairs(COUNT);
  writePairs(certs, pairs);
  const certificates = new Map(
    pairs.map((pair, index) => {
      const stored = toStored({ id: certificateId(index), ...asStored(pair), snis: [pair.name] });
      return [stored.id, stored] as const;
    }),
  );
  const runner = createPass({
    sources: [new DirectorySource(certs, true)],
    gateway: storing(certificates),
    verifier: null,
    allowDowngrade: false,
    rollback: false,
    takeover: { mode: 'force', graceMs: 0, nudger: null },
  });
  const memory = new EntryMemory();
  for (const { id, main } of certificates.values()) {
    const sight = { verdict: 'served', expected: main.chain, fingerprint: null, notAfter: null } as const;
    memory.served.note(id, 'main', { ...sight, at: Date.now(), detail: '' });
  }
  const show = new ReloaderPresenter({
    entry: 'bench',
    mode: 'apply',
    intervalSeconds: 300,
    live: () => runner.live(),
    memory,
  });
  await runner.pass('start');
  const view = (): ReportView => ({
    version: '0.0.0',
    generated_at: new Date().toISOString(),
    started_at: new Date().toISOString(),
    kong: { admin_url: 'http://127.0.0.1:8001', mode: 'database' },
    waiting: null,
    reloaders: [show.view()],
    adminRequests: new Map(),
  });
  const scrape = () => renderMetrics(view());
  return [
    await statusJsonCost(view),
    await metricsCost(scrape),
    await passUnderScrape(() => runner.pass('poll'), scrape),
  ];
}

async function statusJsonCost(view: () => ReportView): Promise<Result> {
  const facts = view().reloaders.flatMap((reloader) => [...reloader.facts()]);
  const ours = async () => {
    let size = 0;
    for await (const chunk of statusJson(view())) size += chunk.length;
    if (size < COUNT * 500) throw new Error('the status is not whole');
  };
  return {
    name: 'status-10k',
    ...(await sideBySide(
      ROUNDS,
      () => measured(ours),
      () => measured(() => JSON.stringify(facts.map(plain))),
    )),
    unit: 'ms',
    limit: 1.5,
    against: 'the same facts as plain records, JSON.stringify',
  };
}

/** Dates and digests as text, nothing else. */
function plain({ certificate, half, stored, bundle, seen, state, bundleId }: CertificateFacts) {
  const iso = (ms: number) => new Date(ms).toISOString();
  const leafOf = (leaf: CertificateInfo | undefined | null) =>
    leaf == null
      ? null
      : {
          fingerprint_sha256: leaf.fingerprint,
          serial: leaf.serial,
          not_before: iso(leaf.notBefore),
          not_after: iso(leaf.notAfter),
        };
  const leaf = stored?.leaf;
  return {
    certificate_id: certificate?.id,
    half,
    snis: certificate?.snis,
    owner: certificate?.owner,
    state,
    since: iso(seen?.at ?? 0),
    source: { source: bundleId, location: bundle?.location, ...leafOf(bundle?.leaf) },
    stored: leafOf(leaf),
    served: {
      fingerprint_sha256: leaf?.fingerprint,
      not_after: iso(leaf?.notAfter ?? 0),
      checked_at: iso(seen?.at ?? 0),
      verdict: seen?.verdict,
      detail: seen?.detail,
    },
    refusal: null,
    days_left: 0,
    renewal_due_at: iso(leaf?.notAfter ?? 0),
    renewal_overdue: false,
    last_swap_at: null,
    note: null,
  };
}

/** Cost of the same samples written out, each with all of its labels. */
async function metricsCost(scrape: () => Promise<string>): Promise<Result> {
  const registry = new Registry();
  const text = await scrape();
  for (const [name, { help, type }] of Object.entries(METRICS)) {
    const own = { name: PREFIX + name, help, type, values: samplesOf(text, PREFIX + name) };
    registry.registerMetric({ ...own, get: () => own } as unknown as Metric);
  }
  return {
    name: 'metrics-10k',
    ...(await sideBySide(
      ROUNDS,
      () => measured(scrape),
      () => measured(() => registry.metrics()),
    )),
    unit: 'ms',
    limit: 1.5,
    against: 'prom-client formatting the same samples, ready-made',
  };
}

function samplesOf(text: string, name: string) {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .map((line) => {
      const labels = [...line.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, value]) => [label, value]);
      return {
        value: Number(line.slice(line.lastIndexOf(' ') + 1)),
        labels: Object.fromEntries(labels) as Record<string, string>,
      };
    });
}

/** A pass that begins with a scrape, against both one after the other. */
async function passUnderScrape(
  pass: () => Promise<unknown>,
  scrape: () => Promise<unknown>,
): Promise<Result> {
  const ours = () =>
    measured(async () => {
      const scraping = scrape();
      await pass();
      return scraping;
    });
  const floor = () =>
    measured(async () => {
      await scrape();
      await pass();
    });
  return {
    name: 'pass-under-scrape-10k',
    ...(await sideBySide(ROUNDS, ours, floor)),
    unit: 'ms',
    limit: 1.1,
    against: 'the scrape and the pass one after the other',
  };
}

function measured(work: () => unknown): Promise<number> {
  globalThis.gc?.();
  return cpuTime(work);
}
