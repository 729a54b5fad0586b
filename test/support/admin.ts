import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished } from 'vitest';
import { AdminClient, AdminError } from '../../src/gateway';
import type { AdminClientOptions } from '../../src/gateway/admin/access';

/** A request as the server got it. */
export interface Received {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** An answer: a status with headers and a body, or something done to the connection. */
export type Answer =
  { status: number; headers?: Record<string, string>; body?: unknown } | ((response: ServerResponse) => void);

/** An HTTP server that gives one answer after the other, the last one again and again. */
export async function answering(answers: readonly Answer[], at: number | string = 0) {
  const received: Received[] = [];
  let next = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      received.push({ method, url, headers, body: Buffer.concat(chunks).toString('utf8') });
      const answer = answers[Math.min(next++, answers.length - 1)] ?? { status: 404 };
      if (typeof answer === 'function') {
        answer(response);
        return;
      }
      const { body } = answer;
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
      response.end(typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => {
    if (typeof at === 'string') server.listen(at, resolve);
    else server.listen(at, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address() as AddressInfo | string;
  const url = typeof address === 'string' ? `unix:${address}` : `http://127.0.0.1:${address.port}`;
  return { url, received, server };
}

/** Ends the connection as a worker that dies does. */
export const reset = (response: ServerResponse): void => {
  response.socket?.resetAndDestroy();
};

/** Ends the connection in the middle of the answer. */
export const cutOff = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"data":[');
  setImmediate(() => response.socket?.destroy());
};

/** A client that ends with the test. */
export function clientOf(url: string, options: Partial<AdminClientOptions> = {}): AdminClient {
  const client = new AdminClient({ url, attempts: 2, ...options });
  onTestFinished(() => client.close());
  return client;
}

export async function failureOf(promise: Promise<unknown>): Promise<AdminError> {
  const error: unknown = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AdminError);
  return error as AdminError;
}
