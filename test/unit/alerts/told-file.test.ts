import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Held } from '../../../src/alerts/changes';
import { ToldFile } from '../../../src/alerts/told-file';
import { testFolder } from '../../support/folders';

const NOW = Date.now();

const held = (key: string, description = 'the key is another', toldAt = NOW - 1_000): Held => ({
  toldAt,
  condition: {
    ...{ key, kind: 'refused', topic: key, severity: 'critical', since: NOW - 5_000 },
    ...{ labels: { location: key }, facts: { location: key }, link: null, summary: key, description },
  },
});

const kept = async (...all: Held[]) => {
  const path = join(testFolder(), 'told');
  const file = new ToldFile(path);
  file.save(all);
  await file.settle();
  return { path, told: new ToldFile(path).load() };
};

it('keeps what was told', async () => {
  const { told } = await kept(held('a'), held('b'));
  expect([...told]).toEqual([
    ['a', held('a')],
    ['b', held('b')],
  ]);
});

it('an endless sentence about one certificate does not make the others be told again', async () => {
  const { told } = await kept(held('a'), held('b', 'x'.repeat(20_000)));
  expect([...told.keys()]).toEqual(['a']);
});

it('a time to come does not put off the reminder', async () => {
  const { told } = await kept(held('a', '', NOW + 86_400_000));
  expect(told.get('a')!.toldAt).toBeLessThanOrEqual(Date.now());
});

it.each(['', '{', 'null', '{"id":"a"}', '[null, 1, {"id":"a"}]'])('takes nothing from %j', async (text) => {
  const { path } = await kept(held('a'));
  writeFileSync(path, text);
  expect(new ToldFile(path).load()).toEqual(new Map());
});

it('follows no link', async () => {
  const { path } = await kept(held('a'));
  symlinkSync(path, `${path}.link`);
  expect(new ToldFile(`${path}.link`).load()).toEqual(new Map());
});
