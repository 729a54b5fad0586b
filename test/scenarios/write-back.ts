import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { afterEach, describe, expect, it } from 'vitest';
import { Authority, type Issued } from '../../src/authority/authority';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { leafOf, servedLeaf } from '../support/tls';
import type { StartKong, TestKong } from './kong';

const issuer = Authority.root().intermediate();
const HOST = 'shop.example.test';
const OTHER = 'other.example.test';
const leaf = (name: string, ageMinutes: number, key: 'p256' | 'rsa-2048' = 'p256') =>
  issuer.issue({ names: [name], key, notBefore: new Date(Date.now() - ageMinutes * 60_000) });

const indented = (pem: string) => pem.trimEnd().replace(/^/gm, '      ');

/** A declarative file with comments, as written by hand. */
const byHand = (pair: Issued, certs: string) => `# our gateway
_format_version: "3.0"
plugins:
  - name: ssl-cert-reloader
    config:
      write_back: true   # so that a restart starts from the newest
      sources: [{ type: directory, path: ${certs} }]
certificates:
  - snis: [{ name: ${HOST} }]
    # certbot's
    cert: |
${indented(pair.chain)}
    key: |
${indented(pair.key)}
    tags: [by-hand]
routes:
  - { name: one, paths: [/one] }   # the only one
`;

/** Stories about the file that a Kong without a database starts from. */
export function describeWriteBack(startKong: StartKong): void {
  let kong: TestKong | null = null;
  afterEach(async () => {
    await kong?.stop();
    kong = null;
  });

  async function start(text: (certs: string) => string) {
    const certs = testFolder();
    const file = join(testFolder(), 'kong.yml');
    writeFileSync(file, text(certs), { mode: 0o644 });
    kong = await startKong({ mode: 'dbless', declarativeConfig: file });
    return { running: kong, certs, file };
  }

  const isServed = (at: TestKong, name: string, pair: Issued) =>
    eventually(`${name} is served`, async () => (await servedLeaf(at.tlsPort, name)) === leafOf(pair.cert));
  const leavesIn = (file: string) => {
    const { certificates } = load(readFileSync(file, 'utf8')) as { certificates: { cert: string }[] };
    return certificates.map(({ cert }) => leafOf(cert));
  };

  describe('with write_back', () => {
    it('a renewed certificate is put into the declarative file, and Kong starts from it', async () => {
      const old = leaf(HOST, 60);
      const { running, certs, file } = await start((folder) => byHand(old, folder));
      const renewed = leaf(HOST, 10);
      writePair(certs, HOST, renewed);
      await isServed(running, HOST, renewed);
      await eventually('it is in the file', () => leavesIn(file)[0] === leafOf(renewed.cert));
      expect(readFileSync(file, 'utf8')).toBe(byHand(renewed, certs));
      for (const ending of ['crt', 'key']) rmSync(join(certs, `${HOST}.${ending}`));
      await running.restart();
      await isServed(running, HOST, renewed);
    });

    it('a certificate that was created is added to the file, with both halves', async () => {
      const { running, certs, file } = await start((folder) => byHand(leaf(HOST, 60), folder));
      const [rsa, ec] = [leaf(OTHER, 30, 'rsa-2048'), leaf(OTHER, 20)];
      writePair(certs, 'rsa', rsa);
      writePair(certs, 'ec', ec);
      await isServed(running, OTHER, ec);
      await eventually('it is in the file', () => leavesIn(file).includes(leafOf(rsa.cert)));
      for (const name of ['rsa.crt', 'rsa.key', 'ec.crt', 'ec.key']) rmSync(join(certs, name));
      await running.restart();
      await eventually(
        'both halves are served',
        async () =>
          (await servedLeaf(running.tlsPort, OTHER, 'rsa')) === leafOf(rsa.cert) &&
          (await servedLeaf(running.tlsPort, OTHER, 'ec')) === leafOf(ec.cert),
      );
    });

    it('vault references in it are left as they are', async () => {
      const text = (folder: string) =>
        `_format_version: "3.0"\nplugins:\n- name: ssl-cert-reloader\n  config: { interval: 1, write_back: true, sources: [{ type: directory, path: ${folder} }] }\n` +
        `certificates:\n- cert: "{vault://env/site-cert}"\n  key: "{vault://env/site-key}"\n  snis: [{ name: ${HOST} }]\n`;
      const { running, certs, file } = await start(text);
      const other = leaf(OTHER, 10);
      writePair(certs, HOST, leaf(HOST, 10));
      writePair(certs, OTHER, other);
      await isServed(running, OTHER, other);
      await eventually('the other one is in the file', () => readFileSync(file, 'utf8').includes(OTHER));
      expect(readFileSync(file, 'utf8').startsWith(text(certs))).toBe(true);
    });

    it('no message holds a key', async () => {
      const old = leaf(HOST, 60);
      const { running, certs, file } = await start((folder) => byHand(old, folder));
      const renewed = leaf(HOST, 10);
      writePair(certs, HOST, renewed);
      await eventually('it is in the file', () => leavesIn(file)[0] === leafOf(renewed.cert));
      await eventually('it is said', () =>
        running.log().find(({ message }) => message === 'declarative file up to date'),
      );
      for (const { key } of [old, renewed]) {
        for (const line of key.split('\n').filter((part) => part.length > 16 && !part.startsWith('-----')))
          expect(running.output()).not.toContain(line);
      }
    });
  });
}
