import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../test/support/eventually';
import { findPluginServer } from '../test/live/kong';
import { startKong } from './kong';
import { elsewhere, sideBySide, time, type Result } from './measure';
import { makePairs, writePairs, type Pair } from './pairs';

/** Resident memory of the dedicated server at rest, in MB, with `count` pairs in a folder; 0: without a source. */
async function memoryOfFolder(folder: string, count: number): Promise<number> {
  const certs = join(folder, 'certs');
  mkdirSync(certs, { recursive: true });
  const pairs = makePairs(count);
  writePairs(certs, pairs);
  return memory(folder, pairs, { interval: 300, sources: [{ type: 'directory', path: certs }] });
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

/** No more CPU time between two looks. */
export async function untilAtRest(pid: number): Promise<void> {
  let last = -1;
  await eventually(
    'it is at rest',
    async () => {
      const before = last;
      last = cpuTicks(pid);
      await sleep(2_000);
      return before !== -1 && last - before <= 2 && cpuTicks(pid) > 0;
    },
    // The listeners are asked for a hundred certificates a second.
    400_000,
  );
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

export function residentMb(pid: number): number {
  const kb = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kb) / 1024;
}

/** Clock ticks of 10 ms that a process has had. */
export function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
