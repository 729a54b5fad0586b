import { beforeEach, expect, it } from 'vitest';
import { issue } from '../../../support/bundles';
import { readerOf, troubles } from '../../../support/remote-source';
import { sendStatus, StandInCluster } from '../../../support/stand-in-cluster';

const first = issue();
const second = issue();

/** A cluster in which Secrets may be read by their names alone. */
let cluster: StandInCluster;
beforeEach(async () => {
  cluster = await StandInCluster.start();
  cluster.secondMs = 20;
  cluster.intercept = (_, { pathname }) =>
    /\/secrets\/(www|api)$/.test(pathname) ? null : (response) => sendStatus(response, 403, 'forbidden');
});

const readerOfNamed = (names: string[]) =>
  readerOf({ type: 'kubernetes', kubeconfig: cluster.kubeconfig(), namespaces: ['shop'], names });

it('Secrets by their names are read with each poll where nothing but get is allowed', async () => {
  cluster.putSecret('shop', 'www', first);
  const reader = readerOfNamed(['www', 'api']);
  expect(await reader.pass()).toMatchObject({ changed: ['shop/www'], total: 1, errors: [] });
  expect(await reader.pass()).toMatchObject({ changed: [], removed: [], total: 1, errors: [] });
  cluster.putSecret('shop', 'www', second);
  cluster.putSecret('shop', 'api', first);
  expect((await reader.pass()).changed.sort()).toEqual(['shop/api', 'shop/www']);
  expect(reader.texts('shop/www')).toEqual({ cert: second.chain, key: second.key });
  cluster.remove('secrets', 'shop', 'www');
  expect(await reader.pass()).toMatchObject({ changed: [], removed: ['shop/www'], total: 1, errors: [] });
});

it('a Secret that may not even be read is said to be so, and the others are read', async () => {
  cluster.putSecret('shop', 'www', first);
  cluster.putSecret('shop', 'hidden', first);
  const reader = readerOfNamed(['www', 'hidden']);
  const scan = await reader.pass();
  expect(scan.changed).toEqual(['shop/www']);
  expect(troubles(scan)).toMatch(/^forbidden: Secrets in namespace shop cannot be read/);
});

it('they are watched as soon as that is allowed', async () => {
  cluster.putSecret('shop', 'www', first);
  const reader = readerOfNamed(['www']);
  await reader.pass();
  cluster.intercept = () => null;
  await reader.pass();
  cluster.requests();
  expect(await reader.pass()).toMatchObject({ changed: [], total: 1, errors: [] });
  expect(cluster.requests()).toEqual(['WATCH /api/v1/namespaces/shop/secrets']);
});
