import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { join } from 'node:path';
import { eventually } from '../test/support/eventually';
import { handshake } from '../src/verify';
import { startKong, type BenchKong } from './kong';
import { median, time, type Result } from './measure';
import { makePairs, siteName, writePairs } from './pairs';

const CERTIFICATES = 50;
const ROUNDS = 21;
const HANDSHAKES = 300;
const AT_ONCE = 4;

/**
 * Handshakes with a gateway that has the plugin and with two that have not, in turn. CPU time is that of all of the
 * gateway's processes, the plugin server included. How much the two without it differ is the noise.
 */
export async function handshakes(folder: (name: string) => string): Promise<Result[]> {
  const pairs = makePairs(CERTIFICATES);
  const certs = join(folder('handshake-certs'), 'certs');
  mkdirSync(certs, { recursive: true });
  writePairs(certs, pairs);
  const plugin = { interval: 300, sources: [{ type: 'directory', path: certs }] };
  const gateways: BenchKong[] = [];
  try {
    for (const name of ['without', 'with', 'without-too']) {
      const has = name === 'with' ? { plugin } : {};
      gateways.push(
        await startKong({ mode: 'database', folder: folder(`handshake-${name}`), pairs, ...has }),
      );
    }
    for (const kong of gateways) await atRest(kong);
    const rounds: Round[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const samples: Sample[] = [];
      // The gateways take turns: the later one finds a warmer machine.
      for (let step = 0; step < gateways.length; step++) {
        const index = (round + step) % gateways.length;
        samples[index] = await sample(gateways[index] as BenchKong);
      }
      if (round > 0) rounds.push(samples as Round);
    }
    const [without, ours, other] = ([0, 1, 2] as const).map((side) => ({
      wallMs: median(rounds.map((round) => round[side].wallMs)),
      cpuMs: median(rounds.map((round) => round[side].cpuMs)),
    })) as Round;
    const floor = { wallMs: (without.wallMs + other.wallMs) / 2, cpuMs: (without.cpuMs + other.cpuMs) / 2 };
    return [
      result('handshake-time', ours.wallMs, floor.wallMs, 1.05),
      result('handshake-cpu', ours.cpuMs, floor.cpuMs, 1.02),
      result('handshake-cpu-noise', other.cpuMs, without.cpuMs, null),
    ];
  } finally {
    for (const kong of gateways) await kong.stop();
  }
}

type Round = [without: Sample, ours: Sample, other: Sample];

interface Sample {
  wallMs: number;
  cpuMs: number;
}

function result(name: string, ours: number, floor: number, limit: number | null): Result {
  const against = `${HANDSHAKES} with a gateway without the plugin`;
  return { name, ours, floor, ratio: ours / floor, unit: 'ms', limit, against };
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

/** CPU time of the processes whose command line names the prefix, and of all that they started, in ms. */
function cpuMs({ prefix }: BenchKong): number {
  const processes = new Map<number, { parent: number; ms: number }>();
  const own = new Set<number>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      processes.set(pid, { parent, ms: threadsMs(pid) });
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(prefix)) own.add(pid);
    } catch {
      // It has just ended.
    }
  }
  const belongs = (pid: number): boolean => {
    const parent = processes.get(pid)?.parent ?? 0;
    return own.has(pid) || (parent > 1 && belongs(parent));
  };
  let total = 0;
  for (const [pid, { ms }] of processes) if (belongs(pid)) total += ms;
  return total;
}

/** The scheduler counts in nanoseconds, /proc/PID/stat in steps of 10 ms. */
function threadsMs(pid: number): number {
  const nanoseconds = readdirSync(`/proc/${pid}/task`).map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
  );
  return nanoseconds.reduce((sum, value) => sum + value, 0) / 1e6;
}
