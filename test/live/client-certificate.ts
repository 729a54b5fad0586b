import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { expect, it, onTestFinished } from 'vitest';
import { Authority, type Issued } from '../../src/authority/authority';
import { admin, enablePlugin, type KongMode, type StartKong } from '../scenarios/kong';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { httpsServer } from '../support/https-server';
import { childrenOf, holderOf } from '../support/socket-process';
import { leafOf } from '../support/tls';

const root = Authority.root();
const issuer = root.intermediate();
const ID = '22222222-2222-4222-8222-222222222222';
/** Connections at the same time: a worker that is busy with one leaves the next to another. */
const AT_ONCE = 8;
/** Number of workers with which the live suite starts Kong. */
const WORKERS = 2;

const client = (ageMinutes: number): Issued =>
  issuer.issue({
    names: ['billing.clients.test'],
    usage: 'client',
    notBefore: new Date(Date.now() - ageMinutes * 60_000),
  });

/** Needs a gateway that passes requests on, which the stand-in does not. */
export function describeClientCertificate(startKong: StartKong, mode: KongMode): void {
  it(`an upstream sees the renewed client certificate of a service at new connections (${mode})`, async () => {
    const certs = testFolder();
    const old = client(60);
    const certificates = [{ id: ID, cert: old.chain, key: old.key }];
    const service = { name: 'upstream', url: await upstream(), client_certificate: { id: ID } };
    const config = { sources: [{ type: 'directory', path: certs, create: false }] };
    const declarativeConfig = dump({
      _format_version: '3.0',
      certificates,
      services: [{ ...service, client_certificate: ID, routes: [{ name: 'all', paths: ['/'] }] }],
      plugins: [{ name: 'ssl-cert-reloader', config }],
    });
    const kong = await startKong(mode === 'dbless' ? { mode, declarativeConfig } : { mode });
    onTestFinished(() => kong.stop());
    if (mode === 'database') {
      await admin(kong, 'POST', '/certificates', certificates[0]);
      await admin(kong, 'POST', '/services', service);
      await admin(kong, 'POST', '/services/upstream/routes', { name: 'all', paths: ['/'] });
      await enablePlugin(kong, config);
    }
    const master = Number(readFileSync(join(kong.prefix, 'pids', 'nginx.pid'), 'utf8'));
    /** The last certificate of each worker; every worker has shown one. */
    const shownByAll = async () => {
      const shown = new Map<number, string>();
      await eventually('every worker shows something', async () => {
        const workers = childrenOf(master);
        await Promise.all(
          Array.from({ length: AT_ONCE }, async () => {
            const { worker, leaf } = await ask(kong.tlsPort, workers);
            if (worker !== null) shown.set(worker, leaf);
          }),
        );
        return shown.size === WORKERS;
      });
      return [...new Set(shown.values())];
    };
    await eventually(
      'every worker shows the old one',
      async () => (await shownByAll()).join() === leafOf(old.cert),
    );

    const renewed = client(1);
    writePair(certs, 'client', renewed);
    await eventually('the swap is logged', () =>
      kong.log().find(({ message }) => message === 'certificate swapped'),
    );
    const isNew = async () => (await shownByAll()).join() === leafOf(renewed.cert);
    await eventually('every worker shows the new one', isNew);
    // None goes back to the old one.
    for (let turn = 0; turn < 3; turn++) expect(await isNew()).toBe(true);
  });
}

/** Answers with the fingerprint of the client certificate, one request a connection. */
async function upstream(): Promise<string> {
  const { url } = await httpsServer(
    { identity: issuer.issue({ names: ['upstream.test'] }), clientCa: root.cert },
    ({ clientLeaf }, response) => {
      response.writeHead(200, { connection: 'close' }).end(clientLeaf);
    },
  );
  return url;
}

/** @returns what the upstream saw, and the worker that asked it */
function ask(tlsPort: number, workers: readonly number[]): Promise<{ worker: number | null; leaf: string }> {
  return new Promise((resolve, reject) => {
    let worker: number | null = null;
    const asked = request(
      { host: '127.0.0.1', port: tlsPort, rejectUnauthorized: false, agent: false },
      (response) => {
        let leaf = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => (leaf += part));
        response.on('end', () => resolve({ worker, leaf }));
      },
    );
    asked.on('socket', (socket) => {
      // Kong closes it with its answer.
      socket.once('secureConnect', () => {
        worker = holderOf(tlsPort, socket.localPort ?? 0, workers);
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}
