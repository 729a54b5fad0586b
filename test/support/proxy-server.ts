import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Issued } from '../../src/authority/authority';

export interface ProxyServer {
  url: string;
  port: number;
  /** Requested destinations, with the credentials that came along. */
  asked: { target: string; authorization: string | undefined }[];
  /** All octets that went through it to the server. */
  carried: () => string;
}

/**
 * A proxy on loopback that knows CONNECT; whatever host is named, it connects to this machine.
 * @param refuse a status in place of a connection
 */
export async function proxyServer({
  identity,
  refuse,
}: { identity?: Issued; refuse?: (request: IncomingMessage) => number | null } = {}): Promise<ProxyServer> {
  const sockets = new Set<Socket>();
  const asked: ProxyServer['asked'] = [];
  let carried = '';
  const server =
    identity === undefined
      ? createHttpServer()
      : createHttpsServer({ cert: identity.chain, key: identity.key });
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    const { url: target = '', headers } = request;
    asked.push({ target, authorization: headers['proxy-authorization'] });
    socket.on('error', () => undefined);
    const status = refuse?.(request) ?? null;
    if (status !== null) {
      socket.end(`HTTP/1.1 ${status} No\r\nx: ${headers['proxy-authorization'] ?? ''}\r\n\r\n`);
      return;
    }
    const upstream = connect(Number(target.split(':').at(-1)), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.on('data', (octets: Buffer) => (carried += octets.toString('latin1')));
      socket.pipe(upstream).pipe(socket);
    });
    sockets.add(socket).add(upstream);
    upstream.on('error', () => socket.destroy());
    socket.on('close', () => upstream.destroy());
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http${identity === undefined ? '' : 's'}://127.0.0.1:${port}`,
    asked,
    carried: () => carried,
  };
}
