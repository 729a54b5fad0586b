import { setTimeout as sleep } from 'node:timers/promises';
import type { StatusReport } from '../../../src/public';
import type { FaultTable } from '../fault';
import { certificateId } from '../kong-content';
import { listenerWith, slowRelay } from '../listeners';
import type { World } from '../world';

/** Repeats an action of another writer, with pauses, while everything is renewed this often. */
async function whileRenewing(
  world: World,
  count: number,
  work: (turn: number) => Promise<void>,
  pauseMs: number,
): Promise<void> {
  const renewed = renewals(world, count).then(() => true);
  for (let turn = 0; !(await Promise.race([renewed, sleep(pauseMs, false)])); turn++) await work(turn);
}

const NO_ENTRY = [
  'no entry is looked after',
  ({ reloaders }: StatusReport) => reloaders.length === 0,
] as const;
const AN_ENTRY = [
  'the entry is looked after',
  ({ reloaders }: StatusReport) => reloaders.length > 0,
] as const;

/** Actions of other writers in Kong, and on the plugin's entry. */
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
  'others-post': {
    sentence:
      'Another writer adds consumers by whole configurations while certificates are renewed; what is lost is reported.',
    mode: 'dbless',
    run: async (world) => {
      await whileRenewing(world, 8, (turn) => world.other.addConsumer(turn), 150);
      await world.served();
      await world.inStep();
      await world.forgiveReportedLosses();
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
  'tags-by-others': {
    sentence: 'Another writer changes the tags of a certificate again and again while it is renewed.',
    mode: 'database',
    run: async (world) => {
      await whileRenewing(world, 5, (turn) => world.other.putTags(certificateId(0), [`turn-${turn}`]), 20);
    },
  },
  'whole-configuration': {
    sentence:
      'Another writer posts a whole configuration with the first certificates again and again, each time with another consumer.',
    mode: 'dbless',
    run: async (world) => {
      const first = await world.other.read();
      await whileRenewing(world, 8, (turn) => world.other.postGeneration(first, turn), 300);
      await world.served();
      await world.forgiveReportedLosses();
    },
  },
  'name-taken': {
    sentence: 'Another writer has a name go over to a certificate of its own, which is renewed from then on.',
    lasts: true,
    run: async (world) => {
      const [name = ''] = world.names;
      const theirs = world.supply.issue(name);
      await world.other.takeName(0, theirs);
      await world.served([name]);
      world.supply.renew();
    },
  },
  rival: {
    sentence: 'Two processes of the plugin look after one Kong, while certificates are renewed.',
    count: 10,
    run: (world) => world.withRival(() => renewals(world, 8)),
  },
  'two-gateways': {
    sentence: 'Two gateways with a plugin each have one database, while certificates are renewed.',
    mode: 'database',
    run: (world) =>
      world.withSecondGateway(async (second) => {
        await renewals(world, 8);
        await world.served();
        await world.served(world.names, undefined, second.tlsPort);
      }),
  },
  'deleted-in-a-bulk': {
    sentence: 'Another writer removes a certificate while forty are renewed; it stays removed.',
    lasts: true,
    count: 40,
    run: async (world) => {
      world.supply.renew();
      await sleep(50);
      await world.remove(world.names[20] ?? '');
      await world.served(world.names.slice(0, 20));
      await world.forgiveReportedLosses();
    },
  },
  deleted: {
    sentence: 'Another writer removes a certificate that is renewed later; it stays removed.',
    lasts: true,
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
      await whileRenewing(world, 5, (turn) => world.configure({ interval: 1 + (turn % 5) }), 100);
      await world.configure({});
    },
  },
  triggers: {
    sentence:
      "A pass is asked for by the entry's trigger ten times a second, while certificates are renewed.",
    run: async (world) => {
      await whileRenewing(world, 5, (turn) => world.configure({ trigger: String(turn) }), 100);
      await world.configure({});
    },
  },
  'entry-removed': {
    sentence: "The plugin's entry is removed while forty renewals are written, and made again.",
    count: 40,
    run: async (world) => {
      world.supply.renew();
      await sleep(60);
      await world.saysAfter(() => world.other.removeEntry(), ...NO_ENTRY);
      world.supply.renew();
      await world.saysAfter(() => world.configure({}), ...AN_ENTRY);
    },
  },
  'two-entries': {
    sentence: 'A second entry of the plugin stands at a service; the global one goes on.',
    run: async (world) => {
      await world.other.putScopedEntry(world.config({ interval: 2 }));
      await renewals(world, 5);
      await world.served();
      await world.other.removeScopedEntry();
    },
  },
  'listener-blocked': {
    sentence: 'The only listener that may be asked does not answer: nothing is proven, nothing rolled back.',
    run: async (world) => {
      await world.reconfigure({ verify: { listeners: ['127.0.0.1:1'], timeout: 1 } });
      await renewals(world, 3);
      await world.served();
      await world.configure({});
    },
  },
  'listener-stuck': {
    sentence:
      'The listener that is asked goes on with the former certificates: the renewal is rolled back, and the next one is served.',
    run: async (world) => {
      const pairs = world.supply.renew();
      await world.served();
      await world.inStep();
      const stuck = await listenerWith(world.names, pairs);
      try {
        await world.reconfigure({ verify: { listeners: [`127.0.0.1:${stuck.port}`], timeout: 2 } });
        await world.inStep();
        await world.mayGoBack(async () => {
          world.supply.renew(world.names.slice(0, 1));
          await world.saysOf(world.names[0] ?? '', 'is refused', ({ refusal }) => refusal !== null);
          await world.configure({});
          world.supply.renew();
          await world.served();
        });
      } finally {
        stuck.close();
      }
    },
  },
  'listener-slow': {
    sentence: 'Handshakes take longer than the plugin waits: nothing is proven, nothing rolled back.',
    run: async (world) => {
      const relay = await slowRelay(() => world.kong.tlsPort, 1_500);
      try {
        await world.reconfigure({ verify: { listeners: [`127.0.0.1:${relay.port}`], timeout: 1 } });
        await renewals(world, 3);
        await world.served();
        await world.saysOf(world.names[0] ?? '', 'is not proven', ({ state }) => state === 'unproven');
        await world.configure({});
      } finally {
        relay.close();
      }
    },
  },
  'disabled-in-a-bulk': {
    sentence: "The plugin's entry is disabled while forty renewals are written, and enabled again.",
    count: 40,
    run: async (world) => {
      world.supply.renew();
      await sleep(60);
      await world.saysAfter(() => world.configure({}, false), ...NO_ENTRY);
      world.supply.renew();
      await world.saysAfter(() => world.configure({}, true), ...AN_ENTRY);
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
