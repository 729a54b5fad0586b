import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** One request that a webhook got. */
export interface Received {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: unknown;
}

export interface Receiver {
  readonly url: string;
  readonly received: Received[];
  readonly server: Server;
}

type Answer = (response: ServerResponse, count: number) => void;

/** A webhook on loopback that goes with the test. @param answer what it does with a request; by default it takes it */
export async function startReceiver(answer?: Answer): Promise<Receiver> {
  const receiver = await openReceiver(answer);
  onTestFinished(() => receiver.close());
  return receiver;
}

export async function openReceiver(
  answer: Answer = (response) => response.end('ok'),
): Promise<Receiver & { close(): void }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      received.push({ method, path, headers, body: JSON.parse(Buffer.concat(chunks).toString()) as unknown });
      answer(response, received.length);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${port}`, received, server, close };
}
