import { emptyPlan } from '../../src/plan/world';
import { NO_KNOWLEDGE, type CertificateState, type Refusal, type StoredCertificate } from '../../src/model';
import type { ReloaderView, ReportView } from '../../src/status';
import { EntryMemory } from '../../src/status';
import type { CertificateFacts } from '../../src/status/facts';
import { ReloaderPresenter } from '../../src/status/reloader-view';
import { bundle, NOW, stored } from './plans';

/** A certificate in Kong with a bundle of the same facts. */
export interface Matched {
  certificate: StoredCertificate;
  bundle: ReturnType<typeof bundle>;
}

export const matched = (id: string): Matched => ({
  certificate: stored(id, { names: [`${id}.test`] }),
  bundle: bundle(`${id}.crt`, { names: [`${id}.test`] }),
});

/**
 * View of a reloader that knows these certificates and has seen all of them served.
 * @param why error of its source
 */
export function reloaderView(all: readonly Matched[], entry = 'E', why: Refusal | null = null): ReloaderView {
  const certificates = new Map(all.map(({ certificate }) => [certificate.id, certificate]));
  const bundles = new Map(all.map((one) => [one.bundle.id, one.bundle]));
  const memory = new EntryMemory(() => NOW);
  for (const { certificate } of all) {
    const { chain: expected } = certificate.main;
    const sight = {
      verdict: 'served',
      expected,
      fingerprint: null,
      notAfter: null,
      at: NOW,
      detail: '',
    } as const;
    memory.served.note(certificate.id, 'main', sight);
  }
  const show = new ReloaderPresenter({
    entry,
    mode: 'apply',
    intervalSeconds: 300,
    memory,
    now: () => NOW,
    live: () => ({
      ...NO_KNOWLEDGE,
      plan: {
        ...emptyPlan(),
        inSync: new Map(all.map((one) => [one.bundle.id, [one.certificate.id]])),
      },
      certificates,
      sources: [{ id: 'memory', bundles: all.length, error: why && { why, since: NOW } }],
      bundle: (id) => bundles.get(id) ?? null,
      sourceOf: () => 'memory',
    }),
  });
  return show.view();
}

export function reportView(reloaders: readonly ReloaderView[] = []): ReportView {
  return {
    version: '1.2.3',
    generated_at: new Date(NOW).toISOString(),
    started_at: new Date(NOW).toISOString(),
    kong: { admin_url: 'http://127.0.0.1:8001', mode: 'database' },
    waiting: null,
    reloaders,
    adminRequests: new Map([
      ['GET 200', 7],
      ['PATCH 0', 1],
    ]),
  };
}

export const statesOf = (facts: Iterable<CertificateFacts>): CertificateState[] =>
  [...facts].map(({ state }) => state);
