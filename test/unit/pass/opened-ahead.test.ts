import { expect, test } from 'vitest';
import { OpenedAhead } from '../../../src/pass/opened-ahead';
import { issue, opened, raw } from '../../support/bundles';

test('a bundle that was parsed is held, but not many with large files beside them', () => {
  const { chain, key } = issue();
  // As large as all roots that a system trusts.
  const issuers = [chain.repeat(100)];
  const ahead = new OpenedAhead();
  const found = Array.from({ length: 40 }, (_, index) => {
    const whole = raw({ cert: chain, key });
    const one = opened(whole);
    ahead.holdHalf(`${index}`, { ...whole, issuers }, one);
    return one;
  });
  const held = found.filter(({ chain: parsed }, index) => {
    const again = ahead.open(`${index}`, { ...raw({ cert: chain, key }), issuers });
    return again !== null && 'chain' in again && again.chain === parsed;
  });
  expect(held.length).toBeGreaterThan(0);
  expect(held.length * (issuers.join('').length + chain.length)).toBeLessThan(3 * 1024 * 1024);
});
