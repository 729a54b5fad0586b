import { createPublicKey } from 'node:crypto';
import { expect, it } from 'vitest';
import { Authority, type Issued } from '../../src/authority/authority';
import { issuerSet } from '../../src/certificates';
import { BundleReader } from '../../src/pass/bundle-reader';
import { MemorySource } from '../support/stages';

/*
 * A bundle without its chain gets what is missing from Kong, and from bundles of others where signatures lead to a known
 * root. The key of a CA is public: everybody can make a certificate of it that is signed by somebody else.
 */

const root = Authority.root('Root');
const issuing = root.intermediate('Upper').intermediate('Issuing');

/** The CA's own subject and key, signed by a stranger, and valid for longer than the true one. */
function forged(stranger: Authority): string {
  const publicKey = createPublicKey(issuing.privateKey).export({ type: 'spki', format: 'der' });
  const notAfter = new Date(Date.now() + 9_000 * 86_400_000);
  return stranger.issue({ names: [issuing.name], ca: true, withoutNames: true, publicKey, notAfter }).cert;
}

it('a forged certificate of its issuer keeps no chain from a bundle of another', async () => {
  const source = Object.assign(new MemorySource('secrets'), { ownership: 'tenants' as const });
  const put = (namespace: string, name: string, { cert, key }: Pick<Issued, 'cert' | 'key'>, chain = '') =>
    source.put(`${namespace}/${name}`, {
      ...{ cert: cert + chain, key },
      secret: { uid: name, namespace, name },
    });
  put('bank', 'www', issuing.issue({ names: ['bank.test'] }));
  const shop = issuing.issue({ names: ['shop.test'] });
  put('shop', 'www', { cert: shop.chain, key: shop.key });
  for (let index = 0; index < 10; index++) {
    const stranger = Authority.root(`Evil ${index}`);
    // Its own leaf says that the CA issued it, which nobody has checked yet.
    const leaf = Authority.root(issuing.name).issue({ names: [`x${index}.evil.test`] });
    put('evil', `x${index}`, leaf, forged(stranger));
  }
  const reader = new BundleReader([source], { trusted: () => issuerSet([root.cert]) });
  await reader.scan(undefined);
  const { chain } = reader.book.get('secrets#shop/www') ?? {};
  expect(reader.book.get('secrets#bank/www')).toMatchObject({ chainLength: 3, isCompleted: true });
  expect(reader.book.get('secrets#bank/www')?.chain.split('.').slice(1)).toEqual(chain?.split('.').slice(1));
});
