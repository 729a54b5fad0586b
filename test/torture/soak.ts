import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { randomOf } from '../fuzz/mutate';
import { residentMb } from '../support/process';
import type { Fault } from './fault';
import { FAULTS } from './faults';
import { GATEWAY_HELP, GATEWAY_OPTIONS, gatewaysOf, isFor } from './gateways';
import { CHARGES, type Charge } from './judge';
import { World, type WorldOptions } from './world';

const CERTIFICATES = 20;
/**
 * Events of one hour for each gateway, with faults in random order and renewals of random names. The default
 * interval makes 12 polls an hour, and 20 certificates that live for six days are renewed five times a day.
 */
const HOUR = { faults: 3, rounds: 9, pollsARound: 32 };

/** The process collects its garbage a moment after work. */
const REST_MS = 2_000;
/** Memory must not grow: rounds of renewals and polls, with a look at rest after each. */
const GROWTH = { certificates: 5, looks: 10, rounds: 10, renewalsARound: 20, pollsARound: 1_000, limitMb: 5 };
const GROWTH_POLLS = GROWTH.looks * GROWTH.rounds * GROWTH.pollsARound;
const GROWTH_SWAPS = GROWTH.looks * GROWTH.rounds * GROWTH.renewalsARound * GROWTH.certificates;

const HELP = `Renewals, polls and faults at random, and a table of what came of them; or whether memory grows.

  npm run soak -- [--hours N] [--seed N] [--mode MODE] [--kong PATH [--pg URL]]

Without --hours: ${GROWTH_SWAPS} swaps and ${GROWTH_POLLS} polls, in whose last tenth the process may take ${GROWTH.limitMb} MB more than in
the first at most. It takes a quarter of an hour for each gateway.

With --hours time is compressed: an hour is ${HOUR.rounds} times half of ${CERTIFICATES} certificates renewed, ${HOUR.rounds * HOUR.pollsARound} polls and ${HOUR.faults} faults for each
gateway, one after the other as fast as they go: as many polls as in a day, and renewals as in twenty days of
certificates that live for six days. It takes a minute or two with the stand-in.

${GATEWAY_HELP}`;

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
async function soak(
  world: World,
  faults: readonly [name: string, fault: Fault][],
  hours: number,
  random: () => number,
): Promise<boolean> {
  const charges = new Map<Charge, number>();
  const lives = new Map<number, Life>();
  const suffer = async (name: string, work: () => Promise<void>) => {
    const { findings, recoveryMs } = await world.suffer(work);
    say(`  ${name}: ${findings.length} charges, well again after ${(recoveryMs / 1000).toFixed(1)} s`);
    for (const { charge, detail } of findings) {
      charges.set(charge, (charges.get(charge) ?? 0) + 1);
      say(`${name}: ${charge}: ${detail}`);
    }
    look(lives, world.kong.pluginServerPid());
  };
  const calm = async () => {
    for (let round = 0; round < HOUR.rounds / HOUR.faults; round++) {
      world.supply.renew(world.names.filter(() => random() < 0.5));
      await world.served();
      for (let poll = 0; poll < HOUR.pollsARound; poll++) await world.poll();
    }
  };
  const left: (readonly [string, Fault])[] = [];
  const begin = performance.now();
  const count = Math.ceil(hours * HOUR.faults);
  for (let turn = 0; turn < count; turn++) {
    await suffer('renewals and polls', calm);
    // None comes twice before each has come once.
    if (left.length === 0) left.push(...faults);
    const [[name, fault]] = left.splice(Math.floor(random() * left.length), 1) as [[string, Fault]];
    await suffer(name, () => fault.run(world));
  }
  const [longest] = [...lives.values()].sort((one, other) => other.looks - one.looks);
  const polls = (count * HOUR.rounds * HOUR.pollsARound) / HOUR.faults;
  const minutes = ((performance.now() - begin) / 60_000).toFixed(1);
  say(`${world.mode}: ${hours} hours in ${minutes} minutes`);
  const row = (title: string, value: string | number) => say(`  ${title.padEnd(20)}${value}`);
  row('renewals', world.supply.versions.length);
  row('polls', polls);
  row('faults', count);
  for (const charge of CHARGES) row(charge, charges.get(charge) ?? 0);
  if (longest !== undefined) {
    const { looks, firstMb, lastMb, firstDescriptors, lastDescriptors } = longest;
    row('memory', `${firstMb.toFixed(0)} MB, ${looks} looks later ${lastMb.toFixed(0)} MB`);
    row('descriptors', `${firstDescriptors}, then ${lastDescriptors}`);
  }
  row('verdict', charges.size === 0 ? 'ok' : 'CHARGED');
  return charges.size === 0;
}

