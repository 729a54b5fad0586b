import { connect, createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { createSecureContext, createServer } from 'node:tls';
import type { Issued } from '../../src/authority/authority';

/** Something that listens on loopback. */
export interface Listener {
  port: number;
  close: () => void;
}

async function listening(server: Server): Promise<Listener> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

/** A TLS listener that has these pairs for these names, whatever Kong stores. */
export function listenerWith(names: readonly string[], pairs: readonly Issued[]): Promise<Listener> {
  const contexts = new Map(
    names.map((name, at) => [name, createSecureContext({ cert: pairs[at]?.chain, key: pairs[at]?.key })]),
  );
  const server = createServer({
    ...{ cert: pairs[0]?.chain, key: pairs[0]?.key },
    SNICallback: (name, done) => done(null, contexts.get(name)),
  });
  server.on('tlsClientError', () => undefined);
  return listening(server);
}

/** Passes connections on after so many milliseconds. */
export function slowRelay(to: () => number, ms: number): Promise<Listener> {
  return listening(
    createTcpServer((client) => {
      const timer = setTimeout(() => {
        const server = connect(to(), '127.0.0.1');
        client.pipe(server).pipe(client);
        server.on('error', () => client.destroy());
        client.on('close', () => server.destroy());
      }, ms);
      client.on('error', () => undefined);
      client.on('close', () => clearTimeout(timer));
    }),
  );
}
