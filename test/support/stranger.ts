import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as net from 'node:net';
import * as tls from 'node:tls';
import { onTestFinished, vi } from 'vitest';
import type { Issued } from '../../src/authority/authority';

/** Another user's program: it answers everything, and reports what it was sent. */
const PROGRAM = `
  const [where, host, identity] = JSON.parse(process.argv[1]);
  const { createServer } = require(identity ? 'node:tls' : 'node:net');
  const server = createServer(identity ?? {}, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (octets) => {
      process.stdout.write('got ' + octets.toString('latin1'));
      socket.end('HTTP/1.1 200 OK\\r\\ncontent-length: 15\\r\\n\\r\\n{"database":{}}');
    });
  });
  server.on('tlsClientError', () => {});
  server.listen(where, host ?? undefined, () => process.stdout.write('listening ' + JSON.stringify(server.address()) + '\\n'));
`;

const NOBODY = 65_534;

export interface Stranger {
  port: number;
  /** All that it was sent until now. */
  heard: () => Promise<string>;
}

/**
 * A server of a user who is neither root nor this one. Only root can start one; for others it is their own, and this
 * process takes itself for somebody else.
 * @param where a port (0: any) or the path of a unix socket
 */
export async function startStranger(
  where: number | string = 0,
  host?: string,
  identity?: Issued,
): Promise<Stranger> {
  const isRoot = process.geteuid?.() === 0;
  if (!isRoot) {
    const spy = vi.spyOn(process, 'geteuid').mockReturnValue(NOBODY - 1);
    onTestFinished(() => spy.mockRestore());
  }
  const child = spawn(
    process.execPath,
    [
      '-e',
      PROGRAM,
      JSON.stringify([
        where,
        host ?? null,
        identity === undefined ? null : { cert: identity.chain, key: identity.key },
      ]),
    ],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: '/',
      ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
    },
  );
  const isOver = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await isOver;
  });
  let said = '';
  child.stdout.on('data', (octets: Buffer) => (said += octets.toString('latin1')));
  while (!said.includes('\n')) await once(child.stdout, 'data');
  const address: unknown = JSON.parse(said.slice('listening '.length, said.indexOf('\n')));
  const port =
    typeof address === 'object' && address !== null && 'port' in address ? Number(address.port) : 0;
  said = '';
  let count = 0;
  const heard = async () => {
    // Reports come in the order of the requests.
    const mark = `mark ${(count += 1)}`;
    const to = typeof where === 'string' ? { path: where } : { port, host: host ?? '127.0.0.1' };
    const socket =
      identity === undefined ? net.connect(to) : tls.connect({ ...to, rejectUnauthorized: false });
    socket.on('error', () => undefined).end(mark);
    while (!said.includes(mark)) await once(child.stdout, 'data');
    return said.replaceAll(/got mark \d+/g, '');
  };
  return { port, heard };
}
