import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { standIn } from '../integration/stand-in';
import { enablePlugin, type TestKong } from '../scenarios/kong';
import { eventually } from '../support/eventually';
import { leafOf, servedChain, servedLeaf } from '../support/tls';
import { startPebble, type Pebble } from './pebble';
import { findTools } from './tools';

const tools = findTools();
const HOST = 'www.example.test';
const API = 'api.example.test';
/** certbot starts slowly, and a shared machine makes it slower. */
const PATIENCE_MS = 240_000;

describe.skipIf('missing' in tools)(
  `certbot and an ACME CA${'missing' in tools ? ` (skipped: ${tools.missing})` : ''}`,
  () => {
    let folder = '';
    let ca: Pebble | null = null;
    let kong: TestKong | null = null;
    const certbot = (...args: string[]) => ca?.certbot(...args) ?? Promise.reject(new Error('no CA'));
    const port = () => kong?.tlsPort ?? 0;
    const live = (name: string, file: string) =>
      readFileSync(join(ca?.configFolder ?? '', 'live', name, file), 'utf8');

    /** The leaf that certbot has is the one that is served. @returns its fingerprint */
    async function isServed(name: string): Promise<string> {
      const leaf = leafOf(live(name, 'cert.pem'));
      await eventually(`${name} is served`, async () => (await servedLeaf(port(), name)) === leaf);
      return leaf;
    }

    beforeAll(async () => {
      if ('missing' in tools) return;
      folder = mkdtempSync(join(tmpdir(), 'ssl-cert-reloader-acme-'));
      ca = await startPebble(tools, folder);
      await certbot('certonly', '--standalone', '-m', 'nobody@example.test', '-d', HOST);
      kong = await standIn({ mode: 'database' });
      await enablePlugin(kong, {
        interval: 300,
        sources: [{ type: 'directory', path: join(ca.configFolder, 'live') }],
      });
    }, PATIENCE_MS);
    afterAll(async () => {
      await kong?.stop();
      await ca?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    it('a certificate that certbot got is served with its chain', async () => {
      const leaf = await isServed(HOST);
      const chain = await servedChain(port(), HOST);
      expect(chain).toEqual([leaf, leafOf(live(HOST, 'chain.pem'))]);
    });

    it(
      'every renewal is served, whatever key it has',
      async () => {
        const seen = new Set([await isServed(HOST)]);
        for (const key of [
          [],
          ['--reuse-key'],
          ['--new-key', '--key-type', 'rsa', '--rsa-key-size', '2048'],
        ]) {
          await certbot('renew', '--force-renewal', '--cert-name', HOST, ...key);
          seen.add(await isServed(HOST));
        }
        expect(seen.size).toBe(4);
        const swaps = () => kong?.log().filter(({ message }) => message === 'certificate swapped') ?? [];
        // It is served before that is proven and said.
        await eventually('each is said', () => swaps().length === 3);
        expect(swaps().map(({ proof }) => proof)).toEqual(['served', 'served', 'served']);
      },
      PATIENCE_MS,
    );

    it(
      'a name that is issued later is served, and a revoked certificate stays until it is replaced',
      async () => {
        await certbot('certonly', '--standalone', '-d', API);
        const before = await isServed(API);
        await certbot('revoke', '--cert-name', API, '--delete-after-revoke', '--reason', 'superseded');
        expect(await servedLeaf(port(), API)).toBe(before);
        await certbot('certonly', '--standalone', '-d', API);
        expect(await isServed(API)).not.toBe(before);
      },
      PATIENCE_MS,
    );

    it('no key of certbot is in the log', () => {
      const lines = live(HOST, 'privkey.pem')
        .split('\n')
        .filter((line) => line.length > 32);
      expect(lines.length).toBeGreaterThan(1);
      for (const line of lines) expect(kong?.output()).not.toContain(line);
    });
  },
);
