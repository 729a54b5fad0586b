import { beforeEach, expect, it } from 'vitest';
import { jks, PASSWORD } from '../../../support/format-files';
import { blocksOf, derOf, issue } from '../../../support/bundles';
import { readerOf, troubles } from '../../../support/remote-source';
import { sendStatus, StandInCluster } from '../../../support/stand-in-cluster';

const { chain, key } = issue({ key: 'rsa-2048' });
const keystore = jks([{ alias: 'certificate', key: derOf(key), chain: blocksOf(chain).map(derOf) }]);
const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64');

let cluster: StandInCluster;
beforeEach(async () => {
  cluster = await StandInCluster.start();
  cluster.secondMs = 20;
});

const putOpaque = (namespace: string, name: string, data: object, labels?: Record<string, string>) =>
  cluster.put('secrets', { metadata: { name, namespace, ...(labels && { labels }) }, type: 'Opaque', data });

function readerOfKeystores() {
  const labels = { app: 'shop' };
  for (const namespace of ['shop', 'bank']) {
    putOpaque(namespace, 'www', { 'keystore.jks': base64(keystore) }, labels);
    putOpaque(namespace, 'lock', { password: base64(PASSWORD) });
  }
  const kubeconfig = cluster.kubeconfig();
  return readerOf({ type: 'kubernetes', kubeconfig, label_selector: 'app=shop', password_secret: 'lock' });
}

const askedFor = () => cluster.requests().filter((request) => request.endsWith('/lock'));

it('a namespace whose keystores are gone is not asked for their password any more', async () => {
  const reader = readerOfKeystores();
  await reader.pass();
  expect(askedFor()).toHaveLength(2);
  await reader.pass();
  expect(askedFor()).toHaveLength(2);
  cluster.remove('secrets', 'bank', 'www');
  cluster.remove('secrets', 'bank', 'lock');
  await reader.settle();
  askedFor();
  expect(await reader.pass()).toMatchObject({ total: 1, errors: [] });
  expect(askedFor()).toEqual(['GET /api/v1/namespaces/shop/secrets/lock']);
});

it('a keystore that became plain PEM needs no password, and the one that is missing is not complained of', async () => {
  const reader = readerOfKeystores();
  await reader.settle();
  const labels = { app: 'shop' };
  putOpaque('bank', 'www', { 'tls.crt': base64(chain), 'tls.key': base64(key) }, labels);
  cluster.remove('secrets', 'bank', 'lock');
  await reader.settle();
  expect((await reader.pass()).errors).toEqual([]);
});

it('a password stays known while nobody answers, and what it opens is not read again', async () => {
  const reader = readerOfKeystores();
  await reader.settle();
  cluster.intercept = (_, { pathname }) =>
    pathname.endsWith('/lock') ? (response) => sendStatus(response, 503, 'etcd is away') : null;
  const scan = await reader.pass();
  expect(scan.changed).toEqual([]);
  expect(troubles(scan)).toContain('unreachable: Secret shop/lock, which password_secret names');
  expect(reader.bundles.get('shop/www')).toMatchObject({ password: PASSWORD });
});
