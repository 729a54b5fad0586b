import { expect, it } from 'vitest';
import { LogDeduplicator } from '../../../src/app/log-deduplicator';

/** Log lines of each poll at which these details are reported. */
function polls(...details: readonly (string | null)[]) {
  const lines: string[] = [];
  const log = new LogDeduplicator((level, message, detail) =>
    lines.push([level, message, detail].filter((part) => part !== undefined).join(' ')),
  );
  return details.map((detail) => {
    lines.length = 0;
    if (detail !== null) log.say('warn', 'trouble', detail, 'it is over');
    log.nextPoll();
    return [...lines];
  });
}

it('a trouble is logged once, and once when it is over', () => {
  expect(polls('a', 'a', null, null, 'a')).toEqual([
    ['warn trouble a'],
    [],
    ['info it is over'],
    [],
    ['warn trouble a'],
  ]);
});

it('a trouble that only changes its detail is not over', () => {
  expect(polls('a', 'b', null)).toEqual([['warn trouble a'], ['warn trouble b'], ['info it is over']]);
});
