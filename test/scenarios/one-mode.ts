import { dump, load } from 'js-yaml';
import { afterEach, describe, expect, it } from 'vitest';
import { Authority } from '../../src/authority/authority';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { leafOf, servedLeaf } from '../support/tls';
import { admin, enablePlugin, type StartKong, type TestKong } from './kong';

const issuer = Authority.root().intermediate();
const HOST = 'shop.example.test';
const leaf = (names: string[], ageMinutes: number) =>
  issuer.issue({ names, notBefore: new Date(Date.now() - ageMinutes * 60_000) });

/** Stories that need the entity endpoints of a Kong with a database. */
export function describeDatabase(startKong: StartKong): void {
  let kong: TestKong | null = null;
  afterEach(async () => {
    await kong?.stop();
    kong = null;
  });

  describe('the Admin API of a Kong with a database', () => {
    it('reconfigures, stops and deletes the reloader without traffic or restart', async () => {
      const [first, second] = [testFolder(), testFolder()];
      kong = await startKong({ mode: 'database' });
      const { tlsPort } = kong;
      const sources = (path: string) => [{ type: 'directory', path }];
      const pair = leaf([HOST], 60);
      writePair(first, HOST, pair);
      const id = await enablePlugin(kong, { interval: 300 });
      await eventually('it runs', () => kong?.log().find(({ message }) => message === 'reloader started'));

      await admin(kong, 'PATCH', `/plugins/${id}`, { config: { sources: sources(first) } });
      await eventually(
        'the folder is followed',
        async () => (await servedLeaf(tlsPort, HOST)) === leafOf(pair.cert),
      );

      const newer = leaf([HOST], 30);
      writePair(second, HOST, newer);
      await admin(kong, 'PATCH', `/plugins/${id}`, { config: { sources: sources(second) } });
      await eventually(
        'the other folder is',
        async () => (await servedLeaf(tlsPort, HOST)) === leafOf(newer.cert),
      );

      await admin(kong, 'PATCH', `/plugins/${id}`, { enabled: false });
      await eventually('it is stopped', () =>
        kong?.log().find(({ message }) => message === 'reloader stopped'),
      );
      const newest = leaf([HOST], 10);
      writePair(second, HOST, newest);
      await admin(kong, 'PATCH', `/plugins/${id}`, { enabled: true });
      await eventually(
        'it runs again',
        async () => (await servedLeaf(tlsPort, HOST)) === leafOf(newest.cert),
      );

      await admin(kong, 'DELETE', `/plugins/${id}`);
      const stops = () => kong?.log().filter(({ message }) => message === 'reloader stopped').length;
      await eventually('it is stopped for good', () => stops() === 2);
    });

    it('a changed trigger polls at once', async () => {
      const certs = testFolder();
      kong = await startKong({ mode: 'database' });
      const config = { interval: 86_400, watch: false, sources: [{ type: 'directory', path: certs }] };
      const id = await enablePlugin(kong, config);
      await eventually('its first pass is over', () =>
        kong?.log().find(({ message }) => message === 'first pass done'),
      );
      const pair = leaf([HOST], 1);
      writePair(certs, HOST, pair);
      await admin(kong, 'PATCH', `/plugins/${id}`, { config: { trigger: 'now' } });
      const { tlsPort } = kong;
      await eventually('it is served', async () => (await servedLeaf(tlsPort, HOST)) === leafOf(pair.cert));
    });

    it.for([
      ['an interval of 0', { interval: 0 }, 'value should be between 1 and 86400'],
      ['an interval that is too long', { interval: 86_401 }, 'value should be between 1 and 86400'],
      ['an interval that is not a number', { interval: 'soon' }, 'expected an integer'],
      ['an unknown mode', { mode: 'force' }, 'expected one of: apply, approve, observe'],
      ['an unknown field', { intervall: 3 }, 'unknown field'],
      ['an unknown source', { sources: [{ type: 'ftp' }] }, 'expected one of: file, directory'],
      ['a folder without a path', { sources: [{ type: 'directory' }] }, 'required field missing'],
      ['an Admin API by ftp', { admin: { url: 'ftp://x' } }, 'must be http'],
    ] as const)('%s is refused by Kong itself', async ([, config, message]) => {
      kong = await startKong({ mode: 'database' });
      const { status, body } = await admin(kong, 'POST', '/plugins', { name: 'ssl-cert-reloader', config });
      expect(status).toBe(400);
      expect(JSON.stringify(body)).toContain(message);
    });
  });
}

