import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { advance, INTERVAL_MS, scheduled } from '../../support/schedules';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a pass that failed', () => {
  it('is tried again after 1 s, 2 s, 4 s and so on', async () => {
    const away = new Error('Kong is away');
    const { schedule, passes, failures } = scheduled({ endings: [away, away, away, away] });
    schedule.start();
    await advance(60_000);
    expect(passes).toEqual(['start@0', 'retry@1', 'retry@3', 'retry@7', 'retry@15']);
    expect(failures).toEqual(['start', 'retry', 'retry', 'retry'].map((cause) => `${cause}: Kong is away`));
    await schedule.stop();
  });

  test.for([
    [0, 0.5],
    [1, 1.5],
  ] as const)('is tried again at a moment of its own (random %d: after %d s)', async ([random, seconds]) => {
    const { schedule, passes } = scheduled({ random, endings: ['failed'] });
    schedule.start();
    await advance(10_000);
    expect(passes).toEqual(['start@0', `retry@${seconds}`]);
    await schedule.stop();
  });

  it('waits no longer than a poll', async () => {
    const endings = Array.from({ length: 40 }, () => new Error('Kong is away'));
    const { schedule, passes } = scheduled({ endings });
    schedule.start();
    await advance(3_600_000);
    const times = passes.map((pass) => Number(pass.split('@')[1]));
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(INTERVAL_MS / 1000);
    expect(passes.length).toBeGreaterThan(15);
    await schedule.stop();
  });

  it('is forgotten once one succeeds', async () => {
    const { schedule, passes } = scheduled({ endings: ['failed', 'failed', 'no', 'failed'] });
    schedule.start();
    await advance(3_100);
    schedule.request('trigger');
    await advance(1_000);
    expect(passes).toEqual(['start@0', 'retry@1', 'retry@3', 'trigger@3.1', 'retry@4.1']);
    await schedule.stop();
  });

  it('that is still settling is checked again after a second', async () => {
    const { schedule, passes } = scheduled({ endings: ['settling'] });
    schedule.start();
    await advance(10_000);
    expect(passes).toEqual(['start@0', 'retry@1.05']);
    await schedule.stop();
  });
});

describe('stopping', () => {
  it('waits for the pass that is under way', async () => {
    const { schedule } = scheduled({ lasts: 1000 });
    schedule.start();
    await advance(400);
    let isStopped = false;
    void schedule.stop().then(() => (isStopped = true));
    await advance(500);
    expect(isStopped).toBe(false);
    await advance(200);
    expect(isStopped).toBe(true);
  });

  it('ends passes, and nothing asks for another one', async () => {
    const { schedule, passes } = scheduled();
    schedule.start();
    await advance(100);
    schedule.touch('/a');
    await schedule.stop();
    schedule.touch('/b');
    schedule.request('trigger');
    await advance(INTERVAL_MS * 2);
    expect(passes).toEqual(['start@0']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves no timer behind that would keep a process alive, even during a pass', async () => {
    const { schedule } = scheduled({ lasts: 1000 });
    schedule.start();
    await advance(400);
    const stopped = schedule.stop();
    await advance(1000);
    await stopped;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('before the first pass is possible', async () => {
    const { schedule, passes } = scheduled();
    await schedule.stop();
    schedule.start();
    expect(passes).toEqual([]);
  });
});
