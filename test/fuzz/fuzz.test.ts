import { expect, it } from 'vitest';
import { mutate, randomOf } from './mutate';
import { fuzz } from './run';

it('3,000 files that were changed by chance are read or refused', async () => {
  const { outcomes, failures } = await fuzz({ runs: 3_000, seed: 1, maxMs: 10_000 });
  expect(failures).toEqual([]);
  // Files that are all refused in the same way would say nothing.
  expect(Object.keys(outcomes).length).toBeGreaterThan(6);
  expect(outcomes['opened']).toBeGreaterThan(50);
});

it('the same seed makes the same changes', () => {
  const bytes = Buffer.alloc(500, 'certificate');
  const changed = (seed: number) => mutate(bytes, bytes, randomOf(seed));
  expect(changed(7)).toEqual(changed(7));
  expect(changed(7)).not.toEqual(changed(8));
});
