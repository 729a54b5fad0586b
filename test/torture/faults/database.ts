import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/eventually';
import { isWrite, pass } from '../admin-proxy';
import type { DatabaseTrouble } from '../database-proxy';
import type { Fault, FaultTable } from '../fault';

const TROUBLE_MS = 12_000;
/** A write is given up after a second and a half. */
const GIVEN_UP_MS = 4_000;

const trouble = (sentence: string, kind: DatabaseTrouble): Fault => ({
  sentence,
  mode: 'database',
  needs: 'database',
  run: (world) =>
    world.withoutDatabase(kind, async () => {
      world.supply.renew();
      await world.saysOf(world.names[0] ?? '', 'is not in step', ({ state }) => state !== 'in_sync');
      await sleep(TROUBLE_MS);
    }),
});

/** Faults of the PostgreSQL of a real Kong. */
export const DATABASE_FAULTS: FaultTable = {
  'database-stopped': trouble('PostgreSQL is stopped, and started again.', 'stopped'),
  'database-hangs': trouble('PostgreSQL takes connections and never answers.', 'hangs'),
  'database-read-only': trouble(
    'PostgreSQL can be read alone: a replica was promoted too late.',
    'read-only',
  ),
  'database-full': trouble('PostgreSQL has no connection left.', 'out of connections'),
  'database-away-after-a-write': {
    sentence: 'PostgreSQL is away for two seconds after a write; Kong refuses handshakes until it is back.',
    mode: 'database',
    needs: 'database',
    run: async (world) => {
      await world.reconfigure({ verify: { timeout: 3 } });
      let isWritten = false;
      let trouble = Promise.resolve();
      await world.admin.during(
        async ({ response, forward }) => {
          const made = await forward();
          if (!isWritten) trouble = world.withoutDatabase('stopped', () => sleep(2_000));
          isWritten = true;
          pass(response, made);
        },
        async () => {
          world.supply.renew(world.names.slice(0, 1));
          await eventually('it is written', () => isWritten);
        },
        isWrite,
      );
      await trouble;
      await world.served();
      await world.configure({});
    },
  },
  'database-answer-lost': {
    sentence: 'A write is made, and Kong loses its answer: it answers 500 and serves the former certificate.',
    mode: 'database',
    run: (world) =>
      world.losingWrites(world.names.length, async () => {
        world.supply.renew();
        await world.served();
      }),
  },
  'database-answers-lost': {
    sentence: 'For seconds each write is made, and Kong loses its answer and serves the former certificates.',
    mode: 'database',
    run: (world) =>
      world.losingWrites(Infinity, async () => {
        world.supply.renew();
        await world.saysOf(world.names[0] ?? '', 'is not in step', ({ state }) => state !== 'in_sync');
        await sleep(GIVEN_UP_MS);
      }),
  },
  'database-events-lost': {
    sentence: 'Of two gateways with one database, one does not hear of what the other has written.',
    mode: 'database',
    needs: 'database',
    run: (world) =>
      world.withSecondGateway(async (second) => {
        await world.losingEvents(world.names.length, async () => {
          world.supply.renew();
          await world.served();
          await world.served(world.names, undefined, second.tlsPort);
        });
      }),
  },
  'database-stopped-in-a-bulk': {
    sentence: 'PostgreSQL is stopped for seconds while forty renewals are written.',
    mode: 'database',
    needs: 'database',
    count: 40,
    run: async (world) => {
      world.supply.renew();
      await sleep(100);
      await world.withoutDatabase('stopped', () => sleep(TROUBLE_MS));
    },
  },
};
