import { createPrivateKey } from 'node:crypto';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createSources } from '../../src/sources';
import { openAny } from '../../src/certificates';
import { completeConfig } from '../../src/app/config';
import { isRefusal, type Source } from '../../src/model';
import { derOf, blocksOf, opened, rawOf } from '../support/bundles';
import { testFolder } from '../support/folders';
import { jks, p12, PASSWORD, rsaIssuer } from '../support/format-files';
import { describeWithCluster } from './suite';

const issued = rsaIssuer().issue({ names: ['www.example.test'], key: 'rsa-2048' });
const { chain, key } = issued;
const expected = opened(rawOf(issued)).bundle.content;
const der = derOf(key);
const keystore = p12(chain, key, 'aes256');
const javaKeystore = jks([{ alias: 'certificate', key: der, chain: blocksOf(chain).map(derOf) }]);
const locked = createPrivateKey(key)
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSWORD })
  .toString();

describeWithCluster('keystores in Secrets of a real API server', (cluster) => {
  let made = 0;
  /** A namespace with the password's Secret, and a source of everything that is asked for by name. */
  async function sourceWith(fields: object): Promise<{ where: string; source: Source }> {
    const where = `keystores-${++made}`;
    await cluster().createNamespace(where);
    const kubeconfig = cluster().kubeconfig(join(testFolder(), 'kubeconfig'));
    const wanted = { type: 'kubernetes', kubeconfig, namespaces: [where], names: ['www'], ...fields };
    const all = createSources(completeConfig({ sources: [wanted] }));
    onTestFinished(() => {
      for (const client of all.clusters.values()) client.close();
    });
    return { where, source: all.sources[0] as Source };
  }

  const put = (where: string, data: Record<string, string | Buffer>) =>
    cluster().applySecret(where, 'www', { type: 'Opaque', data });
  const putPassword = (where: string, data: Record<string, string>) =>
    cluster().applySecret(where, 'jks-password', { type: 'Opaque', data });

  /** The sentence of the refusal, or what was understood. */
  async function contentOf(source: Source): Promise<string> {
    const raw = await source.read((await source.scan()).changed[0] ?? '');
    if (raw === null || isRefusal(raw)) return 'nothing';
    const found = await openAny(raw);
    return isRefusal(found) ? found.message : found.bundle.content;
  }

  it.each([
    ['tls-combined.pem', { 'tls-combined.pem': key + chain }],
    ['tls.crt with key.der', { 'tls.crt': chain, 'key.der': der }],
    ['tls.crt with an encrypted tls.key', { 'tls.crt': chain, 'tls.key': locked }],
    ['keystore.p12', { 'keystore.p12': keystore, 'truststore.p12': Buffer.from('trust') }],
    ['keystore.jks', { 'keystore.jks': javaKeystore, 'truststore.jks': Buffer.from('trust') }],
    ['a file of its own name', { 'www.pfx': keystore }],
    [
      'PEM beside a keystore that nobody has the password of',
      { 'tls.crt': chain, 'tls.key': key, 'keystore.p12': 'x' },
    ],
  ])('are understood: %s', async (_, data) => {
    const { where, source } = await sourceWith({ password_secret: 'jks-password/pass' });
    await putPassword(where, { pass: `${PASSWORD}\n` });
    await put(where, data);
    expect(await contentOf(source)).toBe(expected);
  });

  it('are left alone while cert-manager has not issued yet', async () => {
    const { where, source } = await sourceWith({});
    await put(where, { 'tls.crt': '', 'tls.key': key });
    expect((await source.scan()).changed).toEqual([]);
  });

  it('are tried again when the password comes, or changes', async () => {
    const { where, source } = await sourceWith({ password_secret: 'jks-password' });
    await put(where, { 'keystore.p12': keystore });
    expect(await contentOf(source)).toMatch(/^Secret .*\/www looks like PKCS#12: it is encrypted/);
    expect(((await source.scan()).partial ?? []).map(({ message }) => message).join()).toContain(
      `Secret ${where}/jks-password, which password_secret names, cannot be read`,
    );
    await putPassword(where, { password: 'another one' });
    expect(await contentOf(source)).toMatch(/looks like PKCS#12: the password is wrong/);
    await putPassword(where, { password: PASSWORD });
    expect(await contentOf(source)).toBe(expected);
    expect(await source.scan()).toMatchObject({ changed: [], errors: [], partial: [] });
  });

  it('say which key the password has to have', async () => {
    const { where, source } = await sourceWith({ password_secret: 'jks-password/pass' });
    await put(where, { 'keystore.p12': keystore });
    await putPassword(where, { password: PASSWORD });
    await contentOf(source);
    expect(((await source.scan()).partial ?? []).map(({ message }) => message)).toEqual([
      `Secret ${where}/jks-password has no key pass`,
    ]);
  });
});
