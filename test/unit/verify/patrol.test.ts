import { expect, it, onTestFinished } from 'vitest';
import { toStored } from '../../../src/gateway/admin/entities';
import type { ServedObservation } from '../../../src/model';
import { Patrol, type PatrolOptions } from '../../../src/verify/patrol';
import { issue } from '../../support/bundles';
import { eventually } from '../../support/eventually';
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
