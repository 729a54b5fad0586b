import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Fault, FaultTable } from '../fault';

/** A second source is a URL where this server answers; renewals of the folder are served meanwhile. */
const server = (sentence: string, listener: RequestListener): Fault => ({
  sentence,
  run: async (world) => {
    const remote = createServer(listener);
    await new Promise<void>((resolve) => remote.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(remote.address() as AddressInfo).port}/bundle.pem`;
    try {
      const folder = { type: 'directory', path: world.supply.folder, create: false };
      await world.configure({ sources: [folder, { type: 'http', url, create: false, timeout: 2 }] });
      await world.says('the URL cannot be read', ({ waiting, reloaders }) =>
        [waiting, ...reloaders.flatMap(({ sources }) => sources.map(({ error }) => error))].some(Boolean),
      );
      for (let round = 0; round < 3; round++) {
        world.supply.renew();
        await world.served();
      }
      await world.configure({});
    } finally {
      remote.closeAllConnections();
      remote.close();
    }
  },
});

/** A source behind a network that is in trouble beside one that is not. */
export const REMOTE_FAULTS: FaultTable = {
  'remote-hangs': server('A source behind a network takes requests and never answers.', () => undefined),
  'remote-500': server('A source behind a network answers 500.', (_, response) => {
    response.writeHead(500).end();
  }),
  'remote-endless': server('A source behind a network answers without an end.', (_, response) => {
    const timer = setInterval(() => response.write(Buffer.alloc(65_536, 'x')), 5);
    response.on('close', () => clearInterval(timer));
  }),
};
