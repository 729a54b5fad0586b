import { readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { USUAL_PREFIX } from '../../common/product';
import { readConfiguredFile, type FileError } from '../../common/configured-file';

/**
 * The prefix of the Kong that started this process, from the command line of nginx's master (`nginx -p PREFIX`):
 * Kong passes no environment, and no argument either where it finds the plugin server by name.
 */
export function findPrefix(pid = process.ppid): string {
  // In a container the master is process 1.
  for (let depth = 0, at = pid; depth < 4 && at > 0; depth++) {
    const prefix = prefixOf(at);
    if (prefix !== null) return prefix;
    at = parentOf(at);
  }
  return USUAL_PREFIX;
}

/**
 * The process id of nginx's master: only of a process whose title names this very prefix, since the id in the pid
 * file may belong to another program by now.
 * @returns the process id, or in a sentence why it is unknown
 */
export function findMaster(prefix: string): number | string {
  const path = join(prefix, 'pids', 'nginx.pid');
  let pid: number;
  try {
    pid = Number(readConfiguredFile(path).trim());
  } catch (error) {
    return `${path} cannot be read (${(error as FileError).code}), so Kong cannot be reloaded from here`;
  }
  // In a container the master is process 1.
  if (!Number.isInteger(pid) || pid < 1) return `${path} holds no process id`;
  if (isMaster(pid) && isSameFolder(prefixOf(pid), prefix)) return pid;
  return `process ${pid} of ${path} is not the nginx of ${prefix}, or is not visible from here (another container?), so Kong is not reloaded`;
}

/**
 * When Kong last read its files: the start of its workers, at its start or at a reload.
 * @returns milliseconds since the epoch; null: unknown
 */
export function kongReadAt(prefix: string): number | null {
  const master = findMaster(prefix);
  if (typeof master === 'string') return null;
  const workers = childrenOf(master).filter((pid) => isWorker(pid) && !isLeavingWorker(pid));
  const starts = workers.map(startOf).filter((start) => start !== null);
  return starts.length === 0 ? null : Math.min(...starts);
}

/** Linux counts a process's start in hundredths of a second since boot. */
function startOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    const [uptime] = readFileSync('/proc/uptime', 'utf8').split(' ');
    return Date.now() - (Number(uptime) * 1000 - ticks * 10);
  } catch {
    return null;
  }
}

/** The user of a process; null: it is gone, or not visible. */
export function userOf(pid: number): number | null {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid ?? null;
}

/** The users of a process's children; empty where the system does not tell. */
export const usersOfChildren = (pid: number): number[] =>
  childrenOf(pid).flatMap((child) => userOf(child) ?? []);

function childrenOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    return children.filter((child) => child !== '').map(Number);
  } catch {
    return [];
  }
}

/** The prefix of an nginx, from its command line; null: not nginx, or not visible. */
function prefixOf(pid: number): string | null {
  try {
    // nginx rewrites its title with spaces: "nginx: master process /…/nginx -p /usr/local/kong -c nginx.conf"
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split(/[\0 ]+/);
    const at = words.indexOf('-p');
    const prefix = words[at + 1];
    if (at === -1 || prefix === undefined || !words.some((word) => word.includes('nginx'))) return null;
    return prefix.startsWith('/') ? prefix : join(readlinkSync(`/proc/${pid}/cwd`), prefix);
  } catch {
    return null;
  }
}

/** Whether a process is a worker of nginx, as a plugin server's parent is. */
export const isWorker = (pid: number): boolean => titleOf(pid).startsWith('nginx: worker process');

/** Whether a process is a worker that a reload has replaced and that takes no more connections. */
export const isLeavingWorker = (pid: number): boolean =>
  titleOf(pid).startsWith('nginx: worker process is shutting down');

function titleOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces; the parent is the second field after it.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}

const isMaster = (pid: number): boolean => titleOf(pid).startsWith('nginx: master process');

function isSameFolder(a: string | null, b: string): boolean {
  try {
    return a !== null && realpathSync(a) === realpathSync(b);
  } catch {
    return false;
  }
}
