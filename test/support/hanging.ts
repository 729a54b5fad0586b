import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A server that takes connections and never answers. */
export async function hanging() {
  const held: Socket[] = [];
  const server = createServer((socket) => void held.push(socket)).listen(0, '127.0.0.1');
  onTestFinished(() => {
    for (const socket of held) socket.destroy();
    server.close();
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, isAsked: () => held.length > 0 };
}
