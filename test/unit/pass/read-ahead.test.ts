import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, test, vi } from 'vitest';
import { DirectorySource, FileSource } from '../../../src/sources';
import type { Source } from '../../../src/model';
import { issue } from '../../support/bundles';
import { testFolder, writePair } from '../../support/folders';
import { eventsOf, passing } from '../../support/stages';

const DAY_MS = 86_400_000;
const issued = (daysAgo: number) =>
  issue({ names: ['www.test'], notBefore: new Date(Date.now() - daysAgo * DAY_MS) });
const old = issued(30);
const next = issued(1);
const waiting = () => true;

// Stamps of files that were just written are not relied on: all were written a second ago.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 1_000 });
});
afterEach(() => void vi.useRealTimers());

/** A pair in a folder that Kong has, and what is asked of Kong ahead. */
async function inStep(sourceOf: (folder: string) => Source = (folder) => new DirectorySource(folder, false)) {
  const folder = testFolder();
  writePair(folder, 'www', old);
  const stages = passing({ sources: [sourceOf(folder)] });
  const { gateway, runner } = stages;
  const asked: string[] = [];
  gateway.certificates.readAhead = (id) => void asked.push(id);
  gateway.put('id', old, { snis: ['www.test'] });
  await runner.pass('start');
  const touched = (...names: string[]) => new Set(names.map((name) => join(folder, name)));
  return { ...stages, folder, asked, touched, both: touched('www.crt', 'www.key') };
}

test.for([
  ['a folder', (folder: string) => new DirectorySource(folder, false)],
  ['two files', (folder: string) => new FileSource(join(folder, 'www.crt'), join(folder, 'www.key'), false)],
] as const)(
  'a pair of %s that was renewed whole is not waited for, and Kong is asked for its certificate',
  async ([, sourceOf]) => {
    const { folder, runner, asked, touched } = await inStep(sourceOf);
    writePair(folder, 'www', next);
    const all = touched('www.crt.new', 'www.crt', 'www.key.new', 'www.key');
    expect(await runner.readAhead(all, waiting)).toBe(true);
    expect(asked).toEqual(['id']);
  },
);

test.for<[string, (folder: string) => void, string[]]>([
  ['of which one file was touched', (folder) => writePair(folder, 'www', next), ['www.crt']],
  [
    'whose key is still the former one',
    (folder) => writeFileSync(join(folder, 'www.crt'), next.chain),
    ['www.crt', 'www.key'],
  ],
  [
    'that is cut off',
    (folder) => {
      writePair(folder, 'www', next);
      writeFileSync(join(folder, 'www.crt'), next.chain.slice(0, -40));
    },
    ['www.crt', 'www.key'],
  ],
  [
    'whose chain is still missing',
    (folder) => {
      writePair(folder, 'www', next);
      writeFileSync(join(folder, 'www.crt'), next.cert);
    },
    ['www.crt', 'www.key'],
  ],
  [
    'beside another file that may be one',
    (folder) => {
      writePair(folder, 'www', next);
      writeFileSync(join(folder, 'api.crt'), next.chain);
    },
    ['www.crt', 'www.key', 'api.crt'],
  ],
  [
    'beside a draft that is not renamed yet',
    (folder) => {
      writePair(folder, 'www', next);
      writeFileSync(join(folder, 'www.crt.new'), next.chain);
    },
    ['www.crt', 'www.key', 'www.crt.new'],
  ],
  [
    'beside a generation of Kubernetes',
    (folder) => writePair(folder, 'www', next),
    ['www.crt', 'www.key', '..data'],
  ],
])('a pair %s is waited for', async ([, change, names]) => {
  const { folder, runner, touched } = await inStep();
  change(folder);
  expect(await runner.readAhead(touched(...names), waiting)).toBe(false);
});

test.for([
  ['a folder', (folder: string) => new DirectorySource(folder, false)],
  ['two files', (folder: string) => new FileSource(join(folder, 'www.crt'), join(folder, 'www.key'), false)],
] as const)('Kong is asked for a certificate as soon as its file is touched (%s)', async ([, sourceOf]) => {
  const { folder, runner, asked, touched } = await inStep(sourceOf);
  writeFileSync(join(folder, 'www.crt'), next.chain);
  expect(await runner.readAhead(touched('www.crt.new', 'www.crt'), waiting)).toBe(false);
  expect(asked).toEqual(['id']);
  asked.length = 0;
  await runner.readAhead(touched('www.txt', '..data'), waiting);
  expect(asked).toEqual([]);
});

it('a pair that shares its key with one that is not renewed yet is waited for', async () => {
  const { folder, runner, touched } = await inStep();
  writeFileSync(join(folder, 'www.pem'), next.chain);
  writePair(folder, 'www', next);
  await runner.pass('poll');
  expect(await runner.readAhead(touched('www.pem', 'www.key'), waiting)).toBe(false);
});

it('nothing is read ahead once the pass has begun', async () => {
  const { folder, runner, both } = await inStep();
  writePair(folder, 'www', next);
  expect(await runner.readAhead(both, () => false)).toBe(false);
});

test.for(['watch', 'poll'] as const)(
  'a pair that was read ahead is found by the next pass (%s)',
  async (cause) => {
    const { folder, runner, both } = await inStep();
    writePair(folder, 'www', next);
    await runner.readAhead(both, waiting);
    const report = await runner.pass(cause, cause === 'watch' ? both : undefined);
    expect(eventsOf(report)).toEqual(['www.crt: swapped (served)']);
  },
);

it('a file that changes after it was read ahead is judged by what it is at its write', async () => {
  const { folder, runner, both, gateway } = await inStep();
  writePair(folder, 'www', next);
  expect(await runner.readAhead(both, waiting)).toBe(true);
  writeFileSync(join(folder, 'www.key'), old.key);
  await runner.pass('watch', both);
  expect(gateway.writes).toEqual([]);
});

it('a renewal that follows the one that was read ahead is the one that is written', async () => {
  const { folder, runner, both, gateway } = await inStep();
  writePair(folder, 'www', next);
  expect(await runner.readAhead(both, waiting)).toBe(true);
  const last = issued(0.5);
  writePair(folder, 'www', last);
  await runner.pass('watch', both);
  expect(gateway.entities.get('id')?.cert).toBe(last.chain);
});
