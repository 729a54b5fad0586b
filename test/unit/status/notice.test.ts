import { expect, it } from 'vitest';
import { entry, PLACE } from '../../support/known-entry';
import { NOW } from '../../support/plans';

it('a handshake that shows what was known changes the time of the look and no state', () => {
  const { show, memory } = entry();
  const { served } = memory;
  const shown = () =>
    show
      .view()
      .status()
      .certificates.find(({ certificate_id: id }) => id === 'c4.test');
  const before = { ...shown(), revision: show.view().revision, mark: show.knowledge(PLACE)?.mark };
  const seen = served.seen('c4.test', 'main')!;
  served.note('c4.test', 'main', { ...seen, at: NOW });
  expect(show.notice()).toEqual([]);
  expect(show.view().revision).not.toBe(before.revision);
  expect(shown()).toMatchObject({ state: 'in_sync', served: { checked_at: new Date(NOW).toISOString() } });
  expect(show.knowledge(PLACE)?.mark).toBe(before.mark);
  served.note('c4.test', 'main', { ...seen, at: NOW, verdict: 'wrong', detail: 'another one' });
  expect(show.notice().map(({ certificate }) => certificate?.id)).toEqual(['c4.test']);
  expect(shown()).toMatchObject({ state: 'not_served' });
  served.note('c4.test', 'main', { ...seen, at: NOW, verdict: 'wrong', detail: 'a third one' });
  expect(show.notice()).toEqual([]);
  expect(shown()).toMatchObject({ state: 'not_served', served: { detail: 'a third one' } });
});
