import { getHeapStatistics } from 'node:v8';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { collectGarbageIfGrown, collectGarbageSoon, optimiseFor } from '../../../src/common/v8';

it.for<[items: number, execArgv: string[], flags: string[]]>([
  [2_001, ['--no-opt', '--expose-gc'], ['--opt']],
  [2_000, ['--no-opt', '--expose-gc'], []],
  [2_001, [], []],
])('for %d items, started with %o, V8 gets %o', ([items, execArgv, flags]) => {
  const got: string[] = [];
  optimiseFor(items, execArgv, (flag) => got.push(flag));
  expect(got).toEqual(flags);
});

describe('garbage', () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('is collected a moment after work, and once more when the process is idle', () => {
    vi.useFakeTimers();
    const gc = vi.fn();
    vi.stubGlobal('gc', gc);
    collectGarbageSoon();
    vi.advanceTimersByTime(1_000);
    expect(gc).toHaveBeenCalledTimes(1);
    collectGarbageSoon();
    vi.advanceTimersByTime(5_000);
    expect(gc).toHaveBeenCalledTimes(2);
    vi.advanceTimersByTime(60_000);
    expect(gc).toHaveBeenCalledTimes(3);
  });

  it('of small tasks is collected once the heap has grown', () => {
    vi.useFakeTimers();
    const gc = vi.fn();
    vi.stubGlobal('gc', gc);
    collectGarbageSoon();
    vi.advanceTimersByTime(60_000);
    const usedBefore = getHeapStatistics().used_heap_size;
    gc.mockClear();
    collectGarbageIfGrown(usedBefore + 1_000_000);
    vi.advanceTimersByTime(60_000);
    expect(gc).not.toHaveBeenCalled();
    collectGarbageIfGrown(usedBefore + 6_000_000);
    vi.advanceTimersByTime(60_000);
    expect(gc).toHaveBeenCalledTimes(2);
  });
});
