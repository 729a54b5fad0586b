import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually';
import type { StartKong } from '../scenarios/kong';
import type { Finding } from './judge';
import type { KillOrder, Moment, RecordedEffect } from './preload/kill';
import { World, type WorldOptions } from './world';

/** The pass in which the plugin is killed: one of a running process, or the first after a start. */
export type Pass = KillOrder['from'];

export interface KillReport {
  pass: Pass;
  effects: RecordedEffect[];
  moments: number;
  /** Number of processes that were killed at their moment; others ended before it. */
  killed: number;
  findings: Finding[];
}

export interface KillOptions extends WorldOptions {
  /** Every await at which an effect is under way, or so many of them. */
  each?: boolean;
  /** Only each so manieth moment. */
  every?: number;
}

const FILE = 'kill';
/** Moments between two effects: during a long answer thousands of awaits leave the same behind. */
const MOST_BETWEEN = 25;
/** A pass takes a tenth of it. */
const REACHED_MS = 3_000;
const AFTER_MS = 100;
const COUNTED_MS = 2_000;

/**
 * Kills the plugin at each moment of a pass that writes two renewals, and has the next process mend what is left. The
 * moments are those of a pass that was counted before.
 */
export async function killAtEachMoment(
  startKong: StartKong,
  pass: Pass,
  { each = false, every = 1, ...options }: KillOptions,
): Promise<KillReport> {
  const config = { interval: 300, ...(options.mode === 'dbless' ? { write_back: true } : {}) };
  const launcher = (folder: string) =>
    `NODE_OPTIONS=--require=${resolve('build/torture-kill.cjs')} TORTURE_KILL=${join(folder, FILE)}`;
  const world = await World.start(startKong, { ...options, config, launcher });
  const report: KillReport = { pass, effects: [], moments: 0, killed: 0, findings: [] };
  try {
    const { findings } = await world.suffer(async () => {
      await renewUnder(world, pass, null);
      report.effects = JSON.parse(
        readFileSync(join(world.folder, `${FILE}.record`), 'utf8'),
      ) as RecordedEffect[];
      const moments = momentsOf(report.effects, each).filter((_, index) => index % every === 0);
      report.moments = moments.length;
      for (const moment of moments) {
        if (await renewUnder(world, pass, moment)) report.killed++;
        world.countRepeated(textOf(moment, report.effects));
        await world.lookForRemains(textOf(moment, report.effects));
      }
    });
    return { ...report, findings };
  } finally {
    await world.stop();
  }
}

function momentsOf(effects: readonly RecordedEffect[], each: boolean): Moment[] {
  const last: Moment = { effects: effects.length, awaits: 0 };
  const moments = effects.flatMap(({ awaits: count, underWay }, at) => {
    const step = Math.max(1, underWay / MOST_BETWEEN);
    const busy = each
      ? Array.from({ length: underWay / step }, (_, index) => Math.ceil((index + 1) * step))
      : [];
    const awaits = [...new Set([...busy, 1, count >> 1])].filter((number) => number > 0 && number < count);
    const all = [...(at === 0 ? [] : [0]), ...awaits, null];
    return all.map((number): Moment => ({ effects: at, awaits: number }));
  });
  return [...moments, last];
}

function textOf({ effects: count, awaits }: Moment, effects: readonly RecordedEffect[]): string {
  const [before, after] = [effects[count - 1]?.what ?? 'the beginning', effects[count]?.what ?? 'the end'];
  return awaits === null ? `right before ${after}` : `${awaits} awaits after ${before}`;
}

/** Renews two of three, with the process told to end. @returns whether it ended */
async function renewUnder(world: World, from: Pass, at: Moment | null): Promise<boolean> {
  const order = join(world.folder, FILE);
  const names = world.names.slice(0, 2);
  let before: number | null = null;
  const hasEnded = () => world.kong.pluginServerPid() !== before;
  const arm = async (signal: NodeJS.Signals) => {
    rmSync(`${order}.armed`, { force: true });
    writeFileSync(order, JSON.stringify({ from, at } satisfies KillOrder));
    world.signal(signal);
    await eventually('the process counts', () => existsSync(`${order}.armed`));
    before = world.kong.pluginServerPid();
    // The next process is not to end.
    rmSync(order);
  };
  let isKilled = false;
  await world.mayEnd(async () => {
    if (from === 'signal') await arm('SIGUSR2');
    world.supply.renew(names);
    // It is renewed while there is no process.
    if (from === 'start') await arm('SIGKILL');
    if (at !== null) isKilled = await eventually('the process ends', hasEnded, REACHED_MS).catch(() => false);
    // One that did not get there must not end later.
    if (at !== null && !isKilled) world.signal('SIGUSR2');
  });
  await world.served(names);
  await world.inStep();
  // Writes after a pass count, too.
  await sleep(at === null ? COUNTED_MS : AFTER_MS);
  return isKilled;
}
