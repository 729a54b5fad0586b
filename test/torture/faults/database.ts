import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/eventually';
import { isWrite, pass } from '../admin-proxy';
import type { DatabaseTrouble } from '../database-proxy';
import type { Fault, FaultTable } from '../fault';

const TROUBLE_MS = 12_000;

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
