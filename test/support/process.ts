import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from './eventually';

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
