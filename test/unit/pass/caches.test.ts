import { describe, expect, it, test } from 'vitest';
import { Failure, type Hold, type HoldBook, type Log } from '../../../src/model';
import { issue } from '../../support/bundles';
import { passing } from '../../support/stages';

const MINUTE = 60_000;
const PAIR = issue();

/** Kong stores what the source has, and its listeners show something else. */
async function unserved(options: Parameters<typeof passing>[0] = {}) {
  const stages = passing(options);
  const { gateway, source, runner, clock } = stages;
  gateway.put('K', PAIR, { snis: ['www.example.test', 'api.example.test'] });
  source.put('www', PAIR);
  await runner.pass('start');
  const chainOf = (id: string) => gateway.certificates.stored.get(id)?.main.chain ?? '';
  const seen = (id = 'K', chain = chainOf(id)) => runner.noteUnserved(id, 'main', chain);
  /** So many seconds later a handshake shows another certificate again, and a pass follows. @returns what that wrote */
  const handshakeAfter = async (seconds: number, id?: string) => {
    clock.now += seconds * 1000;
    const before = gateway.writes.length;
    seen(id);
    await runner.pass('retry');
    return gateway.writes.slice(before);
  };
  const lines = () => {
    const said: string[] = [];
    const log: Log = (level, message, fields) =>
      said.push(`${level} ${message} ${String(fields?.['certificate_id'])}`);
    for (const step of runner.steps) step.log?.(log);
    return said;
  };
  return { ...stages, chainOf, seen, handshakeAfter, lines };
}

const held = (hold: Hold): HoldBook => ({ permits: () => ({ kind: 'held', hold }) });

