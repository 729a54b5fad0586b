import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { connect } from 'node:tls';
import { expect, test } from 'vitest';
import { readServerName } from './tls/client-hello';

/** The first bytes that a client sends. */
async function hello(servername?: string): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ host: '127.0.0.1', port, ...(servername === undefined ? {} : { servername }) });
  client.on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  server.close();
  return bytes;
}

test('the name of a hello is found once it is whole', async () => {
  const bytes = await hello('a.example.test');
  for (const length of [0, 1, 5, 6, 40, bytes.length - 1]) {
    expect(readServerName(bytes.subarray(0, length))).toBeUndefined();
  }
  expect(readServerName(bytes)).toBe('a.example.test');
});

test('a hello in several records is put together', async () => {
  const bytes = await hello('a.example.test');
  const record = (part: Buffer) => {
    const header = Buffer.from([22, 3, 1, 0, 0]);
    header.writeUInt16BE(part.length, 3);
    return Buffer.concat([header, part]);
  };
  const message = bytes.subarray(5);
  const split = Buffer.concat([
    record(message.subarray(0, 3)),
    record(message.subarray(3, 90)),
    record(message.subarray(90)),
  ]);
  expect(readServerName(split)).toBe('a.example.test');
});

test('a hello without a name has none', async () => {
  expect(readServerName(await hello())).toBeNull();
});

test.for([
  { sentence: 'plain HTTP', bytes: Buffer.from('GET / HTTP/1.1\r\n\r\n') },
  {
    sentence: 'a length that points past the end',
    bytes: Buffer.from([22, 3, 1, 0, 8, 1, 0, 0, 4, 3, 3, 255, 255]),
  },
])('$sentence has no name', ({ bytes }) => {
  expect(readServerName(bytes)).toBeNull();
});
