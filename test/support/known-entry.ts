import { NO_KNOWLEDGE, type LiveView, type ServedObservation } from '../../src/model';
import { emptyPlan } from '../../src/plan/world';
import { EntryMemory, type KnowledgeFile } from '../../src/status';
import { ReloaderPresenter } from '../../src/status/reloader-view';
import { bundle, NOW, ROOTED, stored } from './plans';

const presenter = (memory: EntryMemory, live: () => LiveView) =>
  new ReloaderPresenter({ entry: 'E', mode: 'apply', intervalSeconds: 300, memory, live, now: () => NOW });

export const PLACE = { kong: 'http://127.0.0.1:8001', status_listen: '127.0.0.1:8110' };

/** An entry with so many certificates, in all states. */
export function entry(count = 12) {
  const memory = new EntryMemory(() => NOW - 1_000);
  const reach = { ...ROOTED, certificates: [] };
  const names = Array.from({ length: count }, (_, index) => `c${index}.test`);
  const certificates = new Map(
    names.map((name) => {
      const one = stored(name, { names: [name] });
      return [name, { ...one, main: { ...one.main, reach } }];
    }),
  );
  const bundles = new Map(
    names.map((name) => [`src#${name}`, bundle(`src#${name}`, { names: [name], reach })]),
  );
  const unused = bundle('src#unused', { names: ['unused.test'], age: 1 });
  bundles.set(unused.id, unused);
  const plan = { ...emptyPlan(), inSync: new Map<string, string[]>(), unused: [unused.id] };
  for (const [index, [id, { main }]] of [...certificates].entries()) {
    const seen = (verdict: ServedObservation['verdict']) =>
      memory.served.note(id, 'main', {
        ...{ verdict, expected: main.chain, fingerprint: null, notAfter: null, at: NOW - 5_000 },
        detail: verdict === 'served' ? '' : 'something else',
      });
    if (index % 6 === 0) continue;
    const refused = bundle(`src#${id}`, { names: [id], age: 1 });
    if (index % 6 === 1) {
      bundles.set(refused.id, refused);
      plan.refused.set(refused.id, { reason: 'key_mismatch', message: 'the key is another' });
      plan.meant.set(refused.id, [{ certificate: id, half: 'main' }]);
      continue;
    }
    plan.inSync.set(`src#${id}`, [id]);
    if (index % 6 === 2) seen('wrong');
    if (index % 6 > 3) seen('served');
  }
  const live: LiveView = {
    ...NO_KNOWLEDGE,
    plan,
    certificates,
    bundle: (id) => bundles.get(id) ?? null,
    sourceOf: () => 'src',
    sources: [
      { id: 'src', bundles: count, error: { why: { reason: 'unreachable', message: 'down' }, since: NOW } },
    ],
    refusal: (id) => (plan.refused.has(id) ? { why: plan.refused.get(id)!, since: NOW - 60_000 } : undefined),
  };
  memory.journal.pass({
    ...{ cause: 'poll', startedAt: NOW - 2_000, durationMs: 5, bundles: count, inSync: 0, read: 0 },
    ...{ refused: 0, unused: 0, events: [], sourceErrors: [], mendedSources: [] },
  } as never);
  return { memory, live, show: presenter(memory, () => live) };
}

/** What an earlier process left in the file, as the next one shows it. */
export async function remembered(file: KnowledgeFile) {
  const kept = await file.load(NOW);
  const memory = new EntryMemory(() => NOW);
  memory.remember(kept!);
  return { kept: kept!, memory, view: presenter(memory, () => NO_KNOWLEDGE).view(false) };
}
