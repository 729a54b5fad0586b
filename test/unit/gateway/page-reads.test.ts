import { afterEach, expect, test, vi } from 'vitest';
import type { AdminClient } from '../../../src/gateway/admin/client';
import { PageReads } from '../../../src/gateway/database/page-reads';

afterEach(() => void vi.useRealTimers());

const idOf = (digit: number) => `${String(digit).repeat(8)}-1111-4111-8111-111111111111`;

test.for<[string, string[]]>([
  ['has no end', [idOf(1), idOf(1)]],
  ['is in another order', [idOf(3), idOf(1)]],
])('a list that %s is not read on', async ([, ids]) => {
  let page = 0;
  const get = () => {
    const id = ids[page % ids.length];
    page += 1;
    return Promise.resolve({ status: 200, body: { data: [{ id }], next: '/certificates?offset=x' } });
  };
  const pages = new PageReads({ url: 'http://127.0.0.1:8001', get } as unknown as AdminClient, 1);
  expect(await pages.take(idOf(9))).toBeNull();
  expect(page).toBe(2);
});

/** Takes many certificates, one after the other. @returns how many each request asked for, and how many were too old */
async function takeAll(msOfEach: number, count = 600): Promise<{ sizes: number[]; tooOld: number }> {
  vi.useFakeTimers({ toFake: ['performance'] });
  const ids = Array.from({ length: count }, (_, index) => `${1_000_000 + index}`);
  const sizes: number[] = [];
  let sent = 0;
  const get = (path: string) => {
    const size = Number(/size=(\d+)/.exec(path)?.[1]);
    sizes.push(size);
    const data = ids.slice(sent, sent + size).map((id) => ({ id }));
    sent += size;
    const next = sent < count ? `/certificates?offset=x&size=${size}` : null;
    return Promise.resolve({ status: 200, body: { data, next } });
  };
  const pages = new PageReads({ url: 'http://127.0.0.1:8001', get } as unknown as AdminClient, 1);
  await pages.begin();
  let tooOld = 0;
  for (const id of ids) {
    if ((await pages.take(id)) === null) tooOld += 1;
    vi.advanceTimersByTime(msOfEach);
  }
  return { sizes, tooOld };
}

test('pages are of fifty where certificates are written fast', async () => {
  const { sizes, tooOld } = await takeAll(1);
  expect(new Set(sizes)).toEqual(new Set([50]));
  expect(tooOld).toBe(0);
});

test.for([5, 8, 15])(
  'pages get smaller where each write takes %i ms, so that they are used up in time',
  async (ms) => {
    const { sizes, tooOld } = await takeAll(ms);
    expect(sizes.at(-1)).toBeLessThan(50);
    // Those of the first pages, until it is known how long a write takes.
    expect(tooOld).toBeLessThan(60);
  },
);

/** How long 600 writes take, 16 at once, of which each waits for its read. @returns in ms, and how many were too old */
async function writeAll(writeMs: number, pageMs: number): Promise<{ ms: number; tooOld: number }> {
  vi.useFakeTimers();
  const after = <T>(ms: number, value: T) => new Promise<T>((done) => setTimeout(() => done(value), ms));
  const ids = Array.from({ length: 600 }, (_, index) => `${1_000_000 + index}`);
  let sent = 0;
  const get = (path: string) => {
    const data = ids.slice(sent, (sent += Number(/size=(\d+)/.exec(path)?.[1]))).map((id) => ({ id }));
    const next = sent < ids.length ? '/certificates?offset=x&size=50' : null;
    return after(pageMs, { status: 200, body: { data, next } });
  };
  const pages = new PageReads({ url: 'http://127.0.0.1:8001', get } as unknown as AdminClient, 16);
  const queue = ids.values();
  let tooOld = 0;
  const writer = async () => {
    for (const id of queue) {
      if ((await pages.take(id)) === null) tooOld += 1;
      await after(writeMs, null);
    }
  };
  const begun = performance.now();
  const all = Promise.all(Array.from({ length: 16 }, writer));
  await vi.runAllTimersAsync();
  await all;
  return { ms: performance.now() - begun, tooOld };
}

test.for([
  [40, 30],
  [45, 60],
  [60, 90],
  [80, 110],
])(
  'writes of %i ms, 16 at once, do not wait for pages that take %i ms',
  async ([writeMs = 0, pageMs = 0]) => {
    const { ms, tooOld } = await writeAll(writeMs, pageMs);
    expect(ms).toBeLessThan(1.25 * writeMs * (600 / 16));
    expect(tooOld).toBeLessThan(60);
  },
);
