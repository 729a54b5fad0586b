import { EventEmitter, once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { standIn } from '../integration/stand-in';
import { admin, type KongMode } from '../scenarios/kong';
import { eventually } from '../support/eventually';
import { servedLeaf } from '../support/tls';
import { answer, isWrite, reset } from './admin-proxy';
import { FAULTS } from './faults';
import { certificateId } from './kong-content';
import { World, type WorldOptions } from './world';

let world: World | null = null;
afterEach(async () => {
  await world?.stop();
  world = null;
});

async function startWorld(options: WorldOptions): Promise<World> {
  world = await World.start(standIn, options);
  return world;
}

/** One or two of each kind; `npm run torture` runs all. */
const SHORT: Record<KongMode, string[]> = {
  database: [
    ...['torn-writes', 'lost-answers', 'answers-500', 'killed-in-a-write', 'others-in-a-bulk'],
    ...['two-gateways', 'deleted-in-a-bulk', 'clock-ahead'],
  ],
  dbless: [
    ...['truncated', 'cut-answers', 'restart-in-a-bulk', 'older-by-others', 'others-post'],
    ...['full-disk', 'entry-changes', 'no-descriptors'],
  ],
};

describe('a short torture', () => {
  const runs = Object.entries(SHORT).flatMap(([mode, names]) =>
    names.map((name) => [mode as KongMode, name] as const),
  );
  it.for(runs)('%s, %s: nothing is served, lost or changed that should not be', async ([mode, name]) => {
    const fault = FAULTS[name];
    if (fault === undefined) throw new Error(`there is no fault ${name}`);
    const started = await startWorld({ ...fault, mode });
    expect((await started.suffer(() => fault.run(started))).findings).toEqual([]);
  });
});

describe('the judge sees what a bad gateway does', () => {
  /** Charges of the judge against a plugin that cannot reach Kong and therefore mends nothing. */
  async function chargesOf(sabotage: (world: World) => Promise<unknown>): Promise<string[]> {
    const started = await startWorld({ mode: 'database', recoveryMs: 1_000 });
    const { findings } = await started.suffer(() =>
      started.admin.during(reset, async () => {
        await sabotage(started);
      }),
    );
    return findings.map(({ charge }) => charge);
  }

  const patch = ({ kong }: World, index: number, { chain: cert, key }: { chain: string; key: string }) =>
    admin(kong, 'PATCH', `/certificates/${certificateId(index)}`, { cert, key });

  /** The watch has looked at every name meanwhile. */
  const isSeen = async ({ kong, names }: World) => {
    for (let round = 0; round < 3; round++) {
      for (const name of names) await servedLeaf(kong.tlsPort, name);
      await sleep(100);
    }
  };

  it('one that loses an entity', async () => {
    expect(await chargesOf(({ kong }) => admin(kong, 'DELETE', '/consumers/user-1'))).toEqual(['lost']);
  });

  it('one that takes a tag away', async () => {
    const path = `/certificates/${certificateId(1)}`;
    expect(await chargesOf(({ kong }) => admin(kong, 'PATCH', path, { tags: [] }))).toEqual(['changed']);
  });

  it('one that swaps the certificates of two names', async () => {
    const charges = await chargesOf(async (started) => {
      const [name = ''] = started.names;
      await patch(started, 1, started.supply.issue(name));
      await isSeen(started);
    });
    expect(charges).toContain('wrong');
  });

  it('one that goes back to an older certificate', async () => {
    const charges = await chargesOf(async (started) => {
      const [name = ''] = started.names;
      const older = started.supply.issue(name);
      await patch(started, 0, started.supply.issue(name));
      await isSeen(started);
      await patch(started, 0, older);
      await isSeen(started);
    });
    expect(charges).toContain('older');
  });

  it('one that serves what has expired', async () => {
    const notAfter = new Date(Date.now() - 60_000);
    const charges = await chargesOf(async (started) => {
      await patch(started, 0, started.supply.issue(started.names[0] ?? '', 'expired', { notAfter }));
      await isSeen(started);
    });
    expect(charges).toContain('expired');
  });

  it('one that ends connections', async () => {
    const charges = await chargesOf(async (started) => {
      await started.kong.restart();
      started.admin.upstream = started.kong.adminUrl;
    });
    expect(charges).toContain('failed handshake');
    expect(charges).toContain('dropped request');
  });

  it('one that says that it took a write, and did not', async () => {
    const started = await startWorld({ mode: 'database', recoveryMs: 1_000 });
    const stop = new EventEmitter();
    const lie = answer(200, { id: certificateId(0) });
    const lies = started.admin.during(
      lie,
      async () => {
        await once(stop, 'end');
      },
      isWrite,
    );
    const { findings } = await started.suffer(() => {
      started.supply.renew();
      return Promise.resolve();
    });
    stop.emit('end');
    await lies;
    expect(findings.map(({ charge }) => charge)).toContain('not recovered');
  });

  it('a second one on the same database that ends connections', async () => {
    const started = await startWorld({ mode: 'database' });
    const { findings } = await started.suffer(() => started.withSecondGateway((second) => second.restart()));
    expect(new Set(findings.map(({ charge }) => charge))).toEqual(
      new Set(['failed handshake', 'dropped request']),
    );
  });
});

describe('the judge sees what a bad plugin does', () => {
  let started: World;
  beforeAll(async () => {
    started = await World.start(standIn, { mode: 'database' });
  });
  afterAll(() => started.stop());

  /** Charges after something that the plugin did, or did not do. */
  async function chargesOf(work: () => Promise<void> | void): Promise<string[]> {
    const { findings } = await started.suffer(async () => work());
    return findings.map(({ charge }) => charge);
  }

  it('one whose status never tells of a trouble', async () => {
    expect(await chargesOf(() => started.says('it is away', () => false, 100))).toEqual(['unsaid']);
  });

  it('one that does not do what a user counts on', async () => {
    const charges = await chargesOf(() => started.expects('nothing is written', false));
    expect(charges).toEqual(['unsaid']);
  });

  it('one that writes a private key into its log', async () => {
    const charges = await chargesOf(async () => {
      const before = started.kong.output().length;
      started.supply.renew();
      const line = await eventually('it writes a line', () => started.kong.output().slice(before).trim());
      started.supply.secrets.push(line);
    });
    expect(charges).toEqual(['leaked']);
  });

  it.for([
    ['leaves a draft beside a file', 'kong.yml.ssl-cert-reloader-a1b2', ''],
    ['leaves a file of state that cannot be read', 'ssl-cert-reloader.homes-a1b2.json', '{'],
  ] as const)('one that %s', async ([, name, text]) => {
    const path = join(started.folder, name);
    const charges = await chargesOf(() => writeFileSync(path, text));
    rmSync(path);
    expect(charges).toEqual(['left behind']);
  });

  it('one that writes something twice', async () => {
    const charges = await chargesOf(async () => {
      const { chain: cert, key } = started.supply.issue(started.names[0] ?? '');
      const through = { adminUrl: started.admin.url };
      const path = `/certificates/${certificateId(0)}`;
      for (let time = 0; time < 2; time++) await admin(through, 'PATCH', path, { cert, key });
      started.supply.renew();
      started.countRepeated('in the end');
    });
    expect(charges).toEqual(['written twice']);
  });

  it('one whose process ends', async () => {
    const charges = await chargesOf(() => started.endPlugin('SIGKILL'));
    expect(charges).toContain('crashed');
  });
});
