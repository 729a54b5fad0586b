import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RawBundle, Reading, Source, SourceScan } from '../../../src/model';
import { BoundedSource } from '../../../src/sources/bounded';

const PATIENCE_MS = 5_000;

const scanOf = (more: Partial<SourceScan> = {}): SourceScan => ({
  ...{ changed: [], removed: [], total: 1, errors: [] },
  ...more,
});

const raw: RawBundle = { name: 'www', location: 'www', cert: 'c', key: 'k' };

/** A source whose scans and reads take the given time of the false clock. */
class SlowSource implements Source {
  readonly id = 'vault:https://vault.test/secret/';
  readonly create = true;
  scans: { ms: number; scan: SourceScan | Error }[] = [];
  readMs = 0;
  begun = { scans: 0, reads: 0 };

  async scan(): Promise<SourceScan> {
    this.begun.scans += 1;
    const { ms, scan } = this.scans.shift() ?? { ms: 0, scan: scanOf() };
    await after(ms);
    if (scan instanceof Error) throw scan;
    return scan;
  }

  async read(): Promise<Reading> {
    this.begun.reads += 1;
    await after(this.readMs);
    return raw;
  }
}

const after = (ms: number) => (ms === 0 ? Promise.resolve() : new Promise((done) => setTimeout(done, ms)));

/** The result of `work`, and the time that it took on the false clock. */
async function timed<T>(work: Promise<T>): Promise<{ result: T; ms: number }> {
  const startedAt = performance.now();
  const over = { is: false };
  const all = work.finally(() => (over.is = true));
  while (!over.is) await vi.advanceTimersByTimeAsync(50);
  return { result: await all, ms: Math.floor((performance.now() - startedAt) / 100) * 100 };
}

let inner: SlowSource;
let source: BoundedSource;
let touched: string[];
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  inner = new SlowSource();
  source = new BoundedSource(inner, PATIENCE_MS);
  touched = [];
  source.watch((what) => touched.push(what));
});
afterEach(() => void vi.useRealTimers());

describe('a source that is slow', () => {
  it('holds no pass longer than the time limit, says so, and loses nothing', async () => {
    inner.scans = [
      { ms: 10, scan: scanOf({ changed: ['www', 'api'], total: 2 }) },
      { ms: 60_000, scan: scanOf({ changed: ['www'], removed: ['api'] }) },
    ];
    expect((await timed(source.scan())).result).toMatchObject({ changed: ['www', 'api'], total: 2 });
    const late = await timed(source.scan());
    expect(late.ms).toBe(PATIENCE_MS);
    expect(late.result).toMatchObject({
      ...{ changed: [], removed: [], total: 2 },
      errors: [{ reason: 'unreachable' }],
    });
  });

  it('does not hold later passes at all, and is not asked a second time meanwhile', async () => {
    inner.scans = [{ ms: 60_000, scan: scanOf() }];
    await timed(source.scan());
    for (let passes = 0; passes < 3; passes++) expect((await timed(source.scan())).ms).toBe(0);
    expect(inner.begun.scans).toBe(1);
  });

  it('asks for a pass when it is through, which gets its result together with newer changes', async () => {
    inner.scans = [
      { ms: 60_000, scan: scanOf({ changed: ['www', 'old'], removed: ['api'], total: 2, areAsksNew: true }) },
      { ms: 0, scan: scanOf({ changed: ['api'], removed: ['old'], total: 3 }) },
    ];
    await timed(source.scan());
    expect(touched).toEqual([]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(touched).toEqual([source.id]);
    const { result } = await timed(source.scan(new Set([source.id])));
    expect({ ...result, changed: [...result.changed].sort() }).toEqual(
      scanOf({ changed: ['api', 'www'], removed: ['old'], total: 3, areAsksNew: true }),
    );
    expect((await timed(source.scan())).result).toEqual(scanOf());
  });

  it('that fails in the end is asked again by the next pass', async () => {
    inner.scans = [
      { ms: 60_000, scan: new Error('it broke') },
      { ms: 0, scan: scanOf({ changed: ['www'] }) },
    ];
    await timed(source.scan());
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await timed(source.scan())).result.changed).toEqual(['www']);
  });

  it('that fails in time fails the scan, and no other', async () => {
    inner.scans = [{ ms: 10, scan: new Error('it broke') }];
    const failed = source.scan();
    const said = expect(failed).rejects.toThrow('it broke');
    await vi.advanceTimersByTimeAsync(100);
    await said;
    expect((await timed(source.scan())).result).toEqual(scanOf());
  });
});

describe('reads that are slow', () => {
  it('end with a refusal, and the bundle is read again with the next scan', async () => {
    inner.readMs = 60_000;
    const { result, ms } = await timed(source.read('www'));
    expect({ result, ms }).toMatchObject({ ms: PATIENCE_MS, result: { reason: 'unreachable' } });
    inner.readMs = 0;
    expect((await timed(source.scan())).result.changed).toEqual(['www']);
    expect((await timed(source.read('www'))).result).toEqual(raw);
    expect((await timed(source.scan())).result.changed).toEqual([]);
  });

  it('cost a pass no more than about twice the time limit, however many there are', async () => {
    inner.readMs = 1_000;
    const names = Array.from({ length: 50 }, (_, index) => `www-${index}`);
    let ms = 0;
    for (const name of names) ms += (await timed(source.read(name))).ms;
    expect(ms).toBeLessThanOrEqual(2 * PATIENCE_MS);
    const { changed } = (await timed(source.scan())).result;
    expect(changed).toEqual(names.slice(-changed.length));
    expect(changed.length).toBeGreaterThan(40);
  });

  it('that are quick are all made, however many there are', async () => {
    inner.readMs = 100;
    for (let count = 0; count < 200; count++) expect((await timed(source.read('www'))).result).toEqual(raw);
  });
});
