import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Fields } from '../../../src/model';
import { HomesFile } from '../../../src/pass';
import { issue, secretsIn } from '../../support/bundles';
import { testFolder } from '../../support/folders';
import { passing } from '../../support/stages';

it("the next process knows where Kong's certificates came from, and the file holds no secret", async () => {
  const path = join(testFolder(), 'homes');
  const { runner, source, gateway } = passing({ homesFile: new HomesFile(path) });
  const pair = issue();
  gateway.put('K', pair);
  source.put('www', pair);
  await runner.pass('start');
  const text = readFileSync(path, 'utf8');
  expect(text).toContain('memory#www');
  for (const secret of secretsIn(pair.key)) expect(text).not.toContain(secret);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(new HomesFile(path).load().ofName('www.example.test')).toEqual(['memory#www']);
});

it('a dry run writes nothing', async () => {
  const path = join(testFolder(), 'homes');
  const { runner, source, gateway } = passing({ homesFile: new HomesFile(path), observe: true });
  gateway.put('K', issue());
  source.put('www', issue());
  await runner.pass('command');
  expect(() => statSync(path)).toThrow(/ENOENT/);
});

it('a file that cannot be written is logged once, and costs nothing else', async () => {
  const { runner, source, gateway } = passing({
    homesFile: new HomesFile(join(testFolder(), 'no', 'homes')),
  });
  const lines: [string, Fields | undefined][] = [];
  const pair = issue();
  gateway.put('K', pair);
  source.put('www', pair);
  for (const cause of ['start', 'poll', 'poll'] as const) {
    expect(await runner.pass(cause)).toMatchObject({ unfinished: 'no' });
    for (const step of runner.steps) step.log?.((_level, message, fields) => lines.push([message, fields]));
  }
  expect(lines).toEqual([
    [
      'homes of certificates are not kept',
      { detail: expect.stringContaining('cannot be written (ENOENT)') as string },
    ],
  ]);
});

it.for(['', '{', 'null', '{"version":9}'])('a file with other content (%s) counts as empty', (text) => {
  const path = join(testFolder(), 'homes');
  writeFileSync(path, text);
  expect(new HomesFile(path).load().ofName('www.example.test')).toEqual([]);
});
