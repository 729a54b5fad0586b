import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { expect, it, onTestFinished } from 'vitest';
import { Authority, type Issued } from '../../src/authority/authority';
import { admin, enablePlugin, type KongMode, type StartKong } from '../scenarios/kong';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { freePort } from '../support/port';
import { leafOf, servedLeaf } from '../support/tls';
import { tcpServer } from '../support/tls-server';

const issuer = Authority.root().intermediate();
const [ROUTED, OTHER] = ['mail.example.test', 'shop.example.test'];
const leaf = (name: string, ageMinutes: number) =>
  issuer.issue({ names: [name], notBefore: new Date(Date.now() - ageMinutes * 60_000) });

/** Needs a stream proxy, which the stand-in has none of. */
export function describeStream(startKong: StartKong, mode: KongMode): void {
  it(`a renewal is proven at a stream listener for names that a route asks for there (${mode})`, async () => {
    const certs = testFolder();
    const port = await freePort();
    const upstream = await tcpServer((socket) => socket.end());
    const service = { name: 'mail', protocol: 'tcp', host: upstream.host, port: upstream.port };
    const route = { name: 'mail', protocols: ['tls'], snis: [ROUTED] };
    const config = { interval: 1, sources: [{ type: 'directory', path: certs }] };
    const declarativeConfig = dump({
      _format_version: '3.0',
      services: [{ ...service, routes: [route] }],
      plugins: [{ name: 'ssl-cert-reloader', config }],
    });
    const kong = await startKong({
      mode,
      lines: [`stream_listen = 127.0.0.1:${port} ssl`],
      ...(mode === 'dbless' ? { declarativeConfig } : {}),
    });
    onTestFinished(() => kong.stop());
    const put = (pairs: Record<string, Issued>) => {
      for (const [name, pair] of Object.entries(pairs)) writePair(certs, name, pair);
    };
    const first = { [ROUTED]: leaf(ROUTED, 60), [OTHER]: leaf(OTHER, 60) };
    put(first);
    if (mode === 'database') {
      await admin(kong, 'POST', '/services', service);
      await admin(kong, 'POST', '/services/mail/routes', route);
      await enablePlugin(kong, config);
    }
    const proven = () =>
      kong.log().filter(({ message, proof }) => message.startsWith('certificate ') && proof === 'served');
    await eventually('both are proven', () => proven().length === 2);
    const before = sessions(kong.prefix);
    const renewed = leaf(ROUTED, 10);
    put({ [ROUTED]: renewed, [OTHER]: leaf(OTHER, 10) });
    await eventually('both are proven again', () => proven().length === 4);
    // A handshake without a route would be one.
    const log = readFileSync(join(kong.prefix, 'logs', 'error.log'), 'utf8').split('\n');
    expect(log.filter((line) => line.includes('[error]'))).toEqual([]);
    // With a database the stream proxy takes its time, and nothing is rolled back for it.
    if (mode === 'dbless') expect(sessions(kong.prefix)).toBeGreaterThan(before);
    // Kong may lose what it tells the stream proxy of a write; the patrol finds that, and has its caches emptied.
    const shows = async () => (await servedLeaf(port, ROUTED).catch(() => null)) === leafOf(renewed.cert);
    await eventually('the stream proxy shows it', shows, 120_000);
    expect(kong.log().filter(({ message }) => message.includes('rolled back'))).toEqual([]);
  });
}

/** Number of connections to the stream proxy so far. */
const sessions = (prefix: string): number =>
  readFileSync(join(prefix, 'logs', 'access.log'), 'utf8')
    .split('\n')
    .filter((line) => line.includes(' TCP ')).length;
