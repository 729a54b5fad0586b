import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';

/**
 * Below those that the kernel hands out for port 0 and for outgoing connections, and above those that `fetch` refuses
 * ("bad port"): the last one of them is 10080.
 */
export const FIRST = 10_400;
export const LAST = 30_000;
/** Test files run in several processes at a time, each with a number of its own: one port in so many is each one's. */
const WORKERS = 16;

/** Ports that this process has given out. */
const given = new Set<number>();

/**
 * A port that no other test is given, so that it is still free when a server has been restarted. Somebody else may
 * have it: whoever listens on it tries another one then.
 */
export function ownPort(): number {
  const worker = Number(process.env['VITEST_POOL_ID'] ?? '0') % WORKERS;
  if (given.size > (LAST - FIRST) / WORKERS / 2) given.clear();
  for (;;) {
    const port = randomInt(FIRST / WORKERS, LAST / WORKERS) * WORKERS + worker;
    if (given.has(port)) continue;
    given.add(port);
    return port;
  }
}

/** One of them where nobody listens, for a program that cannot try another one. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = ownPort();
    if (await isFree(port)) return port;
  }
}

/** Listens on 127.0.0.1. @param port 0: one of them @returns the port; @throws Error where that is taken */
export async function listenOn(server: Server, port: number): Promise<number> {
  for (;;) {
    const chosen = port === 0 ? ownPort() : port;
    try {
      await listening(server, chosen);
      return chosen;
    } catch (error) {
      if (port !== 0 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await listening(server, port);
  } catch {
    return false;
  }
  await new Promise((resolve) => server.close(resolve));
  return true;
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}
