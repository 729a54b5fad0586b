import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Reason } from '../../../src/model';
import type { StatusReport } from '../../../src/public';
import { eventually } from '../../support/eventually';
import { isWrite, pass } from '../admin-proxy';
import type { FaultTable } from '../fault';
import type { World } from '../world';

const DAY_MS = 86_400_000;

/** The plugin's own clock can be turned; see `preload/clock.ts`. */
const ownClock = (folder: string) =>
  `NODE_OPTIONS=--require=${resolve('build/torture-clock.cjs')} TORTURE_CLOCK=${join(folder, 'clock')}`;

const turnClock = ({ folder }: World, days: number) =>
  writeFileSync(join(folder, 'clock'), String(days * DAY_MS));

const isRefused =
  (reason: Reason) =>
  ({ reloaders }: StatusReport) =>
    reloaders.some(({ certificates }) => certificates.some(({ refusal }) => refusal?.reason === reason));

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
  'kong-stopped': {
    sentence: 'Kong is stopped for ten seconds, while certificates are renewed.',
    run: (world) =>
      world.restart(async () => {
        for (let round = 0; round < 5; round++) {
          world.supply.renew();
          await sleep(2_000);
        }
      }),
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
      await world.withoutDescriptors(async () => {
        world.supply.renew();
        await sleep(5_000);
      });
    },
  },
  'full-disk': {
    sentence: 'The plugin can write to no file: the disk is full. Renewals are served all the same.',
    run: async (world) => {
      const isWrittenBack = world.mode === 'dbless';
      if (isWrittenBack) await world.reconfigure({ write_back: true });
      await world.inStep();
      await world.withFullDisk(async () => {
        const before = isWrittenBack ? world.startFile() : '';
        for (let round = 0; round < 3; round++) {
          world.supply.renew();
          await world.served();
        }
        if (isWrittenBack)
          world.expects('the declarative file stays as it was', world.startFile() === before);
      });
      if (isWrittenBack) {
        const line = world.supply.renew()[0]?.cert.trim().split('\n').at(-2) ?? '';
        const isThere = () => world.startFile().includes(line);
        await eventually('it is written', isThere).catch(() => world.expects('the file is written', false));
        await world.configure({});
      }
      await world.mayEnd(() => world.endPlugin('SIGKILL'));
      world.supply.renew();
    },
  },
  'clock-ahead': {
    sentence: 'The clock goes forward by a hundred days: what is renewed has expired.',
    launcher: ownClock,
    run: async (world) => {
      turnClock(world, 100);
      world.supply.renew();
      await world.says('the renewals are refused', isRefused('expired'));
      turnClock(world, 0);
      world.supply.renew();
    },
  },
  'clock-behind': {
    sentence: 'The clock goes back by thirty days: what is renewed is not valid yet.',
    launcher: ownClock,
    run: async (world) => {
      turnClock(world, -30);
      world.supply.renew();
      await world.says('the renewals are refused', isRefused('not_yet_valid'));
      turnClock(world, 0);
      world.supply.renew();
    },
  },
  'clock-jumps': {
    sentence: 'The clock jumps by a minute five times a second, while certificates are renewed.',
    launcher: ownClock,
    run: async (world) => {
      for (let jump = 0; jump < 30; jump++) {
        turnClock(world, (jump % 2 === 0 ? 1 : -1) / 2_880);
        if (jump % 5 === 0) world.supply.renew();
        await sleep(200);
      }
      turnClock(world, 0);
    },
  },
  'worker-killed': {
    sentence: 'Each worker of Kong is killed in turn while certificates are renewed.',
    needs: 'kong',
    // The plugin's process of a killed worker ends when it notices, beside its successor.
    run: (world) =>
      world.mayEnd(async () => {
        for (const worker of world.workers()) {
          world.supply.renew();
          await sleep(100);
          await world.downtime(() => world.killWorker(worker));
          await world.served();
        }
      }),
  },
  'master-killed': {
    sentence: 'The master of Kong is killed while forty renewals are written, and Kong is started again.',
    needs: 'kong',
    count: 40,
    run: async (world) => {
      world.supply.renew();
      await sleep(100);
      await world.killMaster();
    },
  },
  'kong-frozen': {
    sentence: 'Kong with all of its workers is stopped for five seconds in a pass that writes, and goes on.',
    needs: 'kong',
    run: async (world) => {
      world.supply.renew();
      await sleep(60);
      world.signalWorkers('SIGSTOP');
      await sleep(5_000);
      world.signalWorkers('SIGCONT');
    },
  },
  'frozen-after-a-write': {
    sentence: 'Kong answers a write and is then stopped for six seconds, longer than a proof waits.',
    needs: 'kong',
    run: async (world) => {
      await world.reconfigure({ verify: { timeout: 3 } });
      await world.inStep();
      let isWritten = false;
      await world.admin.during(
        async ({ response, forward }) => {
          pass(response, await forward());
          if (!isWritten) world.signalWorkers('SIGSTOP');
          isWritten = true;
        },
        async () => {
          world.supply.renew(world.names.slice(0, 1));
          await eventually('it is written', () => isWritten);
        },
        isWrite,
      );
      await sleep(6_000);
      world.signalWorkers('SIGCONT');
      await world.served();
      await world.configure({});
    },
  },
  'worker-frozen': {
    sentence: 'One of two workers is stopped for fifteen seconds, longer than a proof waits, and goes on.',
    needs: 'kong',
    run: async (world) => {
      const worker = world.workers().at(-1) ?? 0;
      process.kill(worker, 'SIGSTOP');
      world.supply.renew();
      await sleep(15_000);
      process.kill(worker, 'SIGCONT');
    },
  },
};
