import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ConfigurationAtHand, type Configuration } from '../../../src/gateway/declarative/at-hand';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

/** What is kept of a Kong whose configuration is `current`, with the number of exports. */
function following(current: { hash: string; size?: number; isBusy?: boolean }) {
  let exports = 0;
  const read = (): Promise<Configuration> => {
    exports += 1;
    return Promise.resolve({
      hash: current.hash,
      parts: ['of ', current.hash, 'x'.repeat(current.size ?? 0)],
    });
  };
  const atHand = new ConfigurationAtHand(read, () => current.isBusy === true);
  return { atHand, exports: () => exports };
}

it('is exported once Kong has had it for a while, and not while it changes', async () => {
  const { atHand, exports } = following({ hash: 'c' });
  for (const hash of ['a', 'b', 'c']) {
    atHand.noteChange(hash);
    await vi.advanceTimersByTimeAsync(2_000);
  }
  expect(exports()).toBe(0);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(exports()).toBe(1);
  expect(atHand.of('c')?.join('')).toBe('of c');
  expect(atHand.of('b')).toBeNull();
});

it('is exported once in half a minute at most', async () => {
  const current = { hash: 'a' };
  const { atHand, exports } = following(current);
  for (let second = 0; second < 60; second += 5) {
    current.hash = String(second);
    atHand.noteChange(current.hash);
    await vi.advanceTimersByTimeAsync(5_000);
  }
  expect(exports()).toBe(2);
});

it('is not exported where it is what was posted, nor while it is edited', async () => {
  const current = { hash: 'a', isBusy: true };
  const { atHand, exports } = following(current);
  atHand.noteChange('a');
  await vi.advanceTimersByTimeAsync(60_000);
  atHand.keep({ hash: 'b', parts: ['posted'] });
  current.isBusy = false;
  atHand.noteChange('b');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(exports()).toBe(0);
  expect(atHand.of('b')).toEqual(['posted']);
});

it('is not kept where it is large, and then not exported again', async () => {
  const { atHand, exports } = following({ hash: 'a', size: 9 * 1024 * 1024 });
  for (const hash of ['a', 'b']) {
    atHand.noteChange(hash);
    await vi.advanceTimersByTimeAsync(60_000);
  }
  expect(exports()).toBe(1);
  expect(atHand.of('a')).toBeNull();
});
