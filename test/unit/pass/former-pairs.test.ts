import { expect, it } from 'vitest';
import type { Change, Half, Written } from '../../../src/model';
import { FormerPairs } from '../../../src/pass/former-pairs';

const HOUR = 3_600_000;

const written = (id: string, half: Half = 'main'): Written => {
  const change = { kind: 'update', certificate: { id }, half, bundle: { chain: `new of ${id}` } };
  const pair = (name: string) => ({ cert: `${name} certificate of ${id}`, key: `${name} key of ${id}` });
  return {
    kind: 'written',
    change: change as Change,
    current: pair('new'),
    before: { main: pair('old'), alt: pair('old alt'), snis: [], tags: [] },
    snis: [],
  };
};

it('keeps what a half had before, to the letter', () => {
  const former = new FormerPairs();
  former.keep(written('a', 'alt'), 0);
  expect(former.open({ certificate: 'a', half: 'alt' })).toEqual({
    cert: 'old alt certificate of a',
    key: 'old alt key of a',
  });
  expect(former.open({ certificate: 'a', half: 'main' })).toBeNull();
});

it('tells the halves of the last swap from an earlier one of the other half', () => {
  const former = new FormerPairs();
  former.keep(written('a', 'alt'), 1);
  former.keep(written('a'), 2);
  expect(former.lastOf('a').map(({ half }) => half)).toEqual(['main']);
  former.keep(written('a', 'alt'), 2);
  expect(former.lastOf('a').map(({ half }) => half)).toEqual(['main', 'alt']);
  expect(former.lastOf('b')).toEqual([]);
});

it('keeps a hundred, the latest, and each for a day', () => {
  const former = new FormerPairs();
  for (let index = 0; index <= 100; index++) former.keep(written(String(index)), index);
  expect([former.lastOf('0').length, former.lastOf('1').length, former.lastOf('100').length]).toEqual([
    0, 1, 1,
  ]);
  former.prune(24 * HOUR + 50);
  expect([former.lastOf('49').length, former.lastOf('50').length]).toEqual([0, 1]);
});

it('holds no text of a key in any of its values', () => {
  const former = new FormerPairs();
  former.keep(written('a'), 0);
  const seen = JSON.stringify([...Object.values(former.lastOf('a'))], (_, value: unknown) =>
    Buffer.isBuffer(value) ? value.toString('latin1') : value,
  );
  expect(seen).not.toContain('old key');
});
