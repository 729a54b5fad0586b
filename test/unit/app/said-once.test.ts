import { expect, it } from 'vitest';
import { SaidOnce } from '../../../src/app/said-once';

/** Log lines of each look at which these details are reported. */
function looks(...details: readonly (string | null)[]) {
  const lines: string[] = [];
  const said = new SaidOnce((level, message, detail) =>
    lines.push([level, message, detail].filter((part) => part !== undefined).join(' ')),
  );
  return details.map((detail) => {
    lines.length = 0;
    if (detail !== null) said.say('warn', 'trouble', detail, 'it is over');
    said.nextLook();
    return [...lines];
  });
}

it('a trouble is logged once, and once when it is over', () => {
  expect(looks('a', 'a', null, null, 'a')).toEqual([
    ['warn trouble a'],
    [],
    ['info it is over'],
    [],
    ['warn trouble a'],
  ]);
});

it('a trouble that only changes its detail is not over', () => {
  expect(looks('a', 'b', null)).toEqual([['warn trouble a'], ['warn trouble b'], ['info it is over']]);
});
