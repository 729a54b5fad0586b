import { existsSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { completeConfig } from '../../../src/app/config';
import type { Connection } from '../../../src/app/connection';
import { KnowledgeStore } from '../../../src/app/knowledge';
import type { Reloader } from '../../../src/app/reloader';
import { KnowledgeFile } from '../../../src/status';
import { entry, PLACE } from '../../support/known-entry';
import { eventually } from '../../support/eventually';
import { testFolder } from '../../support/folders';

const CONFIG = completeConfig({});

/** A store in a prefix of its own, with reloaders that know three certificates and a bundle, or lack one. */
function store(prefix = testFolder()) {
  const store = new KnowledgeStore(prefix, { log: () => undefined });
  const kong = { prefix, facts: () => ({}), gateway: { url: PLACE.kong } } as unknown as Connection;
  const keep = (config = CONFIG, lacking = '') => {
    const { show, live } = entry(3);
    (live.certificates as Map<string, unknown>).delete(lacking);
    const reloader = { knowledge: (place: typeof PLACE) => show.knowledge(place) } as unknown as Reloader;
    store.keep('E', config, kong, reloader, false);
    return store.finish();
  };
  const path = store.toldFile('E').replace('.told-', '.known-');
  return { store, prefix, keep, path, kept: () => new KnowledgeFile(path).load(Date.now()) };
}

it('what another reloader of the entry knows is written, though it has changed as often as the former one', async () => {
  const { keep, kept } = store();
  await keep();
  expect((await kept())!.certificates).toHaveLength(4);
  await keep(CONFIG, 'c0.test');
  expect((await kept())!.certificates).toHaveLength(3);
});

it('once nothing is to be kept, nothing stays, whichever process has kept it', async () => {
  const off = completeConfig({ history: { max_mb: 0 } });
  const one = store();
  await one.keep();
  await one.keep(off);
  await eventually('it is gone', () => !existsSync(one.path));
  await one.keep();
  const next = store(one.prefix);
  await next.store.load(undefined);
  expect(next.store.views()).toHaveLength(1);
  await next.keep(off);
  await eventually('it is gone again', () => !existsSync(one.path));
});

it('nothing stays of an entry that Kong no longer has when the next process starts', async () => {
  const one = store();
  await one.keep();
  writeFileSync(one.store.toldFile('E'), '[]');
  const next = store(one.prefix);
  await next.store.load(undefined);
  next.store.retain(new Set());
  expect(next.store.views()).toEqual([]);
  await eventually(
    'both files are gone',
    () => !existsSync(one.path) && !existsSync(one.store.toldFile('E')),
  );
});
