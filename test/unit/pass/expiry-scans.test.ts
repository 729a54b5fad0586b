import { describe, expect, it } from 'vitest';
import { issue } from '../../support/bundles';
import { passing } from '../../support/stages';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Kong has what the source has. @param life days */
async function inSync(life: number) {
  const all = passing();
  const { runner, source, gateway, clock } = all;
  const from = Math.ceil(clock.now / 1000) * 1000;
  const end = from + life * DAY;
  const leaf = issue({ notBefore: new Date(from), notAfter: new Date(end) });
  gateway.put('K', leaf);
  source.put('www', leaf);
  clock.now = from + 1_000;
  await runner.pass('start');
  /** Milliseconds until the next scan that is due for some reason. */
  const next = async (at: number) => {
    clock.now = at;
    const { nextAt } = await runner.pass('poll');
    return nextAt === null ? null : nextAt - at;
  };
  return { ...all, end, next };
}

describe('a certificate in Kong whose source has nothing newer', () => {
  it.each([1, 6, 47, 90, 200])(
    'of %d days: the usual polls until it is critical, then more of them',
    async (life) => {
      const { end, next } = await inSync(life);
      const critical = end - (life * DAY) / 12;
      // A third of its life is for the renewal, and a quarter of that is left.
      if (life > 6) expect(await next(critical - 2 * DAY)).toBeNull();
      expect(await next(critical - HOUR)).toBeCloseTo(HOUR, -4);
      expect(await next(critical + 1_000)).toBeCloseTo((end - critical) / 100, -4);
      expect(await next(end - (10 * HOUR) / 6)).toBe(MINUTE);
      expect(await next(end - MINUTE)).toBe(10_000);
    },
  );

  it('is looked for less and less often once it has ended', async () => {
    const { end, next } = await inSync(90);
    expect(await next(end + 1_000)).toBe(10_000);
    expect(await next(end + 100 * HOUR)).toBe(HOUR);
    expect(await next(end + 200 * DAY)).toBeNull();
  });

  it('is looked for as usual when it is renewed', async () => {
    const { source, clock, runner, end, next } = await inSync(6);
    expect(await next(end - HOUR)).toBe(36_000);
    source.put('www', issue({ notBefore: new Date(clock.now), notAfter: new Date(end + 90 * DAY) }));
    await runner.pass('poll');
    expect((await runner.pass('poll')).nextAt).toBeNull();
  });

  it('without a source is nobody whom a scan could help', async () => {
    const { gateway, clock, runner } = passing();
    gateway.put('K', issue({ notBefore: new Date(clock.now - DAY), notAfter: new Date(clock.now + HOUR) }));
    expect((await runner.pass('start')).nextAt).toBeNull();
  });
});
