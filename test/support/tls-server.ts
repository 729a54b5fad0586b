import {
  connect,
  createServer as createTcpServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import { createSecureContext, createServer, type TlsOptions } from 'node:tls';
import { onTestFinished } from 'vitest';
import type { Issued } from '../../src/authority/authority';
import { freePort } from './port';

export interface Listening {
  host: string;
  port: number;
}

async function listening(server: Server): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

type Identity = Pick<Issued, 'chain' | 'key'>;

/** Chooses the certificates for a name; null: the client sent none. Several are twins of two key types. */
export type Choose = (servername: string | null) => Identity | readonly Identity[];

/** A TLS server; each handshake is noted with the name that was asked for. */
export async function tlsServer(choose: Choose, more: Pick<TlsOptions, 'ciphers' | 'maxVersion'> = {}) {
  const asked: string[] = [];
  const options = (chosen: readonly Identity[]) => ({
    cert: chosen.map(({ chain }) => chain),
    key: chosen.map(({ key }) => key),
  });
  const server = createServer({
    ...more,
    ...options([choose(null)].flat()),
    SNICallback: (name, done) => {
      asked.push(name);
      const chosen = choose(name);
      // Node takes only one of two twins from here; both are in the server's own context.
      done(null, 'chain' in chosen ? createSecureContext({ ...more, ...options([chosen]) }) : undefined);
    },
  });
  server.on('tlsClientError', () => undefined);
  return { ...(await listening(server)), asked };
}

/** A server that takes connections and does with them what it is told. */
export const tcpServer = (serve: (socket: Socket) => void): Promise<Listening> =>
  listening(createTcpServer(serve));

/** A port where nobody listens. */
export const closedPort = async (): Promise<Listening> => ({ host: '127.0.0.1', port: await freePort() });

/** Takes the PROXY protocol header off each connection and hands the rest on, as a listener with proxy_protocol. */
export async function behindProxyProtocol(behind: Listening) {
  const headers: string[] = [];
  const front = await tcpServer((socket) => {
    let head = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n');
      if (end === -1) return;
      socket.off('data', onData);
      const header = head.subarray(0, end).toString('latin1');
      headers.push(header);
      if (!header.startsWith('PROXY ')) {
        socket.destroy();
        return;
      }
      const onward = connect(behind.port, behind.host);
      onward.on('error', () => socket.destroy());
      onward.write(head.subarray(end + 2));
      socket.pipe(onward).pipe(socket);
    };
    socket.on('data', onData);
  });
  return { ...front, headers };
}
