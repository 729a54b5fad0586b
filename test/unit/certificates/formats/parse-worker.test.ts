import crypto, { createPrivateKey } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { afterEach, expect, it, vi } from 'vitest';
import { inspectFiles } from '../../../../src/certificates';
import { isRefusal } from '../../../../src/model';
import { issue, opened, rawOf, refusalOf } from '../../../support/bundles';
import { PASSWORD, p12, rsaIssuer } from '../../../support/format-files';

const location = '/certs/site';

afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

it('an encrypted file is decrypted by another thread than the event loop', async () => {
  const issued = rsaIssuer().issue({ names: ['a.test'], key: 'rsa-2048' });
  const cert = p12(issued.chain, issued.key, 'aes256', 1_000);
  const derivations = vi.spyOn(crypto, 'pbkdf2Sync');
  const digests = vi.spyOn(crypto, 'hash');
  syncBuiltinESMExports();
  const { opened: found } = await inspectFiles({ location, cert, password: PASSWORD });
  if (isRefusal(found)) throw new Error(found.message);
  expect(found.bundle.content).toBe(opened(rawOf(issued)).bundle.content);
  expect(derivations).not.toHaveBeenCalled();
  expect(digests.mock.calls.length).toBeLessThan(20);
});

it('many files at once each get their own answer', async () => {
  const cert = Buffer.from(issue().chain);
  const issues = Array.from({ length: 30 }, (_, index) => {
    const issued = issue({ names: [`host-${index}.test`] });
    const key = createPrivateKey(issued.key).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: `password ${index}`,
    });
    return { issued, key: Buffer.from(key) };
  });
  const found = await Promise.all(
    issues.map(({ issued, key }, index) =>
      inspectFiles({
        location,
        cert: index % 3 === 0 ? cert : Buffer.from(issued.chain),
        key,
        password: index % 5 === 0 ? 'guess' : `password ${index}`,
      }),
    ),
  );
  for (const [index, { opened: one }] of found.entries()) {
    if (index % 5 === 0) expect(refusalOf(one).reason).toBe('encrypted_key');
    else if (index % 3 === 0) expect(isRefusal(one)).toBe(false);
    else expect(isRefusal(one) ? one.message : one.bundle.leaf.names).toEqual([`host-${index}.test`]);
  }
});

it('without a password no key is derived for a key that is encrypted', async () => {
  const issued = issue();
  const key = createPrivateKey(issued.key).export({
    type: 'pkcs8',
    format: 'der',
    cipher: 'aes-256-cbc',
    passphrase: PASSWORD,
  });
  const why = refusalOf((await inspectFiles({ location, cert: Buffer.from(issued.chain), key })).opened);
  expect(why.message).toContain('it is encrypted and its source has no password');
});

it('without a password a keystore that asks for many rounds is refused before the empty one is tried', async () => {
  const issued = rsaIssuer().issue({ names: ['a.test'], key: 'rsa-2048' });
  const cert = p12(issued.chain, issued.key, 'aes256', 60_000);
  const why = refusalOf((await inspectFiles({ location, cert })).opened);
  expect(why).toMatchObject({ reason: 'encrypted_key' });
  expect(why.message).toContain('its source has no password');
});
