import { expect, it } from 'vitest';
import type { NamesToAsk } from '../../../src/model';
import { issue } from '../../support/bundles';
import { passing, SayingVerifier } from '../../support/stages';

const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);

/** Number of observations before one renewal is written. */
async function asked(known: { isServed: boolean; isSeenWhole: boolean }, before = ['www.example.test']) {
  const verifier = new SayingVerifier();
  const observed: NamesToAsk[] = [];
  verifier.observe = (names?: NamesToAsk) => {
    if (names !== undefined) observed.push(names);
    return Promise.resolve(new Map());
  };
  const { runner, gateway, source } = passing({
    verifier,
    create: true,
    addNames: true,
    isServed: () => known.isServed,
    isSeenWhole: () => known.isSeenWhole,
  });
  gateway.put('K', issue({ names: before, notBefore: daysAgo(30) }), { snis: before });
  source.put('www', issue({ names: ['www.example.test', 'api.example.test'], notBefore: daysAgo(1) }));
  await runner.pass('start');
  expect(gateway.writes).toEqual(['K']);
  return observed.length;
}

it.for([
  { isServed: true, isSeenWhole: true, times: 0 },
  { isServed: true, isSeenWhole: false, times: 1 },
  { isServed: false, isSeenWhole: true, times: 1 },
])('what is known to be served (%o) is not asked for once more', async ({ times, ...known }) => {
  expect(await asked(known, ['www.example.test', 'api.example.test'])).toBe(times);
});

it('a name that the certificate gains is always asked for', async () => {
  expect(await asked({ isServed: true, isSeenWhole: true })).toBe(1);
});
