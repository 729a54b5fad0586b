import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultTable } from '../fault';

/** Kong, and the plugin's process that it keeps running. */
export const KONG_FAULTS: FaultTable = {
  'restart-in-a-bulk': {
    sentence: 'Kong is restarted while forty renewals are written.',
    count: 40,
    run: async (world) => {
      world.supply.renew();
      await sleep(100);
      await world.restart();
    },
  },
  'reload-in-a-bulk': {
    sentence: 'Kong is reloaded while forty renewals are written; two plugin servers overlap.',
    count: 40,
    run: async (world) => {
      world.supply.renew();
      await sleep(100);
      await world.reload();
    },
  },
  'killed-in-a-write': {
    sentence:
      'The plugin is killed at five moments of a pass that writes, and writes nothing twice after it.',
    count: 20,
    run: async (world) => {
      for (let round = 0; round < 5; round++) {
        world.supply.renew();
        await sleep(40 + 60 * round);
        await world.mayEnd(() => world.endPlugin('SIGKILL'));
        await world.served();
      }
    },
  },
  'terminated-in-a-write': {
    sentence: 'The plugin gets SIGTERM at three moments of a pass that writes.',
    count: 20,
    run: async (world) => {
      for (let round = 0; round < 3; round++) {
        world.supply.renew();
        await sleep(60 + 100 * round);
        await world.mayEnd(() => world.endPlugin('SIGTERM'));
        await world.served();
      }
    },
  },
  frozen: {
    sentence: 'The plugin is stopped for five seconds in a pass that writes, and goes on.',
    count: 20,
    run: async (world) => {
      world.supply.renew();
      await sleep(100);
      world.signal('SIGSTOP');
      world.supply.renew();
      await sleep(5_000);
      world.signal('SIGCONT');
    },
  },
  'no-descriptors': {
    sentence: 'The plugin has no file descriptors left.',
    run: async (world) => {
      const release = world.limitDescriptors();
      try {
        world.supply.renew();
        await sleep(5_000);
      } finally {
        release();
      }
    },
  },
};
