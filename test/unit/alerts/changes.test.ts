import { describe, expect, it } from 'vitest';
import { changesOf, type AlertState, type Condition } from '../../../src/alerts';
import { DAY_MS, NOW } from '../../support/statuses';

const condition = (more: Partial<Condition> = {}): Condition => ({
  kind: 'refused',
  key: 'refused c1 key_mismatch',
  topic: 'refusal c1',
  severity: 'warning',
  since: NOW,
  labels: { certificate_id: 'c1' },
  facts: {},
  link: null,
  summary: 'it is refused',
  description: '',
  ...more,
});

/** Feeds one look after the other; each returns what is told. */
function story({ graceMs = 0, reminderMs = DAY_MS } = {}) {
  let state: AlertState = new Map();
  return (atMs: number, conditions: Condition[], isUnknown = false) => {
    const changes = changesOf(state, conditions, NOW + atMs, {
      graceMs: () => graceMs,
      reminderMs,
      isUnknown: () => isUnknown,
    });
    ({ state } = changes);
    const told = changes.alerts.map(({ status, key, isReminder, isReplaced }) =>
      [status, key, ...(isReminder ? ['reminder'] : []), ...(isReplaced ? ['replaced'] : [])].join(' '),
    );
    return { told, nextAt: changes.nextAt, alerts: changes.alerts };
  };
}

const FIRING = 'firing refused c1 key_mismatch';
const RESOLVED = 'resolved refused c1 key_mismatch';

describe('a trouble', () => {
  it('is told once, and once that it is over', () => {
    const look = story();
    expect(look(0, [condition()]).told).toEqual([FIRING]);
    for (const at of [1_000, 60_000, DAY_MS - 1]) expect(look(at, [condition()]).told).toEqual([]);
    expect(look(DAY_MS, []).told).toEqual([RESOLVED]);
    expect(look(DAY_MS + 1, []).told).toEqual([]);
  });

  it('that comes back is told again', () => {
    const look = story();
    look(0, [condition()]);
    look(1, []);
    expect(look(2, [condition({ since: NOW + 2 })]).told).toEqual([FIRING]);
  });

  it('is told again after each day that it lasts, and no sooner', () => {
    const look = story();
    look(0, [condition()]);
    const told = Array.from(
      { length: 73 },
      (_, hour) => look((hour + 1) * 3_600_000, [condition()]).told,
    ).flat();
    expect(told).toEqual([`${FIRING} reminder`, `${FIRING} reminder`, `${FIRING} reminder`]);
  });

  it('is never told again where there are to be no reminders', () => {
    const look = story({ reminderMs: Number.POSITIVE_INFINITY });
    look(0, [condition()]);
    expect(look(100 * DAY_MS, [condition()]).told).toEqual([]);
  });

  it('that mends itself within its grace is not told at all', () => {
    const look = story({ graceMs: 120_000 });
    expect(look(0, [condition()])).toMatchObject({ told: [], nextAt: NOW + 120_000 });
    expect(look(119_999, [condition()]).told).toEqual([]);
    expect(look(120_000, []).told).toEqual([]);
  });

  it('that lasts longer than its grace is told then', () => {
    const look = story({ graceMs: 120_000 });
    look(0, [condition()]);
    expect(look(120_000, [condition()])).toMatchObject({ told: [FIRING], nextAt: Number.POSITIVE_INFINITY });
  });

  it('of which nothing is known any more lasts', () => {
    const look = story();
    look(0, [condition()]);
    expect(look(1, [], true).told).toEqual([]);
    expect(look(DAY_MS, [], true).told).toEqual([`${FIRING} reminder`]);
    expect(look(DAY_MS + 1, []).told).toEqual([RESOLVED]);
  });

  it('that became another one of its topic is over, but no good news', () => {
    const look = story();
    look(0, [condition()]);
    const other = condition({ key: 'refused c1 expired' });
    expect(look(1, [other]).told).toEqual(['firing refused c1 expired', `${RESOLVED} replaced`]);
  });

  it('is over under the labels that it was told under', () => {
    const look = story();
    look(0, [condition()]);
    look(1, [condition({ labels: { certificate_id: 'c1', sni: 'new.test' } })]);
    expect(look(2, []).alerts[0]?.labels).toEqual({ certificate_id: 'c1' });
  });
});

it('after a start everything that is wrong then is told, once', () => {
  const wrong = Array.from({ length: 50 }, (_, index) =>
    condition({ key: `refused c${index}`, since: NOW - 9 * DAY_MS }),
  );
  const look = story();
  expect(look(0, wrong).told).toHaveLength(50);
  expect(look(1, wrong).told).toEqual([]);
});
