import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';
import { Authority, type Issued } from '../../src/authority/authority';
import { testFolder } from './folders';

/** A request as a server got it. */
export interface Seen {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
  /** Common name of the client certificate; null without one. */
  client: string | null;
  /** Its fingerprint. */
  clientLeaf: string | null;
}

export type Handle = (seen: Seen, response: ServerResponse) => void | Promise<void>;

export interface TestServer {
  /** Without a slash at its end. */
  url: string;
  port: number;
  /** Every request, oldest first. */
  seen: Seen[];
  /** Number of open connections. */
  connections: () => number;
}

/** A made-up CA, with its certificate as a file. */
export function testAuthority() {
  const authority = Authority.root('Test CA');
  const caFile = join(testFolder(), 'ca.pem');
  writeFileSync(caFile, authority.cert);
  return { authority, caFile };
}

export interface HttpsOptions {
  identity: Issued;
  /** PEM of the CA that client certificates have to be of. */
  clientCa?: string;
  /** It asks for one and does without it, too. */
  isClientOptional?: boolean;
}

/** An https server on loopback that ends with the test. */
export function httpsServer(
  { identity, clientCa, isClientOptional = false }: HttpsOptions,
  handle: Handle,
): Promise<TestServer> {
  const seen: Seen[] = [];
  const options = {
    cert: identity.chain,
    key: identity.key,
    ...(clientCa === undefined
      ? {}
      : { ca: clientCa, requestCert: true, rejectUnauthorized: !isClientOptional }),
  };
  return started(createHttpsServer(options, noting(seen, handle)), 'https', seen);
}

/** The same without TLS. */
export function httpServer(handle: Handle): Promise<TestServer> {
  const seen: Seen[] = [];
  return started(createHttpServer(noting(seen, handle)), 'http', seen);
}

const noting = (seen: Seen[], handle: Handle) => (request: IncomingMessage, response: ServerResponse) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('error', () => undefined);
  response.on('error', () => undefined);
  request.on('end', () => {
    const { method = '', url: path = '', headers, socket } = request;
    const peer = 'getPeerCertificate' in socket ? (socket as TLSSocket).getPeerCertificate() : undefined;
    // Without a client certificate it is an empty object.
    const subject = peer?.subject as { CN: string } | undefined;
    const one = {
      method,
      path,
      headers,
      body: Buffer.concat(chunks).toString(),
      client: subject?.CN ?? null,
      clientLeaf: peer?.fingerprint256 ?? null,
    };
    seen.push(one);
    void handle(one, response);
  });
};

async function started(
  server: ReturnType<typeof createHttpServer>,
  scheme: string,
  seen: Seen[],
): Promise<TestServer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `${scheme}://127.0.0.1:${port}`, port, seen, connections: () => sockets.size };
}
