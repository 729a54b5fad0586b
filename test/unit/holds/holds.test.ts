import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { Holds, type HoldsOptions } from '../../../src/holds';
import { Freeze } from '../../../src/holds/freeze';
import type { Change } from '../../../src/model';
import { testFolder } from '../../support/folders';
import { bundle, NOW, stored } from '../../support/plans';

const DAY = 86_400_000;
/** From midnight to noon each day. NOW is midnight. */
const MORNING = { start: '0 0 * * *', minutes: 720, time_zone: 'UTC' };

/** A renewal of a certificate whose leaf is so many days old, of 90. */
const update = (age: number, names = ['www.test']): Change => ({
  kind: 'update',
  bundle: bundle('www', { names, age: 0 }),
  certificate: stored('c1', { names, age }),
  half: 'main',
  isOfController: false,
  addSnis: [],
});
const create: Extract<Change, { kind: 'create' }> = {
  kind: 'create',
  bundle: bundle('new', { age: 0 }),
  id: 'c2',
  snis: ['www.test'],
};
/** The names of a certificate of another writer that has ended get one of their own. */
const moved: Change = { ...create, snis: [], moveSnis: [{ name: 'www.test', from: 'c1', ended: 'chain' }] };

const holdsWith = (options: Partial<HoldsOptions> = {}) =>
  new Holds({ freeze: [], needsApproval: false, path: join(testFolder(), 'holds'), ...options });

const outcomeOf = (holds: Holds, change: Change, now = NOW) => {
  const permission = holds.permits(change, now);
  return permission.kind === 'held' ? permission.hold.kind : permission.urgent === null ? 'free' : 'urgent';
};

// A leaf of 90 days is critical from its day 82.5 on.
test.for<[what: string, change: Change, options: Partial<HoldsOptions>, outcome: string]>([
  ['nothing is said', update(60), {}, 'free'],
  ['a freeze holds', update(60), { freeze: [MORNING] }, 'frozen'],
  ['a freeze gives way to what is about to end', update(85), { freeze: [MORNING] }, 'urgent'],
  ['a freeze gives way to what has ended', update(95), { freeze: [MORNING] }, 'urgent'],
  ['a freeze holds what Kong does not have', create, { freeze: [MORNING] }, 'frozen'],
  ['a freeze gives way to names of what has ended', moved, { freeze: [MORNING] }, 'urgent'],
  ['a freeze holds further names', { ...moved, snis: ['new.test'] }, { freeze: [MORNING] }, 'frozen'],
  ['nobody approved it', update(60), { needsApproval: true }, 'approval'],
  ['nobody approved it in time', update(85), { needsApproval: true }, 'urgent'],
  ['nobody approved what Kong does not have', create, { needsApproval: true }, 'approval'],
])('%s', ([, change, options, outcome]) => {
  expect(outcomeOf(holdsWith(options), change)).toBe(outcome);
});

describe('a pin', () => {
  it.each<[name: string, change: Change, outcome: string]>([
    ['www.test', update(60), 'pinned'],
    ['WWW.test', update(60), 'pinned'],
    ['c1', update(60), 'pinned'],
    ['www.test', create, 'pinned'],
    // A pin holds whatever happens.
    ['www.test', update(95), 'pinned'],
    ['other.test', update(60), 'free'],
    ['*.test', update(60), 'free'],
  ])('of %s', (name, change, outcome) => {
    const holds = holdsWith();
    holds.pin({ name, until: null, since: NOW });
    expect(outcomeOf(holds, change)).toBe(outcome);
  });

  it('ends at its time, and is kept from one process to the next', () => {
    const path = join(testFolder(), 'holds');
    holdsWith({ path }).pin({ name: 'www.test', until: NOW + DAY, since: NOW });
    const next = holdsWith({ path });
    expect(outcomeOf(next, update(60))).toBe('pinned');
    expect(outcomeOf(next, update(60), NOW + DAY)).toBe('free');
    next.pin({ name: 'WWW.test', until: null, since: NOW });
    expect(next.pins(NOW)).toHaveLength(1);
    expect(next.unpin('www.Test')).toBe(true);
    expect(next.unpin('www.test')).toBe(false);
    expect(outcomeOf(holdsWith({ path }), update(60))).toBe('free');
  });

  it('that cannot be kept is told, and holds anyway', () => {
    const holds = holdsWith({ path: '/nowhere/holds' });
    expect(() => holds.pin({ name: 'www.test', until: null, since: NOW })).toThrow('until this process ends');
    expect(outcomeOf(holds, update(60))).toBe('pinned');
  });

  it.each([
    '{"pins": 5',
    'null',
    '{"pins": [null, 5, {}, {"name": 5, "until": null}, {"name": "www.test", "until": "never"}]}',
    '{"pins": {}, "approved": "x"}',
  ])('in a file that is damaged is no pin, and stops nothing: %s', (text) => {
    const path = join(testFolder(), 'holds');
    writeFileSync(path, text);
    const holds = holdsWith({ path, needsApproval: true });
    expect(outcomeOf(holds, update(60))).toBe('approval');
    holds.approve([update(60)], 'www.test', NOW);
    expect(outcomeOf(holds, update(60))).toBe('free');
  });

  it('holds a name that Kong has in capitals', () => {
    const holds = holdsWith();
    holds.pin({ name: 'www.test', until: null, since: NOW });
    expect(outcomeOf(holds, update(60, ['WWW.test']))).toBe('pinned');
  });
});

