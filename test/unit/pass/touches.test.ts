import { expect, it } from 'vitest';
import type { Expectation, Proof } from '../../../src/model';
import type { Touches } from '../../../src/pass';
import { issue } from '../../support/bundles';
import { eventually } from '../../support/eventually';
import { eventsOf, passing } from '../../support/stages';

const DAY_MS = 86_400_000;

/** A watch that reports while a pass runs. */
class Watch implements Touches {
  #touched = new Set<string>();
  #tell: () => void = () => undefined;

  touch(what: string): void {
    this.#touched.add(what);
    this.#tell();
  }

  ready(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#touched.size > 0) resolve();
      else this.#tell = resolve;
    });
  }

  take(): ReadonlySet<string> | null {
    const touched = this.#touched;
    this.#touched = new Set();
    return touched.size === 0 ? null : touched;
  }
}

/** Certificates a, b and c that are in step, and a verifier that proves a name only once it is let. */
async function proving() {
  const waiting = new Map<string, (verdict: Proof['verdict']) => void>();
  const stages = passing({
    verifier: {
      observe: () => Promise.resolve(new Map()),
      prove: (all: readonly Expectation[]) =>
        Promise.all(
          all.map(async ({ snis: [name = ''] }) => {
            const verdict = await new Promise<Proof['verdict']>((resolve) => waiting.set(name, resolve));
            return { verdict, servedFingerprint: null, handshakes: 1, durationMs: 1, detail: '' };
          }),
        ),
    },
  });
  const { gateway, source, runner } = stages;
  let age = 60;
  const renewed = (name: string) =>
    issue({ names: [`${name}.test`], notBefore: new Date(Date.now() - (age -= 1) * DAY_MS) });
  for (const name of ['a', 'b', 'c']) {
    const pair = renewed(name);
    gateway.put(name, pair, { snis: [`${name}.test`] });
    source.put(name, pair);
  }
  await runner.pass('start');
  const watch = new Watch();
  return {
    ...stages,
    watch,
    renew: (name: string) => {
      source.put(name, renewed(name));
      watch.touch(name);
    },
    renewFirst: (name: string) => {
      source.put(name, renewed(name));
      return runner.pass('watch', new Set([name]), watch);
    },
    prove: async (name: string, verdict: Proof['verdict'] = 'served') => {
      const say = await eventually(`${name} is being proven`, () => waiting.get(`${name}.test`));
      waiting.delete(`${name}.test`);
      say(verdict);
    },
    written: (count: number) => eventually('it is written', () => gateway.writes.length === count),
  };
}

it('a renewal that a watch reports is written while another one is still being proven', async () => {
  const { renewFirst, renew, prove, written, gateway } = await proving();
  const pass = renewFirst('a');
  await written(1);
  renew('b');
  await written(2);
  expect(gateway.writes).toEqual(['a', 'b']);
  await prove('b');
  await prove('a');
  const report = await pass;
  expect(eventsOf(report).sort()).toEqual(['a: swapped (served)', 'b: swapped (served)']);
  expect(report).toMatchObject({ inSync: 3, unfinished: 'no' });
});

it('one that is not served is rolled back, though others are written meanwhile', async () => {
  const { renewFirst, renew, prove, written, gateway } = await proving();
  const pass = renewFirst('a');
  await written(1);
  renew('b');
  await prove('b', 'wrong');
  await written(3);
  renew('c');
  await written(4);
  expect(gateway.writes).toEqual(['a', 'b', 'restore b', 'c']);
  await prove('c');
  await prove('a');
  expect(eventsOf(await pass).sort()).toEqual([
    'a: swapped (served)',
    'b: refused as not_served',
    'b: rolled back',
    'c: swapped (served)',
  ]);
});

it('a certificate that is being proven is written again only once that is known', async () => {
  const { renewFirst, renew, prove, written, gateway, source } = await proving();
  const pass = renewFirst('a');
  await written(1);
  const reads = source.reads;
  renew('a');
  await eventually('the second renewal is read', () => source.reads > reads);
  expect(gateway.writes).toEqual(['a']);
  await prove('a');
  await prove('a');
  expect(eventsOf(await pass)).toEqual(['a: swapped (served)', 'a: swapped (served)']);
  expect(gateway.writes).toEqual(['a', 'a']);
});

it('a gateway that must not write any more leaves certificates alone', async () => {
  let isLeader = true;
  const { gateway, source, runner, verifier } = passing({ mayWrite: () => isLeader });
  for (const name of ['a', 'b']) {
    const pair = issue({ names: [`${name}.test`], notBefore: new Date(Date.now() - 60 * DAY_MS) });
    gateway.put(name, pair, { snis: [`${name}.test`] });
    source.put(name, pair);
  }
  await runner.pass('start');
  const watch = new Watch();
  verifier.verdict = () => {
    isLeader = false;
    source.put('b', issue({ names: ['b.test'], notBefore: new Date(Date.now() - 10 * DAY_MS) }));
    watch.touch('b');
    return 'served';
  };
  source.put('a', issue({ names: ['a.test'], notBefore: new Date(Date.now() - 20 * DAY_MS) }));
  await runner.pass('watch', new Set(['a']), watch);
  expect(gateway.writes).toEqual(['a']);
});
