import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { join } from 'node:path';
import { eventually } from '../test/support/eventually';
import { handshake } from '../src/verify';
import { startKong, type BenchKong } from './kong';
import { median, time, type Result } from './measure';
import { makePairs, siteName, writePairs } from './pairs';

const CERTIFICATES = 50;
const ROUNDS = 11;
const HANDSHAKES = 300;
const AT_ONCE = 4;

/**
 * Handshakes with a gateway that has the plugin and with one that has not, in turn. CPU time is that of all of the
 * gateway's processes, the plugin server included.
 */
export async function handshakes(folder: (name: string) => string): Promise<Result[]> {
  const pairs = makePairs(CERTIFICATES);
  const certs = join(folder('handshake-certs'), 'certs');
  mkdirSync(certs, { recursive: true });
  writePairs(certs, pairs);
  const plugin = { interval: 300, sources: [{ type: 'directory', path: certs }] };
  const withPlugin = await startKong({ mode: 'database', folder: folder('handshake-with'), pairs, plugin });
  const without = await startKong({ mode: 'database', folder: folder('handshake-without'), pairs });
  try {
    for (const kong of [withPlugin, without]) await atRest(kong);
    const rounds = [];
    for (let round = 0; round <= ROUNDS; round++) {
      // Whoever goes second finds a warmer machine: they take turns.
      const order = round % 2 === 0 ? [withPlugin, without] : [without, withPlugin];
      const found = new Map<BenchKong, Sample>();
      for (const kong of order) found.set(kong, await sample(kong));
      if (round > 0) rounds.push([found.get(withPlugin), found.get(without)] as [Sample, Sample]);
    }
    return [
      result('handshake-time', 1.05, rounds, ({ wallMs }) => wallMs),
      result('handshake-cpu', 1.02, rounds, ({ cpuMs }) => cpuMs),
    ];
  } finally {
    await withPlugin.stop();
    await without.stop();
  }
}

interface Sample {
  wallMs: number;
  cpuMs: number;
}

function result(
  name: string,
  limit: number,
  rounds: readonly [Sample, Sample][],
  of: (sample: Sample) => number,
): Result {
  // CPU time is counted in steps of 10 ms: all rounds together say more than each.
  const sum = (side: 0 | 1) => rounds.reduce((total, round) => total + of(round[side]), 0) / rounds.length;
  const isCpu = name === 'handshake-cpu';
  const ours = isCpu ? sum(0) : median(rounds.map(([one]) => of(one)));
  const floor = isCpu ? sum(1) : median(rounds.map(([, one]) => of(one)));
  return {
    name,
    ours,
    floor,
    ratio: ours / floor,
    unit: 'ms',
    limit,
    against: `${HANDSHAKES} with a gateway without the plugin`,
  };
}

async function sample(kong: BenchKong): Promise<Sample> {
  const before = cpuMs(kong);
  const wallMs = await time(async () => {
    const queue = Array.from({ length: HANDSHAKES }, (_, index) => siteName(index % CERTIFICATES)).values();
    const worker = async () => {
      for (const servername of queue) {
        await handshake({ host: '127.0.0.1', port: kong.tlsPort, servername, timeoutMs: 30_000 });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  });
  return { wallMs, cpuMs: cpuMs(kong) - before };
}

/** The plugin has made its first passes and looks at the listeners. */
async function atRest(kong: BenchKong): Promise<void> {
  let last = -1;
  await eventually(
    'it is at rest',
    async () => {
      const before = last;
      last = cpuMs(kong);
      await sleep(1_500);
      return before !== -1 && last - before <= 30;
    },
    60_000,
  );
}

/** User and system time of the processes whose command line names the prefix, and of all that they started. */
function cpuMs({ prefix }: BenchKong): number {
  const stats = new Map<number, { parent: number; ticks: number }>();
  const own = new Set<number>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      stats.set(pid, { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) });
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(prefix)) own.add(pid);
    } catch {
      // It has just ended.
    }
  }
  const belongs = (pid: number): boolean => {
    const parent = stats.get(pid)?.parent ?? 0;
    return own.has(pid) || (parent > 1 && belongs(parent));
  };
  let ticks = 0;
  for (const [pid, stat] of stats) if (belongs(pid)) ticks += stat.ticks;
  return ticks * 10;
}
