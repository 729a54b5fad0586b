import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Authority } from '../../src/authority/authority';
import { freePort } from '../support/port';
import { startProcess, untilReady } from '../kubernetes/process';
import type { AcmeTools } from './tools';

const run = promisify(execFile);

/** An ACME CA that checks each name by HTTP, as Let's Encrypt does; every name leads to 127.0.0.1. */
export interface Pebble {
  /** Runs certbot against it. @param args after `certbot`; what every call needs is added */
  certbot(...args: readonly string[]): Promise<void>;
  /** certbot's own folder, with `live` in it. */
  readonly configFolder: string;
  stop(): Promise<void>;
}

/** @param folder gets everything that is written, and is removed by whoever made it */
export async function startPebble(tools: AcmeTools, folder: string): Promise<Pebble> {
  const path = (name: string) => join(folder, name);
  const [acme, management, http, tls, dns, dnsManagement] = await Promise.all(
    Array.from({ length: 6 }, () => freePort()),
  );
  const authority = Authority.root('Throw-away ACME Front');
  const own = authority.issue({ names: ['localhost', '127.0.0.1'] });
  writeFileSync(path('ca.pem'), authority.cert);
  writeFileSync(path('front.pem'), own.chain);
  writeFileSync(path('front.key'), own.key, { mode: 0o600 });
  const pebble = {
    listenAddress: `127.0.0.1:${acme ?? 0}`,
    managementListenAddress: `127.0.0.1:${management ?? 0}`,
    certificate: path('front.pem'),
    privateKey: path('front.key'),
    httpPort: http,
    tlsPort: tls,
    ocspResponderURL: '',
    externalAccountBindingRequired: false,
  };
  writeFileSync(path('pebble.json'), JSON.stringify({ pebble }));
  const resolver = `127.0.0.1:${dns ?? 0}`;
  const names = startProcess(
    tools.dns,
    ['-defaultIPv4', '127.0.0.1', '-defaultIPv6', '', '-dns01', resolver]
      .concat(['-http01', '', '-https01', '', '-tlsalpn01', ''])
      .concat(['-management', `127.0.0.1:${dnsManagement ?? 0}`]),
    path('dns.log'),
  );
  // It waits at random before it looks, and refuses nonces at random, unless it is told not to.
  const options = ['PEBBLE_VA_NOSLEEP=1', 'PEBBLE_WFE_NONCEREJECT=0'];
  const ca = startProcess(
    'env',
    [...options, tools.pebble, '-config', path('pebble.json'), '-dnsserver', resolver],
    path('pebble.log'),
  );
  const stop = async () => {
    await Promise.all([names.stop(1_000), ca.stop(1_000)]);
  };
  const directory = `https://127.0.0.1:${acme ?? 0}/dir`;
  try {
    await untilReady('pebble', ca, () => answers(directory, authority.cert));
  } catch (error) {
    await stop();
    throw error;
  }
  const configFolder = path('letsencrypt');
  const certbot = async (...args: readonly string[]) => {
    const always = ['--non-interactive', '--agree-tos', '--no-random-sleep-on-renew', '--server', directory];
    const folders = ['--config-dir', configFolder, '--work-dir', path('work'), '--logs-dir', path('logs')];
    const address = ['--http-01-address', '127.0.0.1', '--http-01-port', String(http)];
    const env = { ...process.env, REQUESTS_CA_BUNDLE: path('ca.pem') };
    await run(tools.certbot, [...args, ...always, ...folders, ...address], { env });
  };
  return { certbot, configFolder, stop };
}

function answers(url: string, ca: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request(url, { ca }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.once('error', () => resolve(false));
    asked.end();
  });
}
