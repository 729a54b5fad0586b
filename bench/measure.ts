/** One line of the results. */
export interface Result {
  name: string;
  ours: number;
  /** The bare work that cannot be avoided, measured in the same run. */
  floor: number;
  ratio: number;
  unit: 'ms' | 'MB';
  /** What the ratio (or `ours`, for memory) may be at most. */
  limit: number;
  /** What the floor is. */
  against: string;
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
};

/** Milliseconds that something takes. */
export async function time(work: () => unknown): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** Both sides in turn, so that the machine's moods hit both; the first round of each is not counted. */
export async function sideBySide(
  rounds: number,
  ours: () => Promise<number>,
  floor: () => Promise<number>,
): Promise<{ ours: number; floor: number; ratio: number }> {
  const samples = { ours: [] as number[], floor: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    const isWarmUp = round === 0;
    const [first, second] = [await floor(), await ours()];
    if (isWarmUp) continue;
    samples.floor.push(first);
    samples.ours.push(second);
  }
  const result = { ours: median(samples.ours), floor: median(samples.floor) };
  return { ...result, ratio: result.ours / result.floor };
}
