import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Outbox, type Alert, type Delivery } from '../../../src/alerts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const alert = (key: string, more: Partial<Alert> = {}): Alert => ({
  kind: 'refused',
  key,
  topic: key,
  severity: 'warning',
  since: 0,
  labels: {},
  facts: {},
  link: null,
  summary: key,
  description: '',
  status: 'firing',
  isReminder: false,
  isReplaced: false,
  endedAt: null,
  ...more,
});
const resolved = (key: string) => alert(key, { status: 'resolved', endedAt: 1 });

const LATER: Delivery = { kind: 'later', error: 'it is away', afterMs: null };

/** A receiver that gives the answers one after the other, then takes everything. */
function outbox(answers: (Delivery | Promise<Delivery>)[] = [], batchSize = 100) {
  const posts: string[][] = [];
  const said: string[] = [];
  const box = new Outbox({
    batchSize,
    deliver: (alerts) => {
      posts.push(
        alerts.map(({ status, key, isReminder }) => `${status} ${key}${isReminder ? ' reminder' : ''}`),
      );
      return Promise.resolve(answers.shift() ?? { kind: 'delivered' });
    },
    say: (what, { error = '', alerts }) => said.push(`${what} ${error} ${alerts ?? ''}`.trim()),
    random: () => 0.5,
  });
  onTestFinished(() => void box.close());
  return { box, posts, said };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

describe('the outbox', () => {
  it('delivers what there is in one request, and in parts where that is too much for one', async () => {
    const { box, posts } = outbox([], 2);
    box.add([alert('a'), alert('b'), alert('c')]);
    await settle();
    expect(posts).toEqual([['firing a', 'firing b'], ['firing c']]);
  });

  it('tries again with longer and longer waits, and says so once', async () => {
    const { box, posts, said } = outbox([LATER, LATER, LATER]);
    box.add([alert('a')]);
    for (const [ms, tries] of [
      [0, 1],
      [999, 1],
      [1, 2],
      [1_999, 2],
      [1, 3],
      [4_000, 4],
      [600_000, 4],
    ] as const) {
      await vi.advanceTimersByTimeAsync(ms);
      expect(posts).toHaveLength(tries);
    }
    expect(said).toEqual(['trouble it is away 1', 'relief']);
  });

  it('waits for five minutes at most, and for as long as the receiver says', async () => {
    const { box, posts } = outbox([
      ...Array.from({ length: 20 }, () => LATER),
      { ...LATER, afterMs: 900_000 },
    ]);
    box.add([alert('a')]);
    // 1 s to 256 s, then 300 s each.
    await vi.advanceTimersByTimeAsync(511_000 + 11 * 300_000);
    expect(posts).toHaveLength(21);
    await vi.advanceTimersByTimeAsync(899_999);
    expect(posts).toHaveLength(21);
    await vi.advanceTimersByTimeAsync(1);
    expect(posts).toHaveLength(22);
  });

  it('does not repeat what would be refused again, and goes on with the rest', async () => {
    const { box, posts, said } = outbox([{ kind: 'never', error: 'the webhook answered 400' }], 1);
    box.add([alert('a'), alert('b')]);
    await settle();
    expect(posts).toEqual([['firing a'], ['firing b']]);
    expect(said).toEqual(['dropped the webhook answered 400 1']);
  });

  it('tells nobody of what was over before anybody could be told', async () => {
    const { box, posts } = outbox([LATER]);
    box.add([alert('first')]);
    await settle();
    box.add([alert('a')]);
    box.add([resolved('a')]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(posts.flat()).not.toContain('resolved a');
    expect(posts.flat()).not.toContain('firing a');
  });

  it('tells that something is over that was told', async () => {
    const { box, posts } = outbox();
    box.add([alert('a')]);
    await settle();
    box.add([resolved('a')]);
    await settle();
    expect(posts).toEqual([['firing a'], ['resolved a']]);
  });

  it('keeps the latest of what is about the same', async () => {
    const { box, posts } = outbox([LATER]);
    box.add([alert('x')]);
    await settle();
    box.add([alert('a', { summary: 'old' })]);
    box.add([alert('a', { isReminder: true })]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(posts.at(-1)).toEqual(['firing x', 'firing a']);
  });

  it('holds a thousand; the oldest go first, and that is said', async () => {
    const { box, posts, said } = outbox([LATER]);
    box.add([alert('first')]);
    await settle();
    box.add(Array.from({ length: 1_500 }, (_, index) => alert(`a${index}`)));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(posts.slice(1).flat()).toHaveLength(1_000);
    expect(posts.at(-1)?.at(-1)).toBe('firing a1499');
    expect(said).toContain('dropped too many alerts are waiting for the webhook 501');
  });

  it('drops what nobody took for a day', async () => {
    const { box, posts, said } = outbox(Array.from({ length: 400 }, () => LATER));
    box.add([alert('a')]);
    await vi.advanceTimersByTimeAsync(30 * 3_600_000);
    const before = posts.length;
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(posts).toHaveLength(before);
    expect(said).toContain('dropped the webhook has not accepted them for a day 1');
  });

  it('gives back what is under way when it is closed', async () => {
    const { box } = outbox([new Promise<Delivery>(() => undefined)]);
    box.add([alert('a')]);
    await settle();
    box.add([alert('b')]);
    expect(box.close().map(({ key }) => key)).toEqual(['a', 'b']);
  });

  it('sends nothing after it was closed', async () => {
    const { box, posts } = outbox([LATER]);
    box.add([alert('a')]);
    await settle();
    expect(box.close().map(({ key }) => key)).toEqual(['a']);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(posts).toHaveLength(1);
  });
});
