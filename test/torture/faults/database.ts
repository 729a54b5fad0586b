import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseTrouble } from '../database-proxy';
import type { Fault, FaultTable } from '../fault';

const TROUBLE_MS = 12_000;

const trouble = (sentence: string, kind: DatabaseTrouble): Fault => ({
  sentence,
  mode: 'database',
  needs: 'database',
  run: (world) =>
    world.database.during(kind, async () => {
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
  'database-stopped-in-a-bulk': {
    sentence: 'PostgreSQL is stopped for seconds while forty renewals are written.',
    mode: 'database',
    needs: 'database',
    count: 40,
    run: async (world) => {
      world.supply.renew();
      await sleep(100);
      await world.database.during('stopped', () => sleep(TROUBLE_MS));
    },
  },
};
