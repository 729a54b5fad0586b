import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { expect, it, onTestFinished } from 'vitest';
import { Authority, type Issued } from '../../src/authority/authority';
import { admin, enablePlugin, type KongMode, type StartKong, type TestKong } from '../scenarios/kong';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { freePort } from '../support/port';
import { leafOf, servedLeaf } from '../support/tls';
import { tcpServer } from '../support/tls-server';
import type { DatabaseProxy } from '../torture/database-proxy';
import { gatewaysOf } from '../torture/gateways';
import type { LiveSettings } from './kong';

const issuer = Authority.root().intermediate();
const TOUCHED_AGAIN_MS = 20_000;
const [ROUTED, OTHER] = ['mail.example.test', 'shop.example.test'];
const leaf = (name: string, ageMinutes: number) =>
  issuer.issue({ names: [name], notBefore: new Date(Date.now() - ageMinutes * 60_000) });

/** Needs a stream proxy, which the stand-in has none of. */
export function describeStream(startKong: StartKong, mode: KongMode): void {
  streamStory('', startKong, mode, (work) => work());
}

/** The stream proxy, which polls the database for what was written, finds nothing of the renewals there. */
export function describeLostEvents(settings: LiveSettings | null): void {
  let database: DatabaseProxy | undefined;
  const startKong: StartKong = async (setup) => {
    const gateways = await gatewaysOf({ mode: 'database', kong: settings?.kong, pg: settings?.pg });
    onTestFinished(gateways.stop);
    database = gateways.worlds[0]?.database;
    return gateways.startKong(setup);
  };
  streamStory(', and that does not hear of it', startKong, 'database', (work) => {
    if (database === undefined) throw new Error('there is no database');
    return database.losingEvents(2, work);
  });
}

function streamStory(
  which: string,
  startKong: StartKong,
  mode: KongMode,
  during: (work: () => Promise<void>) => Promise<void>,
): void {
  it(`a renewal is proven at a stream listener for names that a route asks for there${which} (${mode})`, async () => {
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
    const shows = (pair: Issued) => async () =>
      (await servedLeaf(port, ROUTED).catch(() => null)) === leafOf(pair.cert);
    if (mode === 'database') await showsFirst(kong, shows(first[ROUTED] as Issued));
    // A handshake without a route is one.
    const errors = () =>
      lines(kong, 'error.log').filter((line) => /\[error\](?!.*failed to broadcast)/.test(line));
    const known = mode === 'database' ? errors().length : 0;
    const before = sessions(kong);
    const renewed = leaf(ROUTED, 10);
    await during(async () => {
      put({ [ROUTED]: renewed, [OTHER]: leaf(OTHER, 10) });
      await eventually('both are proven again', () => proven().length === 4);
    });
    expect(errors().slice(known)).toEqual([]);
    // With a database the stream proxy takes its time, and nothing is rolled back for it.
    if (mode === 'dbless') expect(sessions(kong)).toBeGreaterThan(before);
    // Kong may lose what it tells the stream proxy of a write; the patrol finds that, and has its caches emptied.
    await eventually('the stream proxy shows it', shows(renewed), 120_000);
    expect(kong.log().filter(({ message }) => message.includes('rolled back'))).toEqual([]);
  });
}

/** Kong may lose the event of the route as well (docs/decisions/0250-events-that-kong-loses.md), so it is touched again. */
async function showsFirst(kong: TestKong, look: () => Promise<boolean>): Promise<void> {
  for (let touched = 1; ; touched++) {
    try {
      await eventually('the stream proxy shows the first', look, TOUCHED_AGAIN_MS);
      return;
    } catch (error) {
      if (touched > 3) throw error;
      await admin(kong, 'PATCH', '/routes/mail', {});
    }
  }
}

const lines = ({ prefix }: TestKong, log: string): string[] =>
  readFileSync(join(prefix, 'logs', log), 'utf8').split('\n');

/** Number of connections to the stream proxy so far. */
const sessions = (kong: TestKong): number =>
  lines(kong, 'access.log').filter((line) => line.includes(' TCP ')).length;
