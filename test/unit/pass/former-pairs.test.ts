import { expect, it } from 'vitest';
import type { Change, Half, Written } from '../../../src/model';
import { FormerPairs, type Replaced } from '../../../src/pass/former-pairs';

const HOUR = 3_600_000;

const replaced = (id: string, half: Half = 'main', owner = ''): Replaced => {
  const bundle = owner === '' ? {} : { ownership: 'tenants', secret: { namespace: owner } };
  const change = { kind: 'update', certificate: { id }, half, bundle };
  const pair = (name: string) => ({ cert: `${name} certificate of ${id}`, key: `${name} key of ${id}` });
  const written: Written = {
    kind: 'written',
    change: change as Change,
    current: pair('new'),
    before: { main: pair('old'), alt: pair('old alt'), snis: [], tags: [] },
    snis: [],
  };
  return { written, chain: `new of ${id}` };
};

it('keeps what a half had before, to the letter', () => {
  const former = new FormerPairs();
  former.keep([replaced('a', 'alt')], 0);
  expect(former.open({ certificate: 'a', half: 'alt' })).toEqual({
    cert: 'old alt certificate of a',
    key: 'old alt key of a',
  });
  expect(former.open({ certificate: 'a', half: 'main' })).toBeNull();
});

it('tells the halves of the last swap from an earlier one of the other half', () => {
  const former = new FormerPairs();
  former.keep([replaced('a', 'alt')], 1);
  former.keep([replaced('a')], 2);
  expect(former.lastOf('a').map(({ half }) => half)).toEqual(['main']);
  former.keep([replaced('a', 'alt')], 2);
  expect(former.lastOf('a').map(({ half }) => half)).toEqual(['main', 'alt']);
  expect(former.lastOf('b')).toEqual([]);
});

it('keeps a hundred, the latest, and each for a day', () => {
  const former = new FormerPairs();
  for (let index = 0; index <= 100; index++) former.keep([replaced(String(index))], index);
  expect([former.lastOf('0').length, former.lastOf('1').length, former.lastOf('100').length]).toEqual([
    0, 1, 1,
  ]);
  former.prune(24 * HOUR + 50);
  expect([former.lastOf('49').length, former.lastOf('50').length]).toEqual([0, 1]);
});

it('keeps the latest of many writes at once, and those of every owner', () => {
  const former = new FormerPairs();
  const many = (owner: string, count: number) =>
    Array.from({ length: count }, (_, index) => replaced(`${owner}${index}`, 'main', owner));
  former.keep([...many('few', 2), ...many('many', 500)], 0);
  const isKept = (id: string) => former.lastOf(id).length === 1;
  expect(['few0', 'few1', 'many401', 'many402', 'many499'].map(isKept)).toEqual([
    true,
    true,
    false,
    true,
    true,
  ]);
  former.keep(many('many', 1), 1);
  expect(['few0', 'many0', 'many402', 'many403'].map(isKept)).toEqual([true, true, false, true]);
});

it('holds no text of a key in any of its values', () => {
  const former = new FormerPairs();
  former.keep([replaced('a')], 0);
  const seen = JSON.stringify([...Object.values(former.lastOf('a'))], (_, value: unknown) =>
    Buffer.isBuffer(value) ? value.toString('latin1') : value,
  );
  expect(seen).not.toContain('old key');
});
