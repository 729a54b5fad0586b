import { expect, it } from 'vitest';
import { inSlices } from '../../../src/common/slices';

/** Works on items for the time of 20 slices. @returns how often other work got its turn meanwhile */
async function turnsDuring(work: () => Promise<void> | void): Promise<number> {
  let turns = 0;
  let isOver = false;
  const other = () => {
    turns += 1;
    if (!isOver) setImmediate(other);
  };
  setImmediate(other);
  const end = performance.now() + 100;
  function* items() {
    while (performance.now() < end) yield null;
  }
  await inSlices(items(), work);
  isOver = true;
  return turns;
}

it.for<[how: string, work: () => Promise<void> | void]>([
  ['is done at once', () => undefined],
  ['is done in microtasks', () => Promise.resolve()],
])('other work gets its turn while work on many items %s', async ([, work]) => {
  expect(await turnsDuring(work)).toBeGreaterThan(3);
});

it('items are worked on in order, one at a time', async () => {
  const told: string[] = [];
  await inSlices([1, 2, 3, 4], async (item) => {
    told.push(`begin ${item}`);
    if (item % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
    told.push(`end ${item}`);
  });
  expect(told).toEqual([1, 2, 3, 4].flatMap((item) => [`begin ${item}`, `end ${item}`]));
});
