import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { handshake } from '../../src/verify/handshake';

/** The header of a TLS record of 16 KiB with parts of a handshake. */
const RECORD = Buffer.from('1603034000', 'hex');
const record = (start: string) =>
  Buffer.concat([RECORD, Buffer.from(start, 'hex'), Buffer.alloc(0x4000 - start.length / 2, 0x0b)]);

function pour(socket: Socket, piece: Buffer): void {
  const more = () => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on('drain', more);
  more();
}

function drip(socket: Socket, octets: Buffer): void {
  let at = 0;
  const timer = setInterval(
    () => socket.write(octets.subarray(at % octets.length, (at++ % octets.length) + 1)),
    10,
  );
  socket.on('close', () => clearInterval(timer));
}

/** Misbehaviours of a listener towards handshakes. */
const MISBEHAVIOURS: Readonly<Record<string, (socket: Socket) => void>> = {
  'says nothing': () => undefined,
  'hangs up': (socket) => socket.destroy(),
  'speaks HTTP': (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
  'drips a handshake, octet by octet': (socket) => drip(socket, record('02000050')),
  'drips records': (socket) => drip(socket, Buffer.from('160303000102', 'hex')),
  'announces a message of 16 MiB, and sends it': (socket) => pour(socket, record('02ffffff')),
  'sends messages without end': (socket) => pour(socket, record('0b003ffc')),
  'sends octets without sense': (socket) => pour(socket, Buffer.alloc(65_536, 0xa5)),
  'sends empty records without end': (socket) => pour(socket, Buffer.alloc(65_535, '1603030000', 'hex')),
  'sends alerts without end': (socket) => pour(socket, Buffer.alloc(65_534, '15030300020100', 'hex')),
};

test.for(Object.entries(MISBEHAVIOURS))(
  'a listener that %s costs no more than the time limit, and little memory',
  async ([, misbehave]) => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('data', () => misbehave(socket));
    });
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await expect(
      handshake({ host: '127.0.0.1', port, servername: 'a.test', timeoutMs: 300 }),
    ).rejects.toThrow();
    // It was not listened to for longer: what was sent fits into buffers of the system.
    const sent = [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, 0);
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  },
);
