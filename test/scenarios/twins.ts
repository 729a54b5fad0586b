import { dump } from 'js-yaml';
import { afterEach, describe, expect, it } from 'vitest';
import { Authority } from '../../src/authority/authority';
import type { KeyType } from '../../src/model';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { leafOf, servedLeaf } from '../support/tls';
import { admin, enablePlugin, type KongMode, type StartKong, type TestKong } from './kong';

const issuer = Authority.root().intermediate();
const HOST = 'shop.example.test';
const leaf = (key: 'rsa-2048' | 'p256', ageMinutes: number) =>
  issuer.issue({ names: [HOST], key, notBefore: new Date(Date.now() - ageMinutes * 60_000) });

/** Stories about RSA and ECDSA side by side; they hold with and without a database. */
export function describeTwins(startKong: StartKong, mode: KongMode): void {
  let kong: TestKong | null = null;
  afterEach(async () => {
    await kong?.stop();
    kong = null;
  });

  /** A Kong whose plugin follows a folder. */
  async function follow(path: string): Promise<TestKong> {
    const config = { interval: 300, sources: [{ type: 'directory', path }] };
    const plugins = [{ name: 'ssl-cert-reloader', config }];
    kong = await startKong(
      mode === 'dbless' ? { mode, declarativeConfig: dump({ _format_version: '3.0', plugins }) } : { mode },
    );
    if (mode === 'database') await enablePlugin(kong, config);
    return kong;
  }

  const isServed = (at: TestKong, keyType: KeyType, pair: { cert: string }) =>
    eventually(
      `the ${keyType} certificate is served`,
      async () => (await servedLeaf(at.tlsPort, HOST, keyType)) === leafOf(pair.cert),
    );

  const stored = async (at: TestKong) => {
    const { body } = await admin(at, 'GET', '/certificates');
    const [only, ...others] = (body as { data: { cert: string; cert_alt: string | null }[] }).data;
    expect(others).toEqual([]);
    return only!;
  };

  describe(`RSA and ECDSA of one name with ${mode === 'dbless' ? 'no database' : 'a database'}`, () => {
    it('become one certificate with two halves, and renewing one leaves the other', async () => {
      const certs = testFolder();
      const [rsa, ec] = [leaf('rsa-2048', 60), leaf('p256', 50)];
      // acme.sh names its folders like this.
      writePair(certs, HOST, rsa);
      writePair(certs, `${HOST}_ecc`, ec);
      const at = await follow(certs);
      await isServed(at, 'rsa', rsa);
      await isServed(at, 'ec', ec);
      const first = await stored(at);
      expect(leafOf(first.cert)).toBe(leafOf(rsa.cert));

      const renewed = leaf('p256', 10);
      writePair(certs, `${HOST}_ecc`, renewed);
      await isServed(at, 'ec', renewed);
      await isServed(at, 'rsa', rsa);
      expect((await stored(at)).cert).toBe(first.cert);
      const proven = () =>
        at.log().filter(({ message, proof }) => message.startsWith('certificate ') && proof === 'served');
      await eventually('each was proven', () => proven().length === 3);
    });

    it('of which one comes later complete the certificate that is there', async () => {
      const certs = testFolder();
      const ec = leaf('p256', 60);
      writePair(certs, 'www', ec);
      const at = await follow(certs);
      await isServed(at, 'ec', ec);
      const rsa = leaf('rsa-2048', 10);
      writePair(certs, 'www-0001', rsa);
      await isServed(at, 'rsa', rsa);
      await isServed(at, 'ec', ec);
      expect(leafOf((await stored(at)).cert_alt ?? '')).toBe(leafOf(rsa.cert));
    });

    it('that follow each other at one place are one half', async () => {
      const certs = testFolder();
      const rsa = leaf('rsa-2048', 60);
      writePair(certs, 'www', rsa);
      const at = await follow(certs);
      await isServed(at, 'rsa', rsa);
      const ec = leaf('p256', 10);
      writePair(certs, 'www', ec);
      await isServed(at, 'ec', ec);
      expect((await stored(at)).cert_alt ?? null).toBeNull();
    });
  });
}
