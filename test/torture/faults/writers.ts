import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultTable } from '../fault';
import type { World } from '../world';

async function whileTrue(isOn: () => boolean, work: (turn: number) => Promise<void>): Promise<void> {
  for (let turn = 0; isOn(); turn++) await work(turn);
}

/** What others do to Kong at the same time, and what is done to the plugin's entry. */
export const WRITER_FAULTS: FaultTable = {
  'older-by-others': {
    sentence: 'Another writer puts an older certificate into Kong again and again.',
    run: async (world) => {
      const [name = ''] = world.names;
      const older = world.supply.issue(name);
      world.supply.renew();
      for (let turn = 0; turn < 8; turn++) {
        await world.overwrite(name, older);
        await sleep(300);
      }
    },
  },
  'others-in-a-bulk': {
    sentence: 'Another writer adds consumers while forty renewals are written; none of them is lost.',
    mode: 'database',
    count: 40,
    run: async (world) => {
      world.supply.renew();
      for (let turn = 0; turn < 20; turn++) await world.other.addConsumer(turn);
    },
  },
  'others-now-and-then': {
    sentence: 'Another writer adds a consumer between renewals; none of them is lost.',
    run: async (world) => {
      for (let turn = 0; turn < 4; turn++) {
        world.supply.renew();
        await world.served();
        await world.inStep();
        await world.other.addConsumer(turn);
      }
    },
  },
  'deleted-in-a-bulk': {
    sentence: 'Another writer removes a certificate while forty are renewed; it stays removed.',
    mode: 'database',
    count: 40,
    run: async (world) => {
      world.supply.renew();
      await sleep(50);
      await world.remove(world.names[20] ?? '');
    },
  },
  deleted: {
    sentence: 'Another writer removes a certificate that is renewed later; it stays removed.',
    run: async (world) => {
      const name = world.names.at(-1) ?? '';
      await world.remove(name);
      world.supply.renew();
      await world.saysOf(name, 'is not used', ({ state }) => state === 'unused');
    },
  },
  'entry-changes': {
    sentence:
      "The plugin's entry gets other configuration ten times a second, while certificates are renewed.",
    run: async (world) => {
      let isOn = true;
      const flapping = whileTrue(
        () => isOn,
        async (turn) => {
          await world.configure({ interval: 1 + (turn % 5) });
          await sleep(100);
        },
      );
      await renewals(world, 5);
      isOn = false;
      await flapping;
      await world.configure({});
    },
  },
  'disabled-in-a-bulk': {
    sentence: "The plugin's entry is disabled while forty renewals are written, and enabled again.",
    count: 40,
    run: async (world) => {
      world.supply.renew();
      await sleep(60);
      await world.configure({}, false);
      await world.says('no entry is looked after', ({ reloaders }) => reloaders.length === 0);
      world.supply.renew();
      await world.configure({}, true);
    },
  },
  'wrong-configuration': {
    sentence:
      'The entry names a folder that is not there; the former one is not given up before that is known.',
    run: async (world) => {
      await world.configure({ sources: [{ type: 'directory', path: `${world.supply.folder}/not-there` }] });
      await world.says('the source is missing', ({ waiting, reloaders }) =>
        [waiting, ...reloaders.flatMap(({ sources }) => sources.map(({ error }) => error))].some(Boolean),
      );
      world.supply.renew();
      await world.configure({});
    },
  },
};

async function renewals(world: World, count: number): Promise<void> {
  for (let renewal = 0; renewal < count; renewal++) {
    world.supply.renew();
    await sleep(600);
  }
}
