import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Authority } from '../../src/authority/authority';
import { cli } from '../support/cli';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { leafOf, OpenConnection, servedChain, servedLeaf } from '../support/tls';
import { admin, startWith, type KongMode, type StartKong } from './kong';

const issuer = Authority.root().intermediate();
const HOST = 'shop.example.test';
const MINUTE_MS = 60_000;

/** A leaf that was issued `ageMinutes` ago: the smaller, the newer. */
const leaf = (names: string[], ageMinutes: number, authority = issuer) =>
  authority.issue({ names, notBefore: new Date(Date.now() - ageMinutes * MINUTE_MS) });

/** Stories that hold with and without a database; each starts a Kong of its own. */
export function describeBothModes(startKong: StartKong, mode: KongMode): void {
  const start = (config: object, entities?: Record<string, object[]>) =>
    startWith(startKong, mode, config, entities);

  const follow = (path: string, more: object = {}) => ({
    interval: 300,
    sources: [{ type: 'directory', path }],
    ...more,
  });

  /** A certificate that somebody else put into Kong. */
  const foreign = (pair: { chain: string; key: string }, sni: string) => ({
    id: '11111111-1111-4111-8111-111111111111',
    cert: pair.chain,
    key: pair.key,
    tags: ['by-hand'],
    snis: [{ name: sni }],
  });

  describe(`with ${mode === 'dbless' ? 'no database' : 'a database'}`, () => {
    it('a renewed file is served, connections stay open, and SNIs, tags and id stay as they were', async () => {
      const certs = testFolder();
      const old = leaf([HOST], 60);
      const kong = await start(follow(certs), { certificates: [foreign(old, HOST)] });
      await eventually(
        'the old certificate is served',
        async () => (await servedLeaf(kong.tlsPort, HOST)) === leafOf(old.cert),
      );
      const connection = await OpenConnection.open(kong.tlsPort, HOST);
      const answer = await connection.ask();
      const renewed = leaf([HOST], 1);
      writePair(certs, HOST, renewed);
      await eventually(
        'the renewed one is served',
        async () => (await servedLeaf(kong.tlsPort, HOST)) === leafOf(renewed.cert),
      );
      expect(await connection.ask()).toBe(answer);
      connection.close();
      const { body } = await admin(kong, 'GET', `/certificates/${HOST}`);
      expect(body).toMatchObject({
        id: '11111111-1111-4111-8111-111111111111',
        tags: ['by-hand'],
        snis: [HOST],
      });
      expect(leafOf((body as { cert: string }).cert)).toBe(leafOf(renewed.cert));
      const line = await eventually('the swap is logged', () =>
        kong.log().find(({ message }) => message === 'certificate swapped'),
      );
      expect(line).toMatchObject({ proof: 'served', snis: [HOST], fingerprint_sha256: leafOf(renewed.cert) });
    });

    it('an operator rolls a name back, and it takes renewals again once it is unpinned', async () => {
      const certs = testFolder();
      const [old, renewed] = [leaf([HOST], 60), leaf([HOST], 1)];
      writePair(certs, HOST, old);
      const kong = await start(follow(certs), { certificates: [foreign(old, HOST)] });
      const serves = ({ cert }: { cert: string }) =>
        eventually('it is served', async () => (await servedLeaf(kong.tlsPort, HOST)) === leafOf(cert));
      await serves(old);
      writePair(certs, HOST, renewed);
      await serves(renewed);
      await eventually('the swap is proven', () =>
        kong.log().some(({ message }) => message === 'certificate swapped'),
      );
      const order = (verb: string) => cli(verb, HOST, '-p', kong.prefix);
      expect(await order('rollback')).toMatchObject({ code: 0, stderr: '' });
      await serves(old);
      expect((await cli('status', '-p', kong.prefix)).stdout).toContain('rolled back by an operator');
      expect(await order('unpin')).toMatchObject({ code: 0, stderr: '' });
      await serves(renewed);
    });

    it('a renewal with the same key and a new intermediate alone are swapped, too', async () => {
      const certs = testFolder();
      const root = Authority.root();
      const first = root.intermediate('An Intermediate');
      const original = leaf([HOST], 60, first);
      writePair(certs, HOST, original);
      const kong = await start(follow(certs));
      await eventually(
        'it is created',
        async () => (await servedLeaf(kong.tlsPort, HOST)) === leafOf(original.cert),
      );

      const sameKey = first.issue({
        names: [HOST],
        key: original.privateKey,
        notBefore: new Date(Date.now() - 30 * MINUTE_MS),
      });
      writePair(certs, HOST, sameKey);
      await eventually(
        'the same key, a new leaf',
        async () => (await servedLeaf(kong.tlsPort, HOST)) === leafOf(sameKey.cert),
      );

      const renewed = root.intermediate('An Intermediate', { key: first.privateKey });
      writePair(certs, HOST, { chain: sameKey.cert + renewed.cert, key: sameKey.key });
      const wanted = [leafOf(sameKey.cert), leafOf(renewed.cert)];
      await eventually(
        'the new intermediate',
        async () => (await servedChain(kong.tlsPort, HOST)).join() === wanted.join(),
      );
    });

    it('a broken pair is kept out and reported once, and its repair is taken', async () => {
      const certs = testFolder();
      const good = leaf([HOST], 60);
      writePair(certs, HOST, good);
      const kong = await start(follow(certs, { interval: 1 }));
      await eventually(
        'it is created',
        async () => (await servedLeaf(kong.tlsPort, HOST)) === leafOf(good.cert),
      );
      const broken = { chain: leaf([HOST], 30).chain, key: good.key };
      writePair(certs, HOST, broken);
      const refused = () => kong.log().filter(({ reason }) => reason === 'key_mismatch');
      await eventually('the refusal is logged', () => refused().length > 0);
      // Two more polls at least: the trigger of another file shows that they happened.
      const other = leaf(['other.example.test'], 10);
      writePair(certs, 'other', other);
      await eventually(
        'another certificate is served',
        async () => (await servedLeaf(kong.tlsPort, 'other.example.test')) === leafOf(other.cert),
      );
      expect(await servedLeaf(kong.tlsPort, HOST)).toBe(leafOf(good.cert));
      expect(refused()).toHaveLength(1);
      const repaired = leaf([HOST], 5);
      writePair(certs, HOST, repaired);
      await eventually(
        'the repaired pair is served',
        async () => (await servedLeaf(kong.tlsPort, HOST)) === leafOf(repaired.cert),
      );
    });

    it('a plugin server that is killed comes back, writes nothing that is right and catches up', async () => {
      const certs = testFolder();
      const first = leaf([HOST], 60);
      writePair(certs, HOST, first);
      const kong = await start(follow(certs));
      await eventually(
        'it is created',
        async () => (await servedLeaf(kong.tlsPort, HOST)) === leafOf(first.cert),
      );
      const stamp = async () => {
        const { body } = await admin(kong, 'GET', `/certificates/${HOST}`);
        return JSON.stringify(body);
      };
      const before = await stamp();
      const passes = () => kong.log().filter(({ message }) => message === 'first pass done').length;
      await eventually('its first pass is over', () => passes() === 1);
      const pid = await eventually('there is a plugin server', () => kong.pluginServerPid());
      process.kill(pid, 'SIGKILL');
      await eventually('the new one made its first pass', () => passes() === 2);
      expect(await stamp()).toBe(before);

      const again = await eventually('there is a plugin server again', () => kong.pluginServerPid());
      process.kill(again, 'SIGKILL');
      const renewed = leaf([HOST], 1);
      writePair(certs, HOST, renewed);
      await eventually(
        'what was renewed meanwhile is served',
        async () => (await servedLeaf(kong.tlsPort, HOST)) === leafOf(renewed.cert),
      );
    });

    it('a client without SNI gets the default certificate, before and after a swap', async () => {
      const certs = testFolder();
      const kong = await start(follow(certs));
      const before = await eventually('a default certificate is served', () =>
        servedLeaf(kong.tlsPort, null),
      );
      const pair = leaf([HOST], 10);
      writePair(certs, HOST, pair);
      await eventually(
        'it is served by name',
        async () => (await servedLeaf(kong.tlsPort, HOST)) === leafOf(pair.cert),
      );
      expect(await servedLeaf(kong.tlsPort, null)).toBe(before);
    });

    it('a certificate that is older than the one in Kong does not replace it', async () => {
      const certs = testFolder();
      const present = leaf([HOST], 10);
      const older = leaf([HOST], 600);
      writePair(certs, HOST, older);
      const kong = await start(follow(certs), { certificates: [foreign(present, HOST)] });
      await eventually('it is refused', () =>
        kong.log().find(({ reason }) => reason === 'older_than_stored'),
      );
      expect(await servedLeaf(kong.tlsPort, HOST)).toBe(leafOf(present.cert));
    });

    it('a certificate that does not cover every SNI is refused with the names that are missing', async () => {
      const certs = testFolder();
      const present = leaf([HOST, 'api.example.test'], 60);
      const kong = await start(follow(certs), {
        certificates: [{ ...foreign(present, HOST), snis: [{ name: HOST }, { name: 'api.example.test' }] }],
      });
      writePair(certs, HOST, leaf([HOST], 1));
      const line = await eventually('it is refused', () =>
        kong.log().find(({ reason }) => reason === 'names_not_covered'),
      );
      expect(line['detail']).toContain('api.example.test');
      expect(await servedLeaf(kong.tlsPort, HOST)).toBe(leafOf(present.cert));
    });

    it('a certificate that is a vault reference is left to its vault', async () => {
      const certs = testFolder();
      const reference = { cert: '{vault://env/site-cert}', key: '{vault://env/site-key}' };
      const kong = await start(follow(certs), {
        certificates: [{ ...foreign({ chain: '', key: '' }, HOST), ...reference }],
      });
      writePair(certs, HOST, leaf([HOST], 1));
      await eventually('it is refused', () => kong.log().find(({ reason }) => reason === 'vault_reference'));
      const { body } = await admin(kong, 'GET', '/certificates/11111111-1111-4111-8111-111111111111');
      expect(body).toMatchObject(reference);
    });

    it('mode observe says what would be swapped and swaps nothing', async () => {
      const certs = testFolder();
      const old = leaf([HOST], 60);
      writePair(certs, HOST, leaf([HOST], 1));
      const kong = await start(follow(certs, { mode: 'observe' }), { certificates: [foreign(old, HOST)] });
      await eventually('it is said', () =>
        kong.log().find(({ message }) => message === 'certificate would be swapped'),
      );
      expect(await servedLeaf(kong.tlsPort, HOST)).toBe(leafOf(old.cert));
    });

    it('after a restart of Kong the newest certificate is served again', async () => {
      const certs = testFolder();
      const old = leaf([HOST], 60);
      const kong = await start(follow(certs), { certificates: [foreign(old, HOST)] });
      const renewed = leaf([HOST], 1);
      writePair(certs, HOST, renewed);
      await eventually(
        'it is swapped',
        async () => (await servedLeaf(kong.tlsPort, HOST)) === leafOf(renewed.cert),
      );
      await kong.restart();
      await eventually(
        'it is served again',
        async () => (await servedLeaf(kong.tlsPort, HOST)) === leafOf(renewed.cert),
      );
    });

    it('an entry for one route is reported and not run', async () => {
      const certs = testFolder();
      const route = { name: 'one', paths: ['/one'] };
      const scoped = { name: 'ssl-cert-reloader', config: follow(certs) };
      writePair(certs, HOST, leaf([HOST], 1));
      const kong = await startKong(
        mode === 'dbless'
          ? {
              mode,
              declarativeConfig: dump({ _format_version: '3.0', routes: [{ ...route, plugins: [scoped] }] }),
            }
          : { mode },
      );
      onTestFinished(() => kong.stop());
      if (mode === 'database') {
        await admin(kong, 'POST', '/routes', route);
        await admin(kong, 'POST', '/routes/one/plugins', scoped);
      }
      const line = await eventually('it is reported', () =>
        kong.log().find(({ message }) => message === 'a plugin entry is not run'),
      );
      expect(line['detail']).toContain('route');
      expect((await admin(kong, 'GET', '/certificates')).body).toMatchObject({ data: [] });
    });

    it('neither log nor status holds key material', async () => {
      const certs = testFolder();
      const pairs = [leaf([HOST], 60), leaf([HOST], 30), leaf([HOST], 10)];
      const [first, second, third] = pairs as [(typeof pairs)[0], (typeof pairs)[0], (typeof pairs)[0]];
      writePair(certs, HOST, first);
      const kong = await start(follow(certs, { interval: 1 }));
      await eventually(
        'it is created',
        async () => (await servedLeaf(kong.tlsPort, HOST)) === leafOf(first.cert),
      );
      writePair(certs, HOST, { chain: second.chain, key: first.key });
      await eventually('a refusal', () => kong.log().find(({ reason }) => reason === 'key_mismatch'));
      writeFileSync(join(certs, `${HOST}.key`), second.key.slice(0, 120));
      await eventually('another refusal', () => kong.log().find(({ reason }) => reason === 'incomplete'));
      writePair(certs, HOST, third);
      await eventually('a swap', async () => (await servedLeaf(kong.tlsPort, HOST)) === leafOf(third.cert));
      const output = kong.output();
      expect(output).not.toContain('PRIVATE KEY-----');
      for (const { key } of pairs) {
        for (const line of key.split('\n').filter((text) => text.length > 16 && !text.startsWith('-----'))) {
          expect(output).not.toContain(line);
        }
      }
    });
  });
}
