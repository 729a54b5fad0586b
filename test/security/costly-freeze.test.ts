import { describe, expect, it } from 'vitest';
import { Freeze } from '../../src/holds/freeze';

/** Somebody who may write the plugin's entry gives windows that take long to look at: each change of a pass asks. */
const DAY = 86_400_000;
const NOW = Date.parse('2026-06-01T12:00:30Z');
const MOST_MS = 2_000;

function cpuMs(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

describe('a freeze', () => {
  it.each(['0 0 30 2 *', '0 0 31 2,4,6,9,11 *', '59 23 31 4 *'])(
    'on a day that no year has (%s) is refused',
    (start) => {
      expect(() => new Freeze([{ start, minutes: 1, time_zone: 'Europe/Berlin' }])).toThrow(
        'freeze[0].start: there is no such day',
      );
    },
  );

  it('with a start of a megabyte is refused at once', () => {
    const windows = [{ start: `${'0,'.repeat(500_000)}0 * * * *`, minutes: 1, time_zone: 'UTC' }];
    expect(cpuMs(() => expect(() => new Freeze(windows)).toThrow('freeze[0].start'))).toBeLessThan(MOST_MS);
  });

  it('with thousands of windows is refused', () => {
    const windows = Array.from({ length: 5_000 }, () => ({
      start: '* * * * *',
      minutes: 1,
      time_zone: 'UTC',
    }));
    expect(() => new Freeze(windows)).toThrow('more than 50 windows');
  });

  it('of windows that follow on each other costs 10,000 changes no more than a moment', () => {
    const windows = Array.from({ length: 50 }, (_, at) => ({
      start: `${at} * * * *`,
      minutes: 1,
      time_zone: 'Europe/Berlin',
    }));
    const freeze = new Freeze(windows);
    expect(freeze.endOf(NOW)).toBe(Date.parse('2026-06-01T12:50:00Z'));
    const ms = cpuMs(() => {
      for (let change = 0; change < 10_000; change++) freeze.endOf(NOW + change);
    });
    expect(ms).toBeLessThan(MOST_MS);
  });

  it('says the same whatever was asked before', () => {
    const windows = ['0 18 * * 5', '*/7 3 * * *', '30 2 * * *', '0 0 29 2 *', '15 */5 1-7 * 1'].map(
      (start) => ({
        start,
        minutes: 90,
        time_zone: 'Europe/Berlin',
      }),
    );
    const asked = new Freeze(windows);
    // Steps of hours over the changes of the clock, forth and back.
    for (let step = 0; step < 3_000; step++) {
      const at = NOW + ((step * 7_919) % 3_000) * (DAY / 9);
      if (step % 10 === 0) expect(asked.endOf(at)).toBe(new Freeze(windows).endOf(at));
      else asked.endOf(at);
    }
    for (let minute = 0; minute < 600; minute++) {
      const at = Date.parse('2026-03-28T23:00:00Z') + minute * 60_000;
      expect(asked.endOf(at)).toBe(new Freeze(windows).endOf(at));
    }
  });
});
