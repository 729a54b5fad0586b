import { expect, it } from 'vitest';
import { safeText, toJson } from '../../src/common/safe-text';
import { createSources } from '../../src/sources';
import { completeConfig } from '../../src/app/config';
import { blocksOf, derOf, issue } from '../support/bundles';
import { jks } from '../support/format-files';
import { readerOf } from '../support/remote-source';
import { StandInCluster } from '../support/stand-in-cluster';

/** A word that everybody is told, and the name of another tenant. */
const WORDS = ['in_sync', 'shop.bank.test', 'certificate'];

const { chain, key } = issue({ key: 'rsa-2048' });
const keystore = jks([{ alias: 'certificate', key: derOf(key), chain: blocksOf(chain).map(derOf) }]);
const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64');

it('a tenant who chooses a word for the password of its keystore removes it from nothing that others are told', async () => {
  const cluster = await StandInCluster.start();
  const put = (namespace: string, name: string, data: object) =>
    cluster.put('secrets', {
      metadata: { name, namespace, labels: { app: 'shop' } },
      type: 'Opaque',
      data,
    });
  for (const [at, word] of WORDS.entries()) {
    put(`evil-${at}`, 'www', { 'keystore.jks': base64(keystore) });
    put(`evil-${at}`, 'lock', { password: base64(word) });
  }
  const reader = readerOf({
    ...{ type: 'kubernetes', kubeconfig: cluster.kubeconfig() },
    ...{ label_selector: 'app=shop', password_secret: 'lock' },
  });
  await reader.pass();
  // The password was asked for, and used.
  expect(cluster.requests().filter((request) => request.endsWith('/lock'))).toHaveLength(WORDS.length);
  const status = { state: 'in_sync', snis: ['shop.bank.test'], note: 'a certificate' };
  expect(JSON.parse(toJson(status))).toEqual(status);
  expect(safeText(WORDS.join(' '))).toBe(WORDS.join(' '));
});

it("the operator's own password is removed wherever it stands", () => {
  createSources(
    completeConfig({ sources: [{ type: 'directory', path: '/certs', password: "the operator's own 1" }] }),
    () => false,
  );
  expect(safeText("it says: the operator's own 1 is wrong")).toBe('it says: [removed] is wrong');
});
