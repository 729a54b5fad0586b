import { expect, it } from 'vitest';
import { Authority } from '../../src/authority/authority';
import { BANK, DAY_MS, proper, selfSigned, world } from '../support/tenants';

/*
 * An attacker with write access to the Admin API plants a certificate, so that the plugin fills in a key that Kong never
 * had, and reads the key back. SECURITY.md names the remaining risk.
 */

it.each([
  ['as if it were made by hand', []],
  ['as if the ingress controller had made it', ['managed-by-ingress-controller']],
  [
    'as if it were of another namespace',
    ['managed-by-ingress-controller', 'k8s-namespace:elsewhere', 'k8s-name:www'],
  ],
])('a certificate with the name of an internal Secret, %s, gets no key of that Secret', async (_, tags) => {
  const { cluster, settle, post, certificates } = await world({ create: false });
  const internal = selfSigned([BANK]);
  cluster.putSecret('internal', 'www', internal);
  const planted = selfSigned([BANK]);
  await post(planted, [BANK], { tags });
  await settle();
  const [{ key } = { key: '' }] = await certificates();
  expect(key.trim()).toBe(planted.key.trim());
});

it('one that a CA of the operator vouches for does: whoever may write there names what Kong is to serve', async () => {
  const { cluster, settle, post, certificates } = await world({ create: false });
  const internal = proper([BANK]);
  cluster.putSecret('internal', 'www', internal);
  const before = new Date(Date.now() - 30 * DAY_MS);
  await post(Authority.root('Anybody').issue({ names: [BANK], notBefore: before }), [BANK]);
  await settle();
  expect((await certificates())[0]?.key.trim()).toBe(internal.key.trim());
});
