import { readdirSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { randomOf } from '../fuzz/mutate';
import { FAULTS } from './faults';
import { GATEWAY_HELP, GATEWAY_OPTIONS, gatewaysOf } from './gateways';
import { CHARGES, type Charge } from './judge';
import { World } from './world';

const HELP = `Renewals, polls and faults at random against one gateway, for as long as it is told to.

  npm run soak -- --hours N [--seed N] [--mode MODE] [--kong PATH [--pg URL]]

${GATEWAY_HELP}`;

const CERTIFICATES = 20;
const HOUR_MS = 3_600_000;

/** A process of the plugin: its resident memory and open descriptors at the first and at the last look. */
interface Life {
  looks: number;
  firstMb: number;
  lastMb: number;
  firstDescriptors: number;
  lastDescriptors: number;
}

const say = (text: string) => process.stdout.write(`${text}\n`);

/** One gateway for its time, with a table at the end. @returns whether nothing was charged */
async function soak(world: World, ms: number, random: () => number): Promise<boolean> {
  // A certificate that others remove does not come back: such faults are for the torture alone.
  const faults = Object.entries(FAULTS).filter(
    ([name, { mode = world.mode, count = 0 }]) =>
      mode === world.mode && count <= 2 * CERTIFICATES && !name.startsWith('deleted'),
  );
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const charges = new Map<Charge, number>();
  const lives = new Map<number, Life>();
  const until = performance.now() + ms;
  let [polls, suffered] = [0, 0];
  while (performance.now() < until) {
    const isCalm = random() < 0.5;
    const [name, fault] = pick(faults);
    const { findings } = await world.suffer(async () => {
      if (!isCalm) return fault.run(world);
      for (let round = 0; round < 5; round++) {
        world.supply.renew(world.names.filter(() => random() < 0.5));
        await world.served();
        for (let poll = 0; poll < 20; poll++) await world.poll();
      }
    });
    if (isCalm) polls += 100;
    else suffered++;
    for (const { charge, detail } of findings) {
      charges.set(charge, (charges.get(charge) ?? 0) + 1);
      say(`${isCalm ? 'renewals and polls' : name}: ${charge}: ${detail}`);
    }
    look(lives, world.kong.pluginServerPid());
  }
  const [longest] = [...lives.values()].sort((one, other) => other.looks - one.looks);
  say(`${world.mode}: ${world.supply.versions.length} renewals, ${polls} polls, ${suffered} faults`);
  for (const charge of CHARGES) say(`  ${charge.padEnd(20)}${charges.get(charge) ?? 0}`);
  if (longest !== undefined) {
    const { firstMb, lastMb, firstDescriptors, lastDescriptors } = longest;
    say(`  ${'memory'.padEnd(20)}${firstMb.toFixed(0)} MB, then ${lastMb.toFixed(0)} MB`);
    say(`  ${'descriptors'.padEnd(20)}${firstDescriptors}, then ${lastDescriptors}`);
  }
  return charges.size === 0;
}

function look(lives: Map<number, Life>, pid: number | null): void {
  if (pid === null) return;
  const kb = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  const [lastMb, lastDescriptors] = [Number(kb) / 1024, readdirSync(`/proc/${pid}/fd`).length];
  const { looks, firstMb, firstDescriptors } = lives.get(pid) ?? {
    looks: 0,
    firstMb: lastMb,
    firstDescriptors: lastDescriptors,
  };
  lives.set(pid, { looks: looks + 1, firstMb, lastMb, firstDescriptors, lastDescriptors });
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { ...GATEWAY_OPTIONS, hours: text, seed: text, help: { type: 'boolean' } },
  });
  if (values.help === true) return void say(HELP);
  const hours = Number(values.hours);
  if (!(hours > 0)) throw new Error('--hours N: give a number of hours, e.g. 0.5');
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  const { startKong, worlds } = gatewaysOf(values);
  say(`seed ${seed}`);
  for (const options of worlds) {
    const world = await World.start(startKong, { ...options, count: CERTIFICATES });
    const time = (hours * HOUR_MS) / worlds.length;
    const isWell = await soak(world, time, randomOf(seed)).finally(() => world.stop());
    if (!isWell) process.exitCode = 1;
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`soak: ${(error as Error).stack ?? String(error)}\n`);
  process.exitCode = 1;
});
