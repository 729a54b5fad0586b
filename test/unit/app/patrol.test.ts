import { expect, it, onTestFinished } from 'vitest';
import { createPatrol } from '../../../src/app/patrol';
import { toStored } from '../../../src/gateway/admin/entities';
import { ServedBook } from '../../../src/status';
import { issue } from '../../support/bundles';
import { eventually } from '../../support/eventually';
import { tlsServer } from '../../support/tls-server';

const NAME = 'www.example.test';

it('the pass is told of each certificate that is served, and of each that is not', async () => {
  const [stored, other] = [issue({ names: [NAME] }), issue({ names: [NAME] })];
  const certificate = toStored({ id: 'K', cert: stored.chain, key: stored.key, snis: [NAME] });
  let isServed = false;
  const server = await tlsServer(() => (isServed ? stored : other));
  const told: string[] = [];
  const runner = {
    live: () => ({ certificates: new Map([['K', certificate]]) }),
    isStillStored: () => Promise.resolve(true),
    noteServed: (id: string) => void told.push(`${id} served`),
    noteUnserved: (id: string) => told.push(`${id} not served`) > 0,
  };
  const patrol = createPatrol(
    () => [{ ...server, proxyProtocol: false }],
    { ready: () => Promise.resolve(), at: () => [], lateMs: 0 } as unknown as Parameters<
      typeof createPatrol
    >[1],
    runner as unknown as Parameters<typeof createPatrol>[2],
    { isRunning: false, request: () => undefined } as unknown as Parameters<typeof createPatrol>[3],
    new ServedBook(),
    () => undefined,
  );
  onTestFinished(() => patrol.stop());
  patrol.go(true);
  await eventually('it is told', () => told.length > 0);
  expect(told).toEqual(['K not served']);
  isServed = true;
  patrol.go(true);
  await eventually('it is told again', () => told.length > 1);
  expect(told).toEqual(['K not served', 'K served']);
});