it('an approval is for that renewal, and for no later one', () => {
  const path = join(testFolder(), 'holds');
  const holds = holdsWith({ path, needsApproval: true });
  const [first, other] = [update(60), update(60, ['other.test'])];
  expect(holds.approve([first, other], 'www.test', NOW)).toEqual([first]);
  expect(outcomeOf(holdsWith({ path, needsApproval: true }), first)).toBe('free');
  const later = { ...first, bundle: bundle('www', { age: -1 }) };
  expect(outcomeOf(holds, later)).toBe('approval');
});

it('an approval goes with the name to whichever certificate of Kong has it by then', () => {
  const holds = holdsWith({ needsApproval: true });
  holds.approve([{ ...create, bundle: update(60).bundle }], 'WWW.test', NOW);
  expect(outcomeOf(holds, update(60))).toBe('free');
  expect(outcomeOf(holds, update(60, ['other.test']))).toBe('approval');
});

it('a pin and an approval of another process count from the next pass on', () => {
  const path = join(testFolder(), 'holds');
  const holds = holdsWith({ path, needsApproval: true });
  const other = holdsWith({ path, needsApproval: true });
  other.approve([update(60)], 'www.test', NOW);
  holds.refresh();
  expect(outcomeOf(holds, update(60))).toBe('free');
  other.pin({ name: 'www.test', until: null, since: NOW });
  holds.refresh();
  expect(outcomeOf(holds, update(60))).toBe('pinned');
});

it('a pin that could not be written holds, whatever the file says that is there', () => {
  // Its draft, whose name is longer, cannot be made.
  const path = join(testFolder(), 'h'.repeat(255));
  writeFileSync(path, '{"pins":[],"approved":{}}');
  const holds = holdsWith({ path });
  expect(() => holds.pin({ name: 'www.test', until: null, since: NOW })).toThrow('until this process ends');
  holds.refresh();
  expect(outcomeOf(holds, update(60))).toBe('pinned');
});

describe('a freeze', () => {
  const at = (time: string) => Date.parse(time);
  test.for<[what: string, start: string, minutes: number, zone: string, now: string, end: string | null]>([
    ['before it', '0 18 * * 5', 60, 'UTC', '2026-06-05T17:59:59Z', null],
    ['as it begins', '0 18 * * 5', 60, 'UTC', '2026-06-05T18:00:00Z', '2026-06-05T19:00:00Z'],
    ['in it', '0 18 * * 5', 3_600, 'UTC', '2026-06-07T12:00:00Z', '2026-06-08T06:00:00Z'],
    ['as it ends', '0 18 * * 5', 60, 'UTC', '2026-06-05T19:00:00Z', null],
    [
      'in another time zone',
      '0 18 * * 5',
      60,
      'Europe/Berlin',
      '2026-06-05T16:30:00Z',
      '2026-06-05T17:00:00Z',
    ],
    ['in winter', '0 18 * * 5', 60, 'Europe/Berlin', '2026-12-04T17:30:00Z', '2026-12-04T18:00:00Z'],
    // 02:30 does not exist on that day: the window begins when the clock has moved on.
    [
      'in the hour that is left out',
      '30 2 * * *',
      60,
      'Europe/Berlin',
      '2026-03-29T01:45:00Z',
      '2026-03-29T02:00:00Z',
    ],
  ])('%s', ([, start, minutes, time_zone, now, end]) => {
    const freeze = new Freeze([{ start, minutes, time_zone }]);
    expect(freeze.endOf(at(now))).toBe(end === null ? null : at(end));
  });

  it('ends with the last of the windows that follow on each other', () => {
    const windows = [
      { start: '0 0 * * *', minutes: 60, time_zone: 'UTC' },
      { start: '30 0 * * *', minutes: 60, time_zone: 'UTC' },
    ];
    expect(new Freeze(windows).endOf(at('2026-06-01T00:10:00Z'))).toBe(at('2026-06-01T01:30:00Z'));
  });

  it.each([
    ['0 25 * * *', 'UTC', 'freeze[0].start'],
    ['tomorrow', 'UTC', 'freeze[0].start'],
    ['0 0 * * *', 'Europe/Nowhere', 'freeze[0].time_zone'],
  ])('%s in %s is told with its field', (start, time_zone, field) => {
    expect(() => new Freeze([{ start, minutes: 1, time_zone }])).toThrow(field);
  });
});
