import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Processes of one master, as `nginx: worker process`. */
export function childrenOf(master: number): number[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const [, parent] = /^.*\) \S (\d+)/.exec(readFileSync(`/proc/${entry}/stat`, 'utf8')) ?? [];
      return Number(parent) === master ? [Number(entry)] : [];
    } catch {
      return [];
    }
  });
}

/** Finds the process at the other end of a local connection; null: it is none of these, or the connection is over. */
export function holderOf(port: number, clientPort: number, processes: readonly number[]): number | null {
  const hex = (number: number) => number.toString(16).toUpperCase().padStart(4, '0');
  const line = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((text) => text.trim().split(/ +/))
    .find(([, local, remote]) => local?.endsWith(`:${hex(port)}`) && remote?.endsWith(`:${hex(clientPort)}`));
  const wanted = `socket:[${line?.[9] ?? ''}]`;
  return processes.find((pid) => descriptorsOf(pid).includes(wanted)) ?? null;
}

function descriptorsOf(pid: number): string[] {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).flatMap((name) => {
      try {
        return [readlinkSync(`${folder}/${name}`)];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}
