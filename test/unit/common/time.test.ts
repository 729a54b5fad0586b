import { expect, it, test } from 'vitest';
import { isoTime } from '../../../src/common/time';

test.for([
  0,
  -1,
  1_795_519_638_840,
  Date.parse('2024-02-29T23:59:59.999Z'),
  Date.parse('1950-01-01T00:00:00Z'),
  Date.parse('9999-12-31T23:59:59Z'),
  253_402_300_800_000,
])('%i ms is written as Date does', (ms) => {
  expect(isoTime(ms)).toBe(new Date(ms).toISOString());
});

it('is right over many days', () => {
  for (let day = -5_000; day < 5_000; day++) {
    const ms = day * 86_400_000 + day * 977;
    expect(isoTime(ms)).toBe(new Date(ms).toISOString());
  }
});
