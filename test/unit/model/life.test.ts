import { describe, expect, it, test } from 'vitest';
import { isRenewalLate, lifeOf, usualRenewalAt, type LifeLevel } from '../../../src/model';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The level at each share of a life of so many days, which begins at 0. */
const levelAt = (days: number, at: number, warningDays: number[] = [], renewalAt: number | null = null) =>
  lifeOf({ notBefore: 0, notAfter: days * DAY, renewalAt }, at, warningDays).level;

const SILENT: readonly LifeLevel[] = ['fresh', 'renewal_due'];

describe.each([1, 6, 47, 90, 200, 398])('a life of %d days', (days) => {
  it('is silent until its renewal is due and for a while after that', () => {
    for (let share = 0; share <= 0.8; share += 0.01) {
      expect(SILENT).toContain(levelAt(days, share * days * DAY));
    }
    expect(levelAt(days, days * DAY * 0.6)).toBe('fresh');
    expect(levelAt(days, days * DAY * 0.7)).toBe('renewal_due');
  });

  it('warns while there is time, then is critical, then has expired', () => {
    const end = days * DAY;
    const levels = Array.from({ length: 401 }, (_, index) => levelAt(days, (end * index) / 400));
    expect([...new Set(levels)]).toEqual(['fresh', 'renewal_due', 'ends_soon', 'critical', 'expired']);
    const firstWarning = levels.findIndex((level) => !SILENT.includes(level));
    expect(end - (end * firstWarning) / 400).toBeGreaterThan(days === 1 ? 3 * HOUR : DAY * 0.9);
    expect(levelAt(days, end - 1)).toBe('critical');
    expect(levelAt(days, end)).toBe('expired');
  });

  it('is late for its renewal a while after that was due', () => {
    const due = usualRenewalAt(0, days * DAY);
    expect(isRenewalLate(due, days * DAY, due)).toBe(false);
    expect(isRenewalLate(due, days * DAY, due + (days * DAY - due) / 9)).toBe(true);
  });

  it.each([[[30, 14, 7, 1]], [[90]], [[1]]])('warns before its end also with %j set by hand', (byHand) => {
    const end = days * DAY;
    const levels = Array.from({ length: 401 }, (_, index) =>
      levelAt(days, (end * index) / 400, byHand, usualRenewalAt(0, end)),
    );
    expect(levels.some((level) => level === 'ends_soon' || level === 'critical')).toBe(true);
    const firstWarning = levels.findIndex((level) => !SILENT.includes(level));
    expect((end * firstWarning) / 400).toBeGreaterThan(end / 2);
  });
});

test.for<[left: number, level: LifeLevel, days: number | null]>([
  [31, 'fresh', null],
  [30, 'ends_soon', 30],
  [14, 'ends_soon', 14],
  [7, 'critical', 7],
  [0.5, 'critical', 1],
])('a year with %d days left is %s where days are set by hand', ([left, level, days]) => {
  const end = 365 * DAY;
  const leaf = { notBefore: 0, notAfter: end, renewalAt: end - 60 * DAY };
  const life = lifeOf(leaf, end - left * DAY, [30, 14, 7, 1]);
  expect({ level: life.level === 'renewal_due' ? 'fresh' : life.level, days: life.days }).toEqual({
    level,
    days,
  });
});

it("cert-manager's own time counts: a renewal that is due later makes the warning later", () => {
  const leaf = { notBefore: 0, notAfter: 90 * DAY, renewalAt: 80 * DAY };
  expect(lifeOf(leaf, 79 * DAY).level).toBe('fresh');
  expect(lifeOf(leaf, 84 * DAY).level).toBe('renewal_due');
  expect(lifeOf(leaf, 86 * DAY).level).toBe('ends_soon');
});

it('a time for a newer leaf says nothing of one that ends before', () => {
  const leaf = { notBefore: 0, notAfter: 90 * DAY, renewalAt: 150 * DAY };
  expect(lifeOf(leaf, 50 * DAY).level).toBe('fresh');
  expect(lifeOf(leaf, 80 * DAY).level).toBe('ends_soon');
});

it('a leaf of which only the end was seen warns as one of 90 days', () => {
  const leaf = { notBefore: null, notAfter: 1000 * DAY, renewalAt: null };
  expect(lifeOf(leaf, 984 * DAY).level).toBe('renewal_due');
  expect(lifeOf(leaf, 986 * DAY).level).toBe('ends_soon');
});
