import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';

/** One line of the results. */
export interface Result {
  name: string;
  ours: number;
  /** The bare work that cannot be avoided, measured in the same run. */
  floor: number;
  ratio: number;
  unit: 'ms' | 'MB';
  /** Upper limit of the ratio, or of `ours` itself; null: there is none. */
  limit: number | null;
  /** Default: `ours` for MB, the ratio for the rest. */
  limits?: 'ours' | 'ratio';
  /** Name of the work that the figure is compared with. */
  against: string;
  /** The longest time in ms for which our side kept the event loop busy; left out where it is not ours to keep free. */
  pauseMs?: number;
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
};

/** Delays of the event loop within `time` and `cpuTime`, in nanoseconds. */
const delay = monitorEventLoopDelay({ resolution: 5 });

async function watched(work: () => unknown): Promise<void> {
  delay.enable();
  try {
    await work();
  } finally {
    delay.disable();
  }
}

/** Milliseconds that something takes. */
export async function time(work: () => unknown): Promise<number> {
  const began = performance.now();
  await watched(work);
  return performance.now() - began;
}

/** Milliseconds of this process's CPU that something takes, all threads counted: other processes do not matter. */
export async function cpuTime(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await watched(work);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Drops the event loop's delay: another process does the work. */
export const elsewhere = <T extends { pauseMs: number }>({
  pauseMs: _,
  ...measured
}: T): Omit<T, 'pauseMs'> => measured;

/**
 * Both sides run as the dedicated server does with less than 2,000 bundles to read: without V8's optimizing compiler, whose
 * threads would count for CPU time.
 */
export async function withoutOptimising<T>(measure: () => Promise<T>): Promise<T> {
  setFlagsFromString('--no-opt');
  try {
    return await measure();
  } finally {
    setFlagsFromString('--opt');
  }
}

/** Both sides in turn, each first every other time, so that the machine's moods hit both; the first round is not counted. */
export async function sideBySide(
  rounds: number,
  ours: () => Promise<number>,
  floor: () => Promise<number>,
): Promise<{ ours: number; floor: number; ratio: number; pauseMs: number }> {
  const sides = { ours, floor };
  const samples = { ours: [] as number[], floor: [] as number[] };
  let pauseMs = 0;
  for (let round = 0; round <= rounds; round++) {
    const order = round % 2 === 0 ? (['floor', 'ours'] as const) : (['ours', 'floor'] as const);
    for (const side of order) {
      delay.reset();
      const sample = await sides[side]();
      if (round === 0) continue;
      samples[side].push(sample);
      if (side === 'ours') pauseMs = Math.max(pauseMs, delay.max / 1e6);
    }
  }
  const result = { ours: median(samples.ours), floor: median(samples.floor) };
  return { ...result, ratio: result.ours / result.floor, pauseMs };
}
