import { describe, expect, it } from 'vitest';
import { issue } from '../../support/bundles';
import { eventsOf, passing } from '../../support/stages';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe('a decision that time changes', () => {
  it('is made at its time though nothing else changes: the other key type, once the one in Kong has ended', async () => {
    const { runner, source, gateway, clock } = passing();
    const rsa = issue({
      key: 'rsa-2048',
      notBefore: new Date(clock.now - 89 * DAY_MS),
      notAfter: new Date(clock.now + HOUR_MS),
    });
    const ec = issue({
      notBefore: new Date(clock.now - HOUR_MS),
      notAfter: new Date(clock.now + 80 * DAY_MS),
    });
    gateway.put('K', rsa);
    source.put('rsa', rsa);
    source.put('ec', ec);
    await runner.pass('start');
    source.put('rsa', { cert: rsa.chain.slice(0, -40), key: rsa.key });
    await runner.pass('poll');
    clock.now += 2_000;
    const { nextAt } = await runner.pass('retry');
    const end = Math.floor((clock.now - 2_000 + HOUR_MS) / 1000) * 1000;
    if (gateway.entities.get('K')?.cert !== ec.chain) {
      expect(nextAt).toBeLessThanOrEqual(end + 1_000);
      clock.now = (nextAt ?? 0) + 50;
      await runner.pass('retry');
    }
    expect(gateway.entities.get('K')?.cert).toBe(ec.chain);
  });

  it('is made at its time: a certificate that is not valid yet', async () => {
    const { runner, source, gateway, clock } = passing();
    gateway.put('K', issue({ notBefore: new Date(clock.now - DAY_MS) }));
    const next = issue({ notBefore: new Date(clock.now + DAY_MS) });
    source.put('www', next);
    const { nextAt } = await runner.pass('start');
    expect(nextAt).not.toBeNull();
    clock.now = (nextAt ?? 0) + 50;
    expect(eventsOf(await runner.pass('retry'))).toEqual(['www: swapped (served)']);
  });

  it('is made again where the clock was set back: what counted as expired is valid', async () => {
    const { runner, source, gateway, clock } = passing();
    const now = clock.now;
    gateway.put('K', issue({ notBefore: new Date(now - 20 * DAY_MS) }));
    source.put('www', issue({ notBefore: new Date(now - DAY_MS), notAfter: new Date(now + DAY_MS * 80) }));
    clock.now = now + 100 * DAY_MS;
    expect(eventsOf(await runner.pass('start'))).toEqual(['www: refused as expired']);
    clock.now = now;
    expect(eventsOf(await runner.pass('poll'))).toEqual(['www: swapped (served)']);
  });
});