describe('a certificate that is stored and not served', () => {
  it('has its caches emptied after some seconds, then less and less often, and from the second time on those of its names', async () => {
    const { handshakeAfter, lines } = await unserved();
    expect(await handshakeAfter(0)).toEqual([]);
    expect(await handshakeAfter(5)).toEqual([]);
    expect(await handshakeAfter(5)).toEqual(['empty K']);
    expect(lines()).toEqual([
      'warn Kong serves another certificate than it stores; it was told to empty its cache K',
    ]);
    expect(await handshakeAfter(30)).toEqual([]);
    const withNames = ['empty K www.example.test api.example.test'];
    expect(await handshakeAfter(31)).toEqual(withNames);
    expect(await handshakeAfter(61)).toEqual([]);
    expect(await handshakeAfter(60)).toEqual(withNames);
    // At most every hour in the end.
    const times: number[] = [];
    for (let minute = 0; minute < 600; minute++)
      if ((await handshakeAfter(60)).length > 0) times.push(minute);
    expect(times.slice(-2).reduce((one, other) => other - one)).toBe(60);
  });

  it('has its caches emptied as soon as the first time, where it was served for ten minutes since', async () => {
    const { handshakeAfter, runner, clock } = await unserved();
    for (let minute = 0; minute < 300; minute++) await handshakeAfter(60);
    for (let look = 0; look < 5; look++) {
      runner.noteServed('K', 'main');
      clock.now += 2 * MINUTE;
    }
    expect(await handshakeAfter(0)).toEqual([]);
    expect(await handshakeAfter(9)).toEqual(['empty K']);
  });

  it('has its caches emptied less and less often, where a listener serves it now and then', async () => {
    const { handshakeAfter, runner } = await unserved();
    const times: number[] = [];
    for (let minute = 0; minute < 600; minute++) {
      if ((await handshakeAfter(30)).length > 0) times.push(minute);
      // The other worker.
      runner.noteServed('K', 'main');
      if ((await handshakeAfter(30)).length > 0) times.push(minute);
    }
    expect(times.slice(-2).reduce((one, other) => other - one)).toBe(60);
  });

  it('has those of its names emptied, too, where one handshake in hours got it from another worker', async () => {
    const { handshakeAfter, runner, clock } = await unserved();
    await handshakeAfter(0);
    expect(await handshakeAfter(10)).toEqual(['empty K']);
    runner.noteServed('K', 'main');
    clock.now += 100 * MINUTE;
    expect(await handshakeAfter(0)).toEqual(['empty K www.example.test api.example.test']);
  });

  it('waits longer where nodes of Kong poll their database rarely', async () => {
    const { handshakeAfter } = await unserved({ emptyCachesAfterMs: () => MINUTE });
    await handshakeAfter(0);
    expect(await handshakeAfter(59)).toEqual([]);
    expect(await handshakeAfter(1)).toEqual(['empty K']);
  });

  test.for<[what: string, options: Parameters<typeof passing>[0]]>([
    ['only observes', { observe: true }],
    ['is being stopped', { isStopping: () => true }],
    ['has it pinned', { holds: held({ kind: 'pinned', until: null, detail: '' }) }],
    ['has it frozen', { holds: held({ kind: 'frozen', until: null, detail: '' }) }],
  ])('is left alone by a gateway that %s', async ([, options]) => {
    const { handshakeAfter, lines, seen, clock } = await unserved(options);
    await handshakeAfter(0);
    expect(await handshakeAfter(10)).toEqual([]);
    expect(lines()).toEqual([]);
    // Nor is a pass made for it all the time.
    clock.now += 59_000;
    expect(seen()).toBe(false);
    clock.now += 1_000;
    expect(seen()).toBe(true);
  });

  it('has its caches emptied by the gateway that does not serve it, though another one leads', async () => {
    const { handshakeAfter } = await unserved({ mayWrite: () => false });
    await handshakeAfter(0);
    expect(await handshakeAfter(10)).toEqual(['empty K']);
  });

  it('needs no approval, since the change was made', async () => {
    const { handshakeAfter } = await unserved({ holds: held({ kind: 'approval', until: null, detail: '' }) });
    await handshakeAfter(0);
    expect(await handshakeAfter(10)).toEqual(['empty K']);
  });

  it('is left alone where no source has it', async () => {
    const { gateway, runner, handshakeAfter } = await unserved();
    gateway.put('other', issue({ names: ['other.test'] }), { snis: ['other.test'] });
    await runner.pass('poll');
    await handshakeAfter(0, 'other');
    expect(await handshakeAfter(10, 'other')).toEqual([]);
  });

  it('waits again from the start where Kong stores another one by now', async () => {
    const { gateway, source, runner, handshakeAfter, seen, chainOf } = await unserved();
    const former = chainOf('K');
    await handshakeAfter(0);
    const next = issue();
    source.put('www', next);
    await runner.pass('poll');
    expect(gateway.writes).toEqual(['K']);
    // Seen before the write, reported after it.
    seen('K', former);
    expect(await handshakeAfter(10)).toEqual([]);
    expect(await handshakeAfter(10)).toEqual(['empty K']);
  });

  it('is logged and tried again where Kong could not be told', async () => {
    const { gateway, handshakeAfter, lines } = await unserved();
    let isAway = true;
    const emptyCaches = gateway.emptyCaches.bind(gateway);
    gateway.emptyCaches = (certificate) =>
      isAway ? Promise.reject(new Failure('away', 'the Admin API answered 500')) : emptyCaches(certificate);
    await handshakeAfter(0);
    await handshakeAfter(10);
    expect(lines()).toEqual([
      'warn Kong serves another certificate than it stores, and could not be told to empty its cache K',
    ]);
    isAway = false;
    expect(await handshakeAfter(61)).toEqual(['empty K www.example.test api.example.test']);
  });

  /** Kong stores so many certificates, and serves none of them. */
  async function many(count: number) {
    const { gateway, source, runner, seen, clock } = await unserved();
    const ids = Array.from({ length: count }, (_, index) => `${index}`);
    for (const id of ids) {
      const pair = issue({ names: [`${id}.test`] });
      gateway.put(id, pair, { snis: [`${id}.test`] });
      source.put(id, pair);
    }
    await runner.pass('poll');
    /** @returns for how many of them a pass is requested */
    const handshakeAfter = (seconds: number, isServed = (_: string) => false) => {
      clock.now += seconds * 1000;
      return ids.filter((id) => !isServed(id) && seen(id)).length;
    };
    return { gateway, runner, handshakeAfter };
  }

  it('has its caches emptied beside nine others in a pass at most', async () => {
    const { gateway, runner, handshakeAfter } = await many(12);
    handshakeAfter(0);
    expect(handshakeAfter(10)).toBe(10);
    await runner.pass('retry');
    expect(gateway.writes).toHaveLength(10);
    expect(handshakeAfter(1)).toBe(0);
    expect(handshakeAfter(60)).toBeGreaterThan(1);
  });

  it('has its caches emptied soon, however many are not served, where that helps', async () => {
    const { gateway, runner, handshakeAfter } = await many(100);
    handshakeAfter(0);
    const isServed = (id: string) => gateway.writes.some((write) => write.split(' ')[1] === id);
    for (let minute = 0; minute < 12; minute++) {
      handshakeAfter(60, isServed);
      await runner.pass('retry');
      for (let look = 0; look < 5; look++)
        for (let id = 0; id < 100; id++) if (isServed(`${id}`)) runner.noteServed(`${id}`, 'main');
    }
    expect(gateway.writes).toHaveLength(100);
  });

  it('has its caches emptied ever more rarely where many others are not served', async () => {
    const { gateway, runner, handshakeAfter } = await many(40);
    let passes = 0;
    for (let minute = 0; minute < 60; minute++) {
      if (handshakeAfter(60) === 0) continue;
      passes += 1;
      await runner.pass('retry');
    }
    // After 1, 3, 7, 15, 31 minutes, and one more.
    expect(gateway.writes.length).toBeLessThanOrEqual(60);
    expect(passes).toBeLessThanOrEqual(6);
  });
});
