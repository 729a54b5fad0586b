import { beforeEach, expect, it, test } from 'vitest';
import { issue } from '../../../support/bundles';
import { readerOf } from '../../../support/remote-source';
import { StandInCluster } from '../../../support/stand-in-cluster';

/* Secrets that a source names: whoever names one wants to know why nothing comes of it. */

const pair = issue();
const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64');

let cluster: StandInCluster;
beforeEach(async () => {
  cluster = await StandInCluster.start();
  cluster.secondMs = 20;
});

const putSecret = (name: string, texts: Record<string, string>) =>
  cluster.put('secrets', {
    metadata: { name, namespace: 'shop' },
    type: 'Opaque',
    data: Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, base64(text)])),
  });
const named = (...names: string[]) =>
  readerOf({ type: 'kubernetes', kubeconfig: cluster.kubeconfig(), namespaces: ['shop', 'other'], names });

test.for([
  ['cert.pem', 'key.pem'],
  ['certificate', 'private_key'],
  ['fullchain.pem', 'privkey.pem'],
  ['cert', 'key'],
] as const)('a certificate in %s with its key in %s is found', async ([cert, key]) => {
  putSecret('www', { [cert]: pair.chain, [key]: pair.key });
  const reader = named('www');
  expect(await reader.pass()).toMatchObject({ changed: ['shop/www'], strays: [] });
  expect(reader.texts('shop/www')).toEqual({ cert: pair.chain, key: pair.key });
});

it('one that does not exist, and one without a certificate, are said until that changes', async () => {
  putSecret('api', { 'tls.crt': '', password: 'secret', key: 'a key of another kind' });
  const reader = named('www', 'api');
  const messages = async () => (await reader.pass()).strays?.map(({ message }) => message);
  expect(await messages()).toEqual([
    'Secret www does not exist (yet); are names and namespaces of the source right?',
    'Secret shop/api holds no certificate (yet) under the usual keys: it has tls.crt, password, key',
  ]);
  putSecret('www', { 'tls.crt': pair.chain, 'tls.key': pair.key });
  putSecret('api', { 'tls.crt': pair.chain, 'tls.key': pair.key });
  expect(await messages()).toEqual([]);
  cluster.remove('secrets', 'shop', 'api');
  expect(await messages()).toEqual([expect.stringMatching(/^Secret api does not exist/)]);
});

it('one that a source leaves out for want of a mark is not said to hold no certificate', async () => {
  putSecret('www', { 'tls.crt': pair.chain, 'tls.key': pair.key });
  const names = { namespaces: ['shop'], names: ['www'], only_marked: true };
  const reader = readerOf({ type: 'kubernetes', kubeconfig: cluster.kubeconfig(), ...names });
  expect(await reader.pass()).toMatchObject({ changed: [], strays: [] });
});

it('words that mean something else in a Secret with a label make no bundle', async () => {
  cluster.put('secrets', {
    metadata: { name: 'other', namespace: 'shop', labels: { use: 'kong' } },
    data: { cert: base64('not one'), key: base64('an API key') },
  });
  const reader = readerOf({
    type: 'kubernetes',
    kubeconfig: cluster.kubeconfig(),
    label_selector: 'use=kong',
  });
  expect(await reader.pass()).toMatchObject({ changed: [], total: 0, strays: [] });
});
