import { X509Certificate } from 'node:crypto';
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Authority, type Issued } from '../../src/authority/authority';
import { startGateway } from '../gateway';
import { renewed } from '../support/beside-controller';
import { start } from '../support/cli';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { httpsServer } from '../support/https-server';
import { freePort } from '../support/port';
import { leafOf, servedLeaf } from '../support/tls';

const HOST = 'shop.example.test';

/** A Secret as the kubelet mounts it: one rename changes all files. */
function mounted() {
  const folder = testFolder();
  let count = 0;
  const mount = ({ chain, key }: Issued) => {
    const version = `..${++count}`;
    mkdirSync(join(folder, version));
    writeFileSync(join(folder, version, 'tls.crt'), chain);
    writeFileSync(join(folder, version, 'tls.key'), key);
    symlinkSync(version, join(folder, '..next'));
    renameSync(join(folder, '..next'), join(folder, '..data'));
  };
  for (const name of ['tls.crt', 'tls.key']) symlinkSync(join('..data', name), join(folder, name));
  return { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key'), mount };
}

/** A data plane of Kong Operator: its Admin API wants a client certificate of the operator's CA. */
async function dataPlane(usage: 'client' | 'server' | undefined, hasLoopback = false) {
  const authority = Authority.root('Kong Operator');
  const issue = (use: typeof usage) =>
    authority.issue({ names: ['data-plane.kong.svc', '127.0.0.1'], ...(use && { usage: use }) });
  const own = mounted();
  own.mount(issue(usage));
  const behind = { url: '' };
  // nginx finishes the handshake without a certificate, and answers with a page.
  const front = await httpsServer(
    { identity: issue('server'), clientCa: authority.cert, isClientOptional: true },
    async ({ method, path, body, clientLeaf }, response) => {
      if (clientLeaf === null) {
        response.writeHead(400, { 'content-type': 'text/html' });
        response.end('<html><center>No required SSL certificate was sent</center></html>');
        return;
      }
      const headers = { 'content-type': 'application/json' };
      try {
        const answer = await fetch(behind.url + path, { method, ...(body === '' ? {} : { body, headers }) });
        response.writeHead(answer.status, headers).end(await answer.text());
      } catch {
        // Kong ends with the test.
        response.destroy();
      }
    },
  );
  const port = await freePort();
  const gateway = await startGateway({
    mode: 'dbless',
    adminListen: `127.0.0.1:${port}`,
    env: {
      admin_listen: `127.0.0.1:${front.port} ssl${hasLoopback ? `, 127.0.0.1:${port}` : ''}`,
      admin_ssl_cert: own.certFile,
      admin_ssl_cert_key: own.keyFile,
      nginx_admin_ssl_verify_client: 'on',
    },
  });
  onTestFinished(() => gateway.stop());
  behind.url = gateway.adminUrl;
  const old = renewed(60, [HOST]);
  gateway.seed([{ cert: old.chain, key: old.key, snis: [HOST] }]);
  const certs = testFolder();
  const run = (admin: object) => {
    const file = join(testFolder(), 'reloader.yml');
    writeFileSync(
      file,
      JSON.stringify({ interval: 1, admin, sources: [{ type: 'directory', path: certs, create: false }] }),
    );
    return start(['run', '-c', file, '-p', gateway.prefix]);
  };
  return {
    ...{ own, front, issue, run },
    /** cert-manager renews what the data plane serves. */
    renew: async (minutes: number) => {
      const pair = renewed(minutes, [HOST]);
      writePair(certs, 'www', pair);
      await eventually(
        'it is served',
        async () => (await servedLeaf(gateway.tlsPort, HOST)) === leafOf(pair.cert),
      );
    },
  };
}

const fingerprint = ({ cert }: Issued) => new X509Certificate(cert).fingerprint256;

it.for(['client', undefined] as const)(
  "the data plane's own certificate opens its Admin API, also once it is another one (usage: %s)",
  async (usage) => {
    const { own, front, issue, run, renew } = await dataPlane(usage);
    run({});
    await renew(30);
    const next = issue(usage);
    own.mount(next);
    await eventually('the new one is shown', () => front.seen.at(-1)?.clientLeaf === fingerprint(next));
    await renew(10);
  },
);

it('a certificate of its own opens it where the data plane has one for servers alone', async () => {
  const { front, issue, run, renew } = await dataPlane('server');
  const client = mounted();
  const first = issue('client');
  client.mount(first);
  run({ client_cert_file: client.certFile, client_key_file: client.keyFile });
  await renew(30);
  expect(new Set(front.seen.map(({ clientLeaf }) => clientLeaf))).toEqual(new Set([fingerprint(first)]));
  const next = issue('client');
  client.mount(next);
  await eventually('the new one is shown', () => front.seen.at(-1)?.clientLeaf === fingerprint(next));
  await renew(10);
});

it('a second listener on loopback does without, as the guide has it', async () => {
  const { run, renew } = await dataPlane('server', true);
  run({});
  await renew(30);
});

it('without any, what is missing is said with the fields that name it', async () => {
  const { run } = await dataPlane('server');
  const daemon = run({});
  await eventually('it is said', () =>
    /wants a client certificate; set admin\.client_cert_file/.test(daemon.stderr),
  );
});
