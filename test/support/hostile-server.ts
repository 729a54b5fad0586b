import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { onTestFinished } from 'vitest';
import type { Issued } from '../../src/authority/authority';

/** A server's misbehaviour on a connection, once the head of a request was read. */
export type Misbehaviour = (socket: Socket, request: string) => void;

/** Writes as fast as it is taken, until the other side has enough. */
function pour(socket: Socket, piece: string | Buffer): void {
  const more = () => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on('drain', more);
  more();
}

/** An octet now and then, for as long as somebody listens. */
function drip(socket: Socket, piece: string): void {
  const timer = setInterval(() => socket.write(piece), 20);
  socket.on('close', () => clearInterval(timer));
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

/** Everything that a server can do instead of answering. */
export const MISBEHAVIOURS: Readonly<Record<string, Misbehaviour>> = {
  'says nothing': () => undefined,
  'hangs up': (socket) => socket.destroy(),
  'hangs up in the middle of the headers': (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-'),
  'hangs up in the middle of the body': (socket) => socket.end(`${OK}content-length: 1000\r\n\r\n{"data":`),
  'drips the status line': (socket) => drip(socket, 'H'),
  'drips headers': (socket) => {
    socket.write(OK);
    drip(socket, 'x: y\r\n');
  },
  'drips a body': (socket) => {
    socket.write(`${OK}content-length: 100000000\r\n\r\n`);
    drip(socket, ' ');
  },
  'drips chunks of one octet': (socket) => {
    socket.write(`${OK}transfer-encoding: chunked\r\n\r\n`);
    drip(socket, chunk(' '));
  },
  'drips lines': (socket) => {
    socket.write(`${OK}transfer-encoding: chunked\r\n\r\n`);
    drip(socket, chunk('\n'));
  },
  'goes on with headers for ever': (socket) => {
    socket.write(OK);
    pour(socket, `x: ${'y'.repeat(1_000)}\r\n`);
  },
  'goes on with one header for ever': (socket) => {
    socket.write(`${OK}x: `);
    pour(socket, 'y'.repeat(10_000));
  },
  'goes on with interim answers for ever': (socket) =>
    pour(socket, 'HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n'.repeat(100)),
  'goes on with a body for ever': (socket) => {
    socket.write(`${OK}\r\n`);
    pour(socket, Buffer.alloc(65_536, ' '));
  },
  'goes on with chunks of one octet for ever': (socket) => {
    socket.write(`${OK}transfer-encoding: chunked\r\n\r\n`);
    pour(socket, chunk(' ').repeat(1_000));
  },
  'goes on with empty lines for ever': (socket) => {
    socket.write(`${OK}transfer-encoding: chunked\r\n\r\n`);
    pour(socket, chunk('\n'.repeat(10_000)));
  },
  'announces a body that is too large': (socket) => {
    socket.write(`${OK}content-length: 99999999999999\r\n\r\n`);
  },
  'announces two lengths': (socket) => socket.end(`${OK}content-length: 1\r\ncontent-length: 2\r\n\r\n{}`),
  'speaks something else': (socket) => socket.end('220 mail ESMTP ready\r\n'),
  'sends octets without sense': (socket) => socket.end(Buffer.from([0, 255, 1, 254, 13, 10, 13, 10])),
  'redirects to itself': (socket, request) => {
    const [, path = '/'] = request.split(' ');
    socket.write(`HTTP/1.1 302 Found\r\nlocation: ${path}\r\ncontent-length: 0\r\n\r\n`);
  },
  'answers with a page': (socket) =>
    socket.end('HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>'),
  'answers with JSON of another kind': (socket) => socket.end(`${OK}content-length: 2\r\n\r\n[]`),
  'answers with JSON that is deeply nested': (socket) => {
    const text = '['.repeat(100_000);
    socket.end(`${OK}content-length: ${text.length}\r\n\r\n${text}`);
  },
};

export interface HostileServer {
  port: number;
  url: string;
  /** Heads and bodies of all requests, as they came. */
  seen: string[];
  /** Octets that were sent. */
  sent: () => number;
  connections: () => number;
}

/** A server on loopback that does what it should not, with TLS where it has an identity. */
export async function hostileServer(misbehave: Misbehaviour, identity?: Issued): Promise<HostileServer> {
  const sockets = new Set<Socket>();
  const seen: string[] = [];
  let connections = 0;
  let sentByClosed = 0;
  const onConnection = (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    let text = '';
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sentByClosed += socket.bytesWritten;
      sockets.delete(socket);
    });
    socket.on('data', (octets) => {
      text += octets.toString('latin1');
      seen.push(octets.toString('latin1'));
      if (!text.includes('\r\n\r\n')) return;
      const request = text;
      // A kept connection gets the same again.
      text = '';
      misbehave(socket, request);
    });
  };
  const server =
    identity === undefined
      ? createServer(onConnection)
      : createTlsServer({ cert: identity.chain, key: identity.key }, onConnection);
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http${identity === undefined ? '' : 's'}://127.0.0.1:${port}`,
    seen,
    sent: () => [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, sentByClosed),
    connections: () => connections,
  };
}