/** @returns whether memory has not grown between the first and the last tenth of many renewals and polls */
async function growth(world: World): Promise<boolean> {
  const pid = world.kong.pluginServerPid();
  if (pid === null) throw new Error('there is no plugin server');
  /** Memory at rest goes up and down by more than what is allowed: the lowest of many looks counts. */
  const lowestOf = async (rounds: number) => {
    let lowest = Infinity;
    for (let round = 0; round < rounds; round++) {
      for (let renewal = 0; renewal < GROWTH.renewalsARound; renewal++) {
        world.supply.renew();
        await world.served();
      }
      for (let poll = 0; poll < GROWTH.pollsARound; poll++) await world.poll();
      await sleep(REST_MS);
      lowest = Math.min(lowest, residentMb(pid));
    }
    return lowest;
  };
  say(`${world.mode}:`);
  const lowest: number[] = [];
  for (let tenth = 1; tenth <= GROWTH.looks; tenth++) {
    const mb = await lowestOf(GROWTH.rounds);
    lowest.push(mb);
    const share = tenth / GROWTH.looks;
    const title = `${GROWTH_SWAPS * share} swaps, ${GROWTH_POLLS * share} polls`;
    say(`  ${title.padEnd(28)}${mb.toFixed(1)} MB, ${descriptorsOf(pid)} descriptors`);
  }
  const more = (lowest.at(-1) ?? 0) - (lowest[0] ?? 0);
  const hasGrown = more > GROWTH.limitMb;
  say(`  ${hasGrown ? 'GROWN' : 'ok'}: ${more.toFixed(1)} MB more, ${GROWTH.limitMb} MB are allowed`);
  return !hasGrown;
}

const descriptorsOf = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;

function look(lives: Map<number, Life>, pid: number | null): void {
  if (pid === null) return;
  const [lastMb, lastDescriptors] = [residentMb(pid), descriptorsOf(pid)];
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
  const hours = values.hours === undefined ? null : Number(values.hours);
  if (hours !== null && !(hours > 0)) throw new Error('--hours N: give a number of hours, e.g. 8');
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  const { startKong, worlds, stop } = await gatewaysOf(values);
  if (hours !== null) say(`seed ${seed}`);
  for (const options of worlds) {
    const faults = Object.entries(FAULTS).filter(([, fault]) => fits(fault, options));
    const world = await World.start(startKong, {
      ...options,
      ...(hours === null
        ? { count: GROWTH.certificates, config: { interval: 300 } }
        : { count: CERTIFICATES }),
    });
    const work = hours === null ? growth(world) : soak(world, faults, hours, randomOf(seed));
    const isWell = await work.finally(() => world.stop());
    if (!isWell) process.exitCode = 1;
  }
  await stop();
}

/** Nothing of it lasts, and it asks for no world of its own. */
const fits = (fault: Fault, options: WorldOptions) =>
  isFor(fault, options) &&
  (fault.count ?? 0) <= 2 * CERTIFICATES &&
  fault.launcher === undefined &&
  fault.lasts !== true;

main().catch((error: unknown) => {
  process.stderr.write(`soak: ${(error as Error).stack ?? String(error)}\n`);
  process.exitCode = 1;
});
