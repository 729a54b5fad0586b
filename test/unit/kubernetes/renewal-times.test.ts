import { expect, it } from 'vitest';
import type { SourcedBundle } from '../../../src/model';
import { KubernetesError, RenewalTimes, type KubernetesClient } from '../../../src/kubernetes';
import { bundle } from '../../support/plans';

const HOUR = 3_600_000;
const NOW = Date.parse('2026-03-01T00:00:00Z');
const iso = (at: number) => new Date(at).toISOString().replace('.000', '');

type Status = { notAfter?: string; renewalTime?: string };
type Answer = Status | KubernetesError;

const secretBundle = (name: string, notAfter = NOW + 100 * HOUR): SourcedBundle => {
  const one = bundle(name);
  return {
    ...one,
    leaf: { ...one.leaf, notAfter },
    secret: { uid: name, namespace: 'web', name, certificate: `${name}-certificate` },
  };
};

/** Asks a cluster that answers so, and notes what is asked. */
function ask(answerOf: (name: string) => Answer) {
  const asked: string[] = [];
  const clock = { now: NOW };
  const client = {
    get: (path: string) => {
      asked.push(path);
      const answer = answerOf(path.split('/').at(-1) ?? '');
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve({ status: answer });
    },
  } as unknown as KubernetesClient;
  const times = new RenewalTimes({ clientOf: () => client, now: () => clock.now });
  return { times, asked, clock };
}

it('the renewal time of a Certificate is taken for the leaf that its Secret has, and asked for once an hour', async () => {
  const one = secretBundle('www');
  const renewalTime = iso(NOW + 90 * HOUR);
  const { times, asked, clock } = ask(() => ({ notAfter: iso(one.leaf.notAfter), renewalTime }));
  await times.refresh([one, bundle('of-no-secret')]);
  expect(one.renewalAt).toBe(NOW + 90 * HOUR);
  for (let minutes = 0; minutes < 240; minutes += 5) {
    clock.now += 5 * 60_000;
    await times.refresh([one]);
  }
  expect(new Set(asked)).toEqual(
    new Set(['/apis/cert-manager.io/v1/namespaces/web/certificates/www-certificate']),
  );
  expect(asked).toHaveLength(5);
});

it.each([
  ['earlier', NOW + 2 * HOUR],
  ['into the past', NOW - HOUR],
  ['later', NOW + 95 * HOUR],
])('a renewal time that moves %s is known an hour later', async (_, moved) => {
  const one = secretBundle('www');
  let renewalTime = iso(NOW + 90 * HOUR);
  const { times, clock } = ask(() => ({ notAfter: iso(one.leaf.notAfter), renewalTime }));
  await times.refresh([one]);
  renewalTime = iso(moved);
  clock.now += HOUR;
  await times.refresh([one]);
  expect(one.renewalAt).toBe(moved);
});

it.for([
  ['is of the leaf before', { notAfter: iso(NOW - HOUR), renewalTime: iso(NOW - HOUR) }],
  ['has no renewal time', { notAfter: iso(NOW + 100 * HOUR) }],
  ['has a renewal time that is not a time', { notAfter: iso(NOW + 100 * HOUR), renewalTime: 'soon' }],
  ['is not there yet', {}],
  ['is of no Certificate', new KubernetesError('not found', 404)],
] as const)('a status that %s says nothing, and is asked for less and less often', async ([, answer]) => {
  const one = secretBundle('www');
  const { times, asked, clock } = ask(() => answer);
  await times.refresh([one]);
  expect(one.renewalAt).toBeUndefined();
  for (let minutes = 0; minutes < 24 * 60; minutes += 5) {
    clock.now += 5 * 60_000;
    await times.refresh([one]);
  }
  expect(asked.length).toBeGreaterThan(2);
  expect(asked.length).toBeLessThan(10);
});

it('a renewal time that is over is asked for again, since it may be another one now', async () => {
  const one = secretBundle('www');
  let renewalTime = iso(NOW + HOUR);
  const { times, clock } = ask(() => ({ notAfter: iso(one.leaf.notAfter), renewalTime }));
  await times.refresh([one]);
  renewalTime = iso(NOW + 50 * HOUR);
  clock.now += 2 * HOUR;
  await times.refresh([one]);
  expect(one.renewalAt).toBe(NOW + 50 * HOUR);
});

it.for([
  ['it is not allowed', new KubernetesError('forbidden', 403)],
  ['nobody answers', new KubernetesError('cannot be reached', 0)],
] as const)('where %s the namespace is left alone for an hour', async ([, trouble]) => {
  const all = Array.from({ length: 30 }, (_, index) => secretBundle(`www-${index}`));
  let answer: Answer = trouble;
  const { times, asked, clock } = ask(() => answer);
  await times.refresh(all);
  await times.refresh(all);
  expect(asked).toHaveLength(1);
  answer = { notAfter: iso(NOW + 100 * HOUR), renewalTime: iso(NOW + 90 * HOUR) };
  clock.now += HOUR + 1;
  for (let round = 0; round < 3; round += 1) await times.refresh(all);
  expect(all.map(({ renewalAt }) => renewalAt)).toEqual(all.map(() => NOW + 90 * HOUR));
});

it('a round asks for a few, first for those that end first, and each has its turn', async () => {
  const all = Array.from({ length: 25 }, (_, index) => secretBundle(`${index}`, NOW + (100 - index) * HOUR));
  const { times, asked } = ask(() => ({}));
  const rounds: number[] = [];
  for (let round = 0; round < 4; round += 1) {
    const before = asked.length;
    await times.refresh(all);
    rounds.push(asked.length - before);
  }
  expect(rounds).toEqual([10, 10, 5, 0]);
  expect(asked[0]).toMatch(/24-certificate$/);
  expect(new Set(asked).size).toBe(25);
});
