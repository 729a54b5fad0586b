import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DeclarativeFile, type WriteBackReport } from '../../src/write-back/declarative-file';
import { testFolder } from '../support/folders';
import { longestTurn } from '../support/longest-turn';
import { stored } from '../support/plans';

/** Whoever may write Kong's declarative file makes it costly to edit: everything else goes on meanwhile. */
const MOST_MS = 200;

const keys = (count: number) => Array.from({ length: count }, (_, at) => `key${at}: 1\n`).join('');

test.for<[string, string, string | null]>([
  ['two million characters of list items', '- a\n'.repeat(500_000), 'it takes more than'],
  ['ten thousand keys of one map', keys(10_000), null],
  ['lists in lists', '['.repeat(50_000), 'it is not YAML'],
  ['references to references', 'a: &a [x,x,x,x,x]\n', null],
  [
    'references that grow without end',
    `a: &a [x,x,x,x,x,x,x,x,x]\n${['b', 'c', 'd', 'e', 'f', 'g'].map((name, at) => `${name}: &${name} [${`*${'abcdef'[at] ?? ''},`.repeat(9)}x]\n`).join('')}`,
    'alias',
  ],
])('%s hold up nothing', async ([, text, trouble]) => {
  const path = join(testFolder(), 'kong.yml');
  writeFileSync(path, text, { mode: 0o600 });
  const file = new DeclarativeFile(() => Promise.resolve(null), path);
  let report: WriteBackReport | null = null;
  const ms = await longestTurn(async () => {
    report = await file.run([stored('c1', { names: ['a.test'] })]);
  });
  if (trouble === null) expect(report).toMatchObject({ trouble: null, written: [] });
  else
    expect(report).toMatchObject({ trouble: expect.stringContaining(trouble) as string, isTransient: false });
  expect(ms).toBeLessThan(MOST_MS);
});