/** Stories about the one document that a Kong without a database is. */
export function describeDbless(startKong: StartKong): void {
  let kong: TestKong | null = null;
  afterEach(async () => {
    await kong?.stop();
    kong = null;
  });

  describe('the configuration of a Kong without a database', () => {
    it('keeps 50 other entities exactly as they are when a certificate is swapped', async () => {
      const certs = testFolder();
      const old = leaf([HOST], 60);
      const numbers = Array.from({ length: 16 }, (_, index) => index);
      const declarativeConfig = dump({
        _format_version: '3.0',
        plugins: [{ name: 'ssl-cert-reloader', config: { sources: [{ type: 'directory', path: certs }] } }],
        certificates: [
          {
            id: '11111111-1111-4111-8111-111111111111',
            cert: old.chain,
            key: old.key,
            snis: [{ name: HOST }],
          },
          ...['one', 'two'].map((name) => {
            const other = leaf([`${name}.example.test`], 60);
            return {
              cert: other.chain,
              key: other.key,
              tags: [name],
              snis: [{ name: `${name}.example.test` }],
            };
          }),
        ],
        services: numbers.map((n) => ({
          name: `service-${n}`,
          url: `http://127.0.0.1:${9000 + n}/on`,
          tags: ['yes', 'on', '0123'],
          routes: [
            { name: `route-${n}`, paths: [`/${n}`, '~/[a-z]+: #$'], headers: { 'x-note': ['null', '1e3'] } },
          ],
        })),
        consumers: numbers.map((n) => ({ username: `user-${n}`, custom_id: `${n}e5` })),
      });
      kong = await startKong({ mode: 'dbless', declarativeConfig });
      const { tlsPort } = kong;
      await eventually(
        'the old one is served',
        async () => (await servedLeaf(tlsPort, HOST)) === leafOf(old.cert),
      );
      const before = await exported(kong);
      expect(before.count).toBeGreaterThan(50);
      const renewed = leaf([HOST], 1);
      writePair(certs, HOST, renewed);
      await eventually(
        'the new one is served',
        async () => (await servedLeaf(tlsPort, HOST)) === leafOf(renewed.cert),
      );
      const after = await exported(kong);
      expect(after.others).toEqual(before.others);
    });

    it('loses nothing that somebody else posts at the same time', async () => {
      const certs = testFolder();
      const plugins = [
        { name: 'ssl-cert-reloader', config: { interval: 1, sources: [{ type: 'directory', path: certs }] } },
      ];
      const document = (routes: number) => ({
        _format_version: '3.0',
        plugins,
        routes: Array.from({ length: routes }, (_, n) => ({ name: `route-${n}`, paths: [`/${n}`] })),
      });
      kong = await startKong({ mode: 'dbless', declarativeConfig: dump(document(1)) });
      const running = kong;
      for (let round = 1; round <= 5; round++) {
        const pair = leaf([HOST], 60 - round);
        writePair(certs, HOST, pair);
        await admin(running, 'POST', '/config', document(1 + round));
        await eventually(
          'the newest certificate is served',
          async () => (await servedLeaf(running.tlsPort, HOST)) === leafOf(pair.cert),
        );
      }
      await eventually('every route is there', async () => {
        const { body } = await admin(running, 'GET', '/routes');
        return (body as { data: unknown[] }).data.length === 6;
      });
    });
  });
}

type Entity = Record<string, unknown>;

/** Every entity but the certificates, without the times that Kong renews at each load. */
async function exported(kong: TestKong): Promise<{ count: number; others: unknown }> {
  const { body } = await admin(kong, 'GET', '/config');
  const document = load((body as { config: string }).config) as Record<string, Entity[]>;
  const others: Record<string, unknown> = {};
  let count = 0;
  for (const [type, entities] of Object.entries(document)) {
    if (!Array.isArray(entities)) continue;
    count += entities.length;
    others[type] = entities
      .filter(({ id }) => id !== '11111111-1111-4111-8111-111111111111')
      .map((entity) => ({
        ...entity,
        created_at: 0,
        updated_at: 0,
        ...(type === 'certificates' ? { snis: null } : {}),
      }))
      .sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
  }
  return { count, others };
}
