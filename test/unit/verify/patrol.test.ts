import { expect, it, onTestFinished } from 'vitest';
import { toStored } from '../../../src/gateway/admin/entities';
import type { ServedObservation } from '../../../src/model';
import { Patrol, type PatrolOptions } from '../../../src/verify/patrol';
import { issue } from '../../support/bundles';
import { eventually } from '../../support/eventually';
import { freePort } from '../../support/port';
import { tlsServer } from '../../support/tls-server';

const NAME = 'www.example.test';

/** A patrol over one certificate, on a server that serves what `served` says at each handshake. */
async function patrolled(served: () => ReturnType<typeof issue>, options: Partial<PatrolOptions> = {}) {
  const stored = issue({ names: [NAME] });
  const certificate = toStored({ id: 'K', cert: stored.chain, key: stored.key, snis: [NAME] });
  let current = () => stored;
  const server = await tlsServer(() => current());
  const noted: ServedObservation[] = [];
  const patrol = new Patrol({
    listeners: () => [server],
    timeoutMs: 20_000,
    certificates: () => new Map([['K', certificate]]),
    seen: () => noted.at(-1),
    isStored: () => Promise.resolve(true),
    noteUnserved: () => false,
    note: (_certificate, _half, seen) => noted.push(seen),
    done: () => undefined,
    isBusy: () => false,
    againMs: 20,
    ...options,
  });
  onTestFinished(() => patrol.stop());
  return {
    noted,
    patrol,
    serveOther: () => (current = served),
    serveStored: () => (current = () => stored),
    becomes: (verdict: ServedObservation['verdict']) =>
      eventually(`it is ${verdict}`, () => noted.at(-1)?.verdict === verdict),
  };
}

it('a certificate that was not served for a moment is seen to be served again without a poll', async () => {
  const other = issue({ names: [NAME] });
  const { patrol, becomes, serveOther, serveStored } = await patrolled(() => other);
  patrol.go(false);
  await becomes('served');
  serveOther();
  patrol.go(true);
  await becomes('wrong');
  serveStored();
  await becomes('served');
});

it('a certificate that was not served for a moment is looked at a few times more, since one of two workers may serve it', async () => {
  const other = issue({ names: [NAME] });
  const { patrol, noted, becomes, serveOther, serveStored } = await patrolled(() => other);
  patrol.go(false);
  await becomes('served');
  serveOther();
  patrol.go(true);
  await becomes('wrong');
  serveStored();
  const looks = () => noted.length - noted.findLastIndex(({ verdict }) => verdict === 'wrong') - 1;
  await eventually('it is looked at five times', () => looks() >= 5);
});

it('a name that something else answers for is asked for less and less often', async () => {
  const other = issue({ names: [NAME] });
  const { patrol, noted, serveOther } = await patrolled(() => other);
  serveOther();
  patrol.go(false);
  await eventually('it was asked for a few times', () => noted.length >= 4);
  const times = noted.map(({ at }) => at);
  const waits = times.slice(1).map((at, index) => at - (times[index] ?? 0));
  // Waits of 20, 40 and 80 ms and more: a slow machine only makes them longer.
  expect(waits.map((wait, index) => wait >= 20 * 2 ** index)).toEqual(waits.map(() => true));
});

it('a handshake before a write says nothing about the certificate stored since', async () => {
  const before = issue({ names: [NAME] });
  const after = issue({ names: [NAME] });
  const storedAs = ({ chain, key }: typeof before) => toStored({ id: 'K', cert: chain, key, snis: [NAME] });
  let stored = storedAs(before);
  let answered = 0;
  const { patrol, noted } = await patrolled(() => before, {
    certificates: () => new Map([['K', stored]]),
    listeners: () => {
      answered += 1;
      return [];
    },
    isStored: () => Promise.resolve(true),
  });
  patrol.go(false);
  // The pass writes while the handshake is under way.
  stored = storedAs(after);
  await eventually('it looked at what is stored now', () => noted.length > 0);
  expect(answered).toBeGreaterThan(1);
  expect(new Set(noted.map(({ expected }) => expected))).toEqual(new Set([stored.main.chain]));
});

it('a round that gave way goes on though the pass was over before it noticed', async () => {
  let isBusy = true;
  const { patrol, becomes } = await patrolled(() => issue({ names: [NAME] }), { isBusy: () => isBusy });
  // It gives way at once; the pass ends before it has stopped.
  patrol.go(false);
  isBusy = false;
  patrol.go(false);
  await becomes('served');
});

it('each poll looks at the next hundred, and at those first that were never looked at', async () => {
  const { chain: cert, key } = issue({ names: [NAME] });
  const storedAs = (id: string) => [id, toStored({ id, cert, key, snis: [NAME] })] as const;
  const certificates = new Map(Array.from({ length: 250 }, (_, index) => storedAs(`${index}`)));
  const unknown = new Set<string>();
  let looked: string[] = [];
  let rounds = 0;
  const { patrol } = await patrolled(() => issue({ names: [NAME] }), {
    certificates: () => certificates,
    listeners: () => [],
    seen: (id) =>
      unknown.has(id)
        ? undefined
        : {
            ...{ verdict: 'served', expected: certificates.get(id)!.main.chain },
            ...{ fingerprint: null, notAfter: null, at: 0, detail: '' },
          },
    note: (id) => {
      unknown.delete(id);
      looked.push(id);
    },
    done: () => (rounds += 1),
  });
  const poll = async () => {
    const before = rounds;
    looked = [];
    patrol.go(true);
    await eventually('a round was made', () => rounds > before);
    return looked.map(Number);
  };
  const between = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
  expect(await poll()).toEqual(between(0, 100));
  expect(await poll()).toEqual(between(100, 200));
  expect(await poll()).toEqual([...between(200, 250), ...between(0, 50)]);
  unknown.add('70').add('220');
  expect(await poll()).toEqual([70, 220, ...between(50, 70), ...between(71, 149)]);
  for (const id of between(3, 250)) certificates.delete(`${id}`);
  expect(await poll()).toEqual([0, 1, 2]);
});

it('a stream listener that goes on with the former certificate is told of, and one that does not answer is not', async () => {
  const former = issue({ names: [NAME] });
  const behind = await tlsServer(() => former);
  const silent = { host: '127.0.0.1', port: await freePort() };
  const streams: PatrolOptions['streams'] = { ready: () => Promise.resolve(), at: () => [silent] };
  const { patrol, noted, becomes } = await patrolled(() => former, { streams });
  patrol.go(false);
  await becomes('served');
  streams.at = () => [silent, behind];
  patrol.go(true);
  await becomes('wrong');
  expect(noted.at(-1)?.detail).toBe(
    `127.0.0.1:${behind.port} serves ${noted.at(-1)?.fingerprint ?? ''} for ${NAME}`,
  );
});
