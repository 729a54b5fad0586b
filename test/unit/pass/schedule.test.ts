import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { reportOf } from '../../support/reports';
import { advance, INTERVAL_MS, scheduled } from '../../support/schedules';
import { Schedule } from '../../../src/pass';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('passes', () => {
  it('begin at once', () => {
    const { schedule, passes } = scheduled();
    schedule.start();
    expect(passes).toEqual(['start@0']);
  });

  test.for([
    [0, 300],
    [0.5, 285],
    [1, 270],
  ] as const)(
    'come every interval, earlier by up to a tenth (random %d: %d s)',
    async ([random, seconds]) => {
      const { schedule, passes } = scheduled({ random });
      schedule.start();
      await advance(seconds * 2000);
      expect(passes).toEqual(['start@0', `poll@${seconds}`, `poll@${seconds * 2}`]);
      await schedule.stop();
    },
  );

  it('never overlap, and what is asked for meanwhile comes right afterwards, once', async () => {
    const { schedule, passes, mostAtOnce } = scheduled({ lasts: 1000 });
    schedule.start();
    await advance(500);
    schedule.request('trigger');
    schedule.request('trigger');
    schedule.touch('/certs');
    await advance(3000);
    expect(passes).toEqual(['start@0', 'trigger@1']);
    expect(mostAtOnce()).toBe(1);
    await schedule.stop();
  });

  it('are counted from the end of the one before', async () => {
    const { schedule, passes } = scheduled({ lasts: 10_000 });
    schedule.start();
    await advance(400_000);
    expect(passes).toEqual(['start@0', 'poll@295']);
    await schedule.stop();
  });

  it('that are asked for come at once', async () => {
    const { schedule, passes } = scheduled();
    schedule.start();
    await advance(1000);
    schedule.request('trigger');
    await advance(0);
    expect(passes).toEqual(['start@0', 'trigger@1']);
    await schedule.stop();
  });
});

describe('changes that a watch reports', () => {
  it('make one pass, for everything that was touched within a moment', async () => {
    const { schedule, passes, touched } = scheduled();
    schedule.start();
    await advance(1000);
    for (const folder of ['/a', '/b', '/a']) {
      schedule.touch(folder);
      await advance(1);
    }
    await advance(100);
    expect(passes).toEqual(['start@0', 'watch@1']);
    expect(touched).toEqual([['/a', '/b']]);
    await schedule.stop();
  });

  it('that do not stop are checked after 0.2 s anyway', async () => {
    const { schedule, passes } = scheduled();
    schedule.start();
    await advance(1000);
    for (let turn = 0; turn < 300; turn++) {
      schedule.touch('/a');
      await advance(1);
    }
    expect(passes.length).toBeGreaterThan(1);
    expect(passes.length).toBeLessThan(5);
    await schedule.stop();
  });

  test.for<[string, number, () => Promise<boolean>]>([
    ['at once where they are whole', 2, () => Promise.resolve(true)],
    ['after a moment where they are not', 1, () => Promise.resolve(false)],
    ['after a moment where nobody can tell', 1, () => Promise.reject(new Error('no'))],
    ['after a moment where that takes long', 1, () => new Promise(() => undefined)],
  ])('are followed %s', async ([, atOnce, isWhole]) => {
    const { schedule, passes } = scheduled({ isWhole });
    schedule.start();
    await advance(1000);
    schedule.touch('/a');
    await advance(1);
    expect(passes).toHaveLength(atOnce);
    await advance(100);
    expect(passes).toEqual(['start@0', 'watch@1']);
    await schedule.stop();
  });

  it('are looked at again where more of them came meanwhile', async () => {
    const looked: string[][] = [];
    const { schedule, touched } = scheduled({
      isWhole: async (paths) => {
        looked.push([...paths]);
        if (looked.length === 1) schedule.touch('/b');
        return Promise.resolve(true);
      },
    });
    schedule.start();
    await advance(1000);
    schedule.touch('/a');
    await advance(100);
    expect(looked).toEqual([['/a'], ['/a', '/b']]);
    expect(touched).toEqual([['/a', '/b']]);
    await schedule.stop();
  });

  it('during a pass may be taken by it, and are checked after it anyway', async () => {
    const taken: string[][] = [];
    const touched: string[][] = [];
    const schedule = new Schedule({
      intervalMs: INTERVAL_MS,
      failed: () => undefined,
      pass: async (cause, what, touches) => {
        touched.push([...(what ?? [cause])]);
        if (what?.has('/a') !== true || taken.length > 0) return reportOf({ cause });
        await touches.ready();
        taken.push([...(touches.take() ?? [])]);
        return reportOf({ cause });
      },
    });
    schedule.start();
    await advance(100);
    schedule.touch('/a');
    await advance(100);
    schedule.touch('/b');
    await advance(100);
    expect(taken).toEqual([['/b']]);
    expect(touched).toEqual([['start'], ['/a'], ['/b']]);
    await schedule.stop();
  });

  it('are not taken by a pass once a whole one was asked for', async () => {
    const taken: unknown[] = [];
    const schedule = new Schedule({
      intervalMs: INTERVAL_MS,
      failed: () => undefined,
      pass: async (cause, what, touches) => {
        if (what !== undefined && taken.length === 0) {
          await touches.ready();
          taken.push(touches.take());
        }
        return reportOf({ cause });
      },
    });
    schedule.start();
    await advance(100);
    schedule.touch('/a');
    await advance(100);
    schedule.request('trigger');
    schedule.touch('/b');
    await advance(100);
    expect(taken).toEqual([null]);
    await schedule.stop();
  });

  it('during a pass are checked after it', async () => {
    const { schedule, passes, touched } = scheduled({ lasts: 1000 });
    schedule.start();
    await advance(300);
    schedule.touch('/a');
    await advance(2000);
    expect(passes).toEqual(['start@0', 'watch@1']);
    expect(touched).toEqual([['/a']]);
    await schedule.stop();
  });

  it('do not put off the poll', async () => {
    const { schedule, passes } = scheduled();
    schedule.start();
    for (let minute = 0; minute < 5; minute++) {
      await advance(56_000);
      schedule.touch('/a');
      await advance(1000);
    }
    expect(passes.filter((pass) => pass.startsWith('watch'))).toHaveLength(5);
    expect(passes).toContain('poll@285');
    await schedule.stop();
  });

  it('do not put off the retry of a pass that failed', async () => {
    const { schedule, passes } = scheduled({ endings: [new Error('Kong is away')] });
    schedule.start();
    await advance(500);
    schedule.touch('/a');
    await advance(100);
    await advance(1000);
    expect(passes).toEqual(['start@0', 'watch@0.5', 'retry@1']);
    await schedule.stop();
  });

  it('are covered by a whole pass that was asked for at the same time', async () => {
    const { schedule, passes, touched } = scheduled();
    schedule.start();
    await advance(1000);
    schedule.touch('/a');
    schedule.request('trigger');
    await advance(100);
    expect(passes).toEqual(['start@0', 'trigger@1']);
    expect(touched).toEqual([]);
    await schedule.stop();
  });
});
