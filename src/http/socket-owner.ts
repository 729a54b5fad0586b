import { lstatSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isIP, type Socket } from 'node:net';
import { endianness } from 'node:os';
import { isLoopback } from '../common/loopback';

/**
 * The users of the process that answers at the other end of a local connection; null where the system does not
 * tell: another system than Linux, or a listener in another network namespace. Linux lists both ends of a local
 * connection, with the user of each, in /proc/net/tcp and /proc/net/tcp6. An end that was not accepted yet belongs
 * to the listener.
 */
export async function ownersOfPeer(socket: Socket): Promise<ReadonlySet<number> | null> {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (
    localAddress === undefined ||
    localPort === undefined ||
    remoteAddress === undefined ||
    remotePort === undefined
  )
    return null;
  const there = endOf(remoteAddress, remotePort);
  const here = endOf(localAddress, localPort);
  const entries: Entry[] = [];
  let accepted: Entry | undefined;
  // The kernel goes through all its connections for each table, so the second one is read only where it is needed.
  for (const table of TABLES) {
    entries.push(...entriesAt(await table.read(), remotePort));
    accepted ??= entries.find(({ local, remote }) => local === there && remote === here);
    if (accepted !== undefined && accepted.inode !== 0) return new Set([accepted.uid]);
  }
  if (accepted === undefined) return null;
  const everywhere = [endOf('0.0.0.0', remotePort), endOf('::', remotePort)];
  const listening = entries.filter(
    ({ local, state }) => state === LISTEN && [there, ...everywhere].includes(local),
  );
  return new Set(listening.map(({ uid }) => uid));
}

/** The users who could have placed a unix socket: its owner, and that of a link to it. */
export function ownersOfPath(path: string): ReadonlySet<number> | null {
  try {
    return new Set([lstatSync(path).uid, statSync(path).uid]);
  } catch {
    // Connecting to it will tell why.
    return null;
  }
}

/** Whether both ends are on this machine, whatever name led there. */
export function isLocal({ localAddress, remoteAddress }: Socket): boolean {
  if (remoteAddress === undefined) return false;
  return isLoopback(remoteAddress.replace(/^::ffff:/i, '')) || remoteAddress === localAddress;
}

const LISTEN = '0A';

interface Entry {
  local: string;
  remote: string;
  state: string;
  uid: number;
  inode: number;
}

/** `  0: 0100007F:1F41 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 12345 …` */
function entriesAt(table: string, port: number): Entry[] {
  const found: Entry[] = [];
  const wanted = `:${portHex(port)} `;
  // A busy gateway has tens of thousands of lines: only those with the port are parsed.
  for (let at = table.indexOf(wanted); at !== -1; at = table.indexOf(wanted, at + 1)) {
    const start = table.lastIndexOf('\n', at) + 1;
    const end = table.indexOf('\n', at);
    const [, local = '', remote = '', state = '', , , , uid, , inode] = table
      .slice(start, end === -1 ? undefined : end)
      .trim()
      .split(/ +/);
    if (!local.endsWith(wanted.trim())) continue;
    found.push({
      local: mapped(local),
      remote: mapped(remote),
      state,
      uid: Number(uid),
      inode: Number(inode),
    });
  }
  return found;
}

const portHex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0');

/** In the kernel's notation: words of 32 bits in the machine's byte order. */
function endOf(address: string, port: number): string {
  const octets = octetsOf(address.replace(/^::ffff:(?=\d+\.)/i, ''));
  let text = '';
  for (let at = 0; at < octets.length; at += 4) {
    const word = octets.subarray(at, at + 4);
    text += Buffer.from(endianness() === 'LE' ? word.toReversed() : word).toString('hex');
  }
  return `${text.toUpperCase()}:${portHex(port)}`;
}

function octetsOf(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = (address.split('%', 1)[0] ?? '').split('::');
  const groups = (part = '') => part.split(':').filter((group) => group !== '');
  const [left, right] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0');
  return Buffer.from([...left, ...zeros, ...right].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

const MAPPED = endianness() === 'LE' ? '0000000000000000FFFF0000' : '00000000000000000000FFFF';

/** IPv4 addresses appear as mapped ones on an IPv6 socket. */
const mapped = (end: string) => (end.startsWith(MAPPED) ? end.slice(MAPPED.length) : end);

/**
 * A table of the kernel. Every caller gets a copy that was read after its call; calls during a read share the next
 * one.
 */
class KernelTable {
  #current: Promise<string> | null = null;
  #next: Promise<string> | null = null;

  constructor(private readonly path: string) {}

  read(): Promise<string> {
    if (this.#current === null) return this.begin();
    this.#next ??= this.#current.then(() => {
      this.#next = null;
      return this.begin();
    });
    return this.#next;
  }

  private begin(): Promise<string> {
    this.#current = readFile(this.path, 'latin1')
      .catch(() => '')
      .finally(() => (this.#current = null));
    return this.#current;
  }
}

const TABLES = [new KernelTable('/proc/net/tcp'), new KernelTable('/proc/net/tcp6')];
