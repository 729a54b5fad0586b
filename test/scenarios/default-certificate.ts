import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { afterEach, describe, expect, it } from 'vitest';
import { Authority } from '../../src/authority/authority';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { leafOf, servedLeaf } from '../support/tls';
import { admin, enablePlugin, type KongMode, type StartKong, type TestKong } from './kong';

const issuer = Authority.root().intermediate();
const leaf = (ageMinutes: number, names = ['default.example.test']) =>
  issuer.issue({ names, notBefore: new Date(Date.now() - ageMinutes * 60_000) });

/** Stories about what clients without SNI get; they hold with and without a database. */
export function describeDefaultCertificate(startKong: StartKong, mode: KongMode): void {
  let kong: TestKong | null = null;
  afterEach(async () => {
    await kong?.stop();
    kong = null;
  });

  /** A Kong whose default certificate stands in a folder. */
  async function start(config: object, entities: Record<string, object[]> = {}) {
    const folder = testFolder();
    const first = leaf(60);
    writePair(folder, 'default', first);
    const certs = testFolder();
    const whole = { interval: 1, sources: [{ type: 'directory', path: certs }], ...config };
    const plugins = [{ name: 'ssl-cert-reloader', config: whole }];
    const file = join(testFolder(), 'kong.yml');
    writeFileSync(file, dump({ _format_version: '3.0', plugins, ...entities }));
    const running = await startKong({
      mode,
      defaultCertificate: { cert: join(folder, 'default.crt'), key: join(folder, 'default.key') },
      ...(mode === 'dbless' ? { declarativeConfig: file } : {}),
    });
    kong = running;
    if (mode === 'database') {
      for (const [type, items] of Object.entries(entities)) {
        for (const item of items) await admin(running, 'POST', `/${type}`, item);
      }
      await enablePlugin(running, whole);
    }
    await eventually('its first pass is over', () => passes(running) > 0);
    return { running, folder, certs, first };
  }

  const passes = (at: TestKong) => at.log().filter(({ message }) => message === 'first pass done').length;
  const warnings = (at: TestKong) =>
    at.log().filter(({ message }) => message === 'default certificate not up to date');
  const served = (at: TestKong, sni: string | null, what: { cert: string }) =>
    eventually(
      `${sni ?? 'no SNI'} gets it`,
      async () => (await servedLeaf(at.tlsPort, sni)) === leafOf(what.cert),
    );
  const reloads = (at: TestKong) =>
    Object.keys(JSON.parse(readFileSync(join(at.prefix, 'ssl-cert-reloader.reloads'), 'utf8')) as object)
      .length;

  describe(`the default certificate with ${mode === 'dbless' ? 'no database' : 'a database'}`, () => {
    it('creates nothing while the files are what Kong serves', async () => {
      const { running, first, certs } = await start({});
      const other = leaf(5, ['other.example.test']);
      writePair(certs, 'other', other);
      await served(running, 'other.example.test', other);
      await served(running, 'unknown.example.test', first);
      const { body } = await admin(running, 'GET', '/certificates');
      expect((body as { data: object[] }).data).toHaveLength(1);
      expect(warnings(running)).toEqual([]);
    });

    it('is promoted for unknown names when its files change, with one warning about clients without SNI', async () => {
      const { running, folder, first } = await start({});
      const renewed = leaf(30);
      writePair(folder, 'default', renewed);
      await served(running, 'unknown.example.test', renewed);
      await served(running, null, first);
      const line = await eventually('it is said', () => warnings(running)[0]);
      expect(line).toMatchObject({
        state: 'reload_pending',
        served_fingerprint_sha256: leafOf(first.cert),
      });
      expect(String(line['detail'])).toContain('run kong reload');
      const again = leaf(10);
      writePair(folder, 'default', again);
      await served(running, 'unknown.example.test', again);
      expect(warnings(running)).toHaveLength(1);
      await running.restart();
      await served(running, null, again);
    });

    it('leaves an SNI * that somebody else has', async () => {
      const star = leaf(60, ['star.example.test']);
      const { running, folder } = await start(
        {},
        {
          certificates: [
            {
              cert: star.chain,
              key: star.key,
              snis: mode === 'dbless' ? [{ name: '*' }] : ['*'],
            },
          ],
        },
      );
      writePair(folder, 'default', leaf(30));
      await eventually('it is said', () => warnings(running).length > 0);
      await served(running, 'unknown.example.test', star);
    });

    it('is left alone where that is wanted', async () => {
      const { running, folder, certs, first } = await start({ default_certificate: 'off' });
      writePair(folder, 'default', leaf(30));
      const other = leaf(5, ['other.example.test']);
      writePair(certs, 'other', other);
      await served(running, 'other.example.test', other);
      await served(running, 'unknown.example.test', first);
      expect(warnings(running)).toEqual([]);
    });

    it('is loaded by one reload for each renewal, which loses nothing and breaks nothing', async () => {
      const { running, folder, certs } = await start({ default_certificate: 'reload' });
      const other = leaf(50, ['other.example.test']);
      writePair(certs, 'other', other);
      await served(running, 'other.example.test', other);

      const renewed = leaf(30);
      writePair(folder, 'default', renewed);
      await served(running, null, renewed);
      await eventually('the new plugin server made its first pass', () => passes(running) >= 2);
      await served(running, 'other.example.test', other);
      expect(reloads(running)).toBe(1);

      // A pair that does not match would make the reload fail.
      const broken = leaf(20);
      writePair(folder, 'default', { chain: broken.chain, key: renewed.key });
      await eventually('it is refused', () => warnings(running).find(({ state }) => state === 'refused'));
      await served(running, null, renewed);
      expect(reloads(running)).toBe(1);

      writePair(folder, 'default', broken);
      await served(running, null, broken);
      await eventually('and again', () => passes(running) >= 3);
      expect(reloads(running)).toBe(2);
      await served(running, 'other.example.test', other);
      const said = await eventually('it is said', () =>
        running
          .log()
          .find(({ message }) => message === 'clients without SNI get the certificate of the files'),
      );
      expect(said).toMatchObject({ state: 'in_sync' });
    });
  });
}
