import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../test/support/eventually';
import { findPluginServer } from '../test/live/kong';
import { cpuTicks, residentMb, untilAtRest } from '../test/support/process';
import { startKong } from './kong';
import { elsewhere, sideBySide, time, type Result } from './measure';
import { makePairs, writePairs, type Pair } from './pairs';

const MINUTE_MS = 60_000;
/** Of a clock tick, in milliseconds. */
const TICK_MS = 10;

/** Resident memory of the dedicated server at rest, in MB, with `count` pairs in a folder; 0: without a source. */
async function memoryOfFolder(folder: string, count: number): Promise<number> {
  const pairs = makePairs(count);
  return memory(folder, pairs, pluginFor(folder, pairs));
}

/** Writes pairs into a folder. @returns the configuration of a plugin that follows it */
function pluginFor(folder: string, pairs: readonly Pair[]): object {
  const path = join(folder, 'certs');
  mkdirSync(path, { recursive: true });
  writePairs(path, pairs);
  return { interval: 300, sources: [{ type: 'directory', path }] };
}

/** The same for any configuration of the plugin. */
export async function memory(folder: string, pairs: readonly Pair[], plugin: object): Promise<number> {
  const kong = await startKong({ mode: 'database', folder, pairs, plugin });
  try {
    const pid = await eventually('there is a plugin server', () => findPluginServer(kong.prefix));
    await untilAtRest(pid);
    await sleep(3_000);
    return residentMb(pid);
  } finally {
    await kong.stop();
  }
}

/** CPU time of the server in a minute in which nothing changes, with one poll, against a core's minute. */
export async function idleCpu(
  name: string,
  folder: string,
  pairs: readonly Pair[],
  plugin: object,
): Promise<Result> {
  const kong = await startKong({ mode: 'database', folder, pairs, plugin: { ...plugin, interval: 60 } });
  try {
    const pid = await eventually('there is a plugin server', () => findPluginServer(kong.prefix));
    await untilAtRest(pid);
    const before = cpuTicks(pid);
    await sleep(MINUTE_MS);
    const ours = (cpuTicks(pid) - before) * TICK_MS;
    return {
      name,
      ours,
      floor: MINUTE_MS,
      ratio: ours / MINUTE_MS,
      unit: 'ms',
      limit: 0.01,
      against: "a core's minute",
    };
  } finally {
    await kong.stop();
  }
}

export function idleCpuOfFolder(folder: string): Promise<Result> {
  const pairs = makePairs(1_000);
  return idleCpu('idle-cpu-1k', folder, pairs, pluginFor(folder, pairs));
}

export async function memories(folder: (name: string) => string): Promise<Result[]> {
  const floor = await memoryOfFolder(folder('rss-0'), 0);
  const results: Result[] = [];
  for (const [name, count, limit] of [
    ['rss-1k', 1_000, 60],
    ['rss-10k', 10_000, 100],
  ] as const) {
    const ours = await memoryOfFolder(folder(name), count);
    results.push({
      name,
      ours,
      floor,
      ratio: ours / floor,
      unit: 'MB',
      limit,
      against: 'the same server, no certificates',
    });
  }
  return results;
}

/** The time that Kong waits at its start. */
export async function dumpTime(folder: string): Promise<Result> {
  mkdirSync(folder, { recursive: true });
  const plugins = join(folder, 'plugins');
  mkdirSync(plugins);
  symlinkSync(resolve('dist/plugins/ssl-cert-reloader.js'), join(plugins, 'ssl-cert-reloader.js'));
  const run = (...args: string[]) =>
    time(() => execFileSync(args[0] as string, args.slice(1), { stdio: ['ignore', 'pipe', 'ignore'] }));
  const measured = await sideBySide(
    7,
    () => run(resolve('dist/ssl-cert-reloader.cjs'), '-dump'),
    () =>
      run(
        process.execPath,
        resolve('node_modules/.bin/kong-js-pluginserver'),
        '-d',
        plugins,
        '--dump-all-plugins',
      ),
  );
  return {
    name: 'dump-time',
    ...elsewhere(measured),
    unit: 'ms',
    limit: 0.6,
    against: 'kong-js-pluginserver --dump-all-plugins',
  };
}
