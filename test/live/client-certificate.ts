import { request } from 'node:https';
import { dump } from 'js-yaml';
import { expect, it, onTestFinished } from 'vitest';
import { Authority, type Issued } from '../../src/authority/authority';
import { admin, enablePlugin, type KongMode, type StartKong } from '../scenarios/kong';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { httpsServer } from '../support/https-server';
import { leafOf } from '../support/tls';

const issuer = Authority.root();
const ID = '22222222-2222-4222-8222-222222222222';
/** So many connections in a row: every worker takes a few of them. */
const TURNS = 12;

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
    const isShownByAll = async (cert: string) => {
      for (let turn = 0; turn < TURNS; turn++) if ((await shown(kong.tlsPort)) !== leafOf(cert)) return false;
      return true;
    };
    await eventually('every worker shows the old one', () => isShownByAll(old.cert));

    const renewed = client(1);
    writePair(certs, 'client', renewed);
    await eventually('the swap is logged', () =>
      kong.log().find(({ message }) => message === 'certificate swapped'),
    );
    await eventually('every worker shows the new one', () => isShownByAll(renewed.cert));
    expect(await isShownByAll(renewed.cert)).toBe(true);
  });
}

/** Answers with the fingerprint of the client certificate, one request a connection. */
async function upstream(): Promise<string> {
  const { url } = await httpsServer(
    { identity: issuer.issue({ names: ['upstream.test'] }), clientCa: issuer.cert },
    ({ clientLeaf }, response) => {
      response.writeHead(200, { connection: 'close' }).end(clientLeaf);
    },
  );
  return url;
}

function shown(tlsPort: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port: tlsPort, rejectUnauthorized: false, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => (text += part));
        response.on('end', () => resolve(text));
      },
    );
    asked.on('error', reject);
    asked.end();
  });
}
