import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { checkKeyAndChain, checkShape } from '../../../src/certificates';
import { Authority, type Issued, type IssueOptions } from '../../../src/authority/authority';
import type { Reason } from '../../../src/model';
import {
  authorities,
  blocksOf,
  issue,
  LOCATION,
  opened,
  raw,
  rawOf,
  refusalOf,
  secretsIn,
} from '../../support/bundles';
import { testFolder } from '../../support/folders';
import { missing, run } from '../../support/tools';

const NOW = Date.parse('2026-06-01T00:00:00Z');
const at = (text: string) => new Date(text);
const fresh = { notBefore: at('2026-05-01T00:00:00Z'), notAfter: at('2026-08-01T00:00:00Z') };
const shapeOf = (issued: Issued, now = NOW) => checkShape(opened(rawOf(issued)).bundle, now);

describe('a certificate with the text of another one inside, which Node would read instead,', () => {
  const [real, imposter] = [Authority.root('Issuing'), Authority.root('Issuing')] as const;
  const around = (inner: Issued, authority: Authority, key: IssueOptions['key'] = 'p256') =>
    authority.issue({
      names: ['www.example.test'],
      key,
      extensions: [{ id: '1.3.6.1.4.1.99999.1', value: Buffer.from(`\n${inner.cert}`) }],
    });
  const gate = (cert: string, key: string) => checkKeyAndChain(opened(raw({ cert, key })))?.reason ?? null;
  const inner = real.issue({ names: ['www.example.test'], key: 'rsa-2048' });

  it('passes with its own key and issuer', () => {
    for (const key of ['p256', 'rsa-2048'] as const) {
      const outer = around(inner, real, key);
      expect(gate(outer.cert, outer.key)).toBeNull();
      expect(gate(outer.cert + real.cert, outer.key)).toBeNull();
    }
  });

  it("does not pass with the other one's key", () => {
    expect(gate(around(inner, real, 'rsa-2048').cert, inner.key)).toBe('key_mismatch');
  });

  it("does not pass with the other one's issuer", () => {
    const authority = real.intermediate('Intermediate');
    const other = imposter.intermediate('Intermediate');
    for (const key of ['p256', 'rsa-2048'] as const) {
      const outer = around(authority.issue({ names: ['www.example.test'] }), other, key);
      expect(gate(outer.cert + authority.cert, outer.key)).toBe('chain_broken');
    }
  });
});

describe('the gate lets through', () => {
  test.for<[string, Partial<IssueOptions>]>([
    ['a P-256 key', { key: 'p256' }],
    ['a P-384 key', { key: 'p384' }],
    ['an RSA key of 2048 bits', { key: 'rsa-2048' }],
    ['an Ed25519 key', { key: 'ed25519' }],
    ['a signature with SHA-384', { digest: 'sha384' }],
    ['a certificate that is valid from this moment on', { notBefore: new Date(NOW) }],
    ['a certificate that expires in a moment', { notAfter: new Date(NOW + 1000) }],
  ])('%s', ([, options]) => {
    const issued = issue({ ...fresh, ...options });
    expect(shapeOf(issued)).toBeNull();
    expect(checkKeyAndChain(opened(rawOf(issued)))).toBeNull();
  });

  it('a P-521 key', () => {
    const issued = issue({
      ...fresh,
      key: generateKeyPairSync('ec', { namedCurve: 'secp521r1' }).privateKey,
    });
    expect(shapeOf(issued)).toBeNull();
  });

  test.for([
    ['SEC1', 'p256', 'sec1'],
    ['PKCS#1', 'rsa-2048', 'pkcs1'],
    ['PKCS#8', 'rsa-2048', 'pkcs8'],
  ] as const)('a key written as %s (%s)', ([, kind, type]) => {
    const { chain, privateKey } = issue({ key: kind });
    const key = privateKey.export({ type: type, format: 'pem' }).toString();
    expect(checkKeyAndChain(opened(raw({ cert: chain, key })))).toBeNull();
  });

  it('a root that another one signed, where that signature expires before the write', () => {
    const { root } = authorities();
    const DAY_MS = 86_400_000;
    const notAfter = new Date(Date.now() + DAY_MS);
    const crossed = Authority.root('Older').intermediate(root.name, { notAfter, key: root.privateKey });
    const leaf = root.intermediate('Lower').issue({ names: ['a.test'] });
    const bundle = opened(raw({ cert: leaf.chain + crossed.cert, key: leaf.key }));
    expect(bundle.bundle.chainLength).toBe(3);
    expect(checkKeyAndChain(bundle, Date.now() + 2 * DAY_MS)).toBeNull();
  });

  it('a leaf without its intermediate: clients may have it', () => {
    const { cert, key } = issue();
    expect(checkKeyAndChain(opened(raw({ cert, key })))).toBeNull();
  });

  it('a self-signed certificate that is no CA', () => {
    const root = Authority.root('self.example.test');
    const own = root.issue({ names: ['self.example.test'], key: root.privateKey });
    expect(checkKeyAndChain(opened(raw({ cert: own.cert, key: own.key })))).toBeNull();
  });
});

describe('the gate refuses', () => {
  const md5 = Authority.root('MD5', { key: 'rsa-2048' });
  const strange = generateKeyPairSync('ec', { namedCurve: 'secp224r1' });
  test.for<[Reason, string, () => Issued, string]>([
    ['ca_as_leaf', 'a CA as leaf', () => issue({ ...fresh, ca: true }), 'is a CA certificate'],
    [
      'expired',
      'an expired leaf',
      () => issue({ ...fresh, notAfter: at('2026-05-20T10:00:00Z') }),
      'expired at 2026-05-20T10:00:00.000Z',
    ],
    [
      'expired',
      'a leaf that expires this moment',
      () => issue({ ...fresh, notAfter: new Date(NOW) }),
      'expired at',
    ],
    [
      'not_yet_valid',
      'a leaf that is valid from tomorrow',
      () => issue({ notBefore: at('2026-06-02T00:00:00Z') }),
      'valid from 2026-06-02',
    ],
    ['weak_signature', 'SHA-1', () => issue({ ...fresh, digest: 'sha1' }), 'signed with SHA1'],
    [
      'weak_signature',
      'MD5',
      () => md5.issue({ names: ['a.test'], ...fresh, digest: 'md5' }),
      'signed with MD5',
    ],
    ['weak_key', 'a short RSA key', () => issue({ ...fresh, key: 'rsa-1024' }), '1024 bits (RSA)'],
    ['weak_key', 'a small curve', () => issue({ ...fresh, key: strange.privateKey }), '224 bits (EC)'],
    [
      'weak_key',
      'a kind of key that Kong cannot serve',
      () => issue({ ...fresh, key: generateKeyPairSync('ed448').privateKey }),
      'a kind of key',
    ],
  ])('%s: %s', ([reason, , make, words]) => {
    const issued = make();
    const why = refusalOf(shapeOf(issued));
    expect(why.reason).toBe(reason);
    expect(why.message).toContain(words);
    expect(why.message.startsWith(LOCATION)).toBe(true);
    for (const secret of secretsIn(issued.key)) expect(why.message).not.toContain(secret);
  });

  it('an RSA key that is one bit too short', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2047 });
    expect(shapeOf(issue({ ...fresh, key: privateKey }))?.reason).toBe('weak_key');
  });

  it('an intermediate that is signed with SHA-1, which clients refuse as well', () => {
    const { root } = authorities();
    const issued = root.intermediate('Old', { digest: 'sha1' }).issue({ names: ['a.test'], ...fresh });
    const bundle = opened(rawOf(issued));
    const why = checkShape(bundle.bundle, NOW) ?? checkKeyAndChain(bundle);
    expect(why?.reason).toBe('weak_signature');
  });

  const issued = issue();
  const other = issue();
  const rsa = issue({ key: 'rsa-2048' });
  const junk = '-----BEGIN PRIVATE KEY-----\nc2VjcmV0IHNlY3JldCBzZWNyZXQ=\n-----END PRIVATE KEY-----\n';
  test.for<[Reason, string, { cert: string; key: string }, string]>([
    [
      'key_mismatch',
      'the key of another renewal',
      { cert: issued.chain, key: other.key },
      'does not belong to its certificate',
    ],
    [
      'key_mismatch',
      'a key of another kind',
      { cert: issued.chain, key: rsa.key },
      'does not belong to its certificate',
    ],
    [
      'unsupported_format',
      'something that is not a key',
      { cert: issued.chain, key: junk },
      'cannot be read',
    ],
    [
      'unsupported_format',
      'a key in the form of OpenSSH',
      { cert: issued.chain, key: junk.replaceAll('PRIVATE', 'OPENSSH PRIVATE') },
      'cannot be read',
    ],
  ])('%s: %s', ([reason, , texts, words]) => {
    const why = refusalOf(checkKeyAndChain(opened(raw(texts))));
    expect(why.reason).toBe(reason);
    expect(why.message).toContain(words);
    expect(why.message).toContain(LOCATION);
    for (const secret of secretsIn(texts.key)) expect(why.message).not.toContain(secret);
  });

  it('expired: the intermediate that issued the leaf', () => {
    const { root } = authorities();
    const times = { notBefore: at('2026-05-01T00:00:00Z'), notAfter: at('2026-05-30T00:00:00Z') };
    const leaf = root.intermediate('Short', times).issue({ names: ['a.test'], ...fresh });
    const why = refusalOf(checkKeyAndChain(opened(rawOf(leaf)), NOW));
    expect(why.reason).toBe('expired');
    expect(why.message).toContain(
      `certificate 2 of ${LOCATION}, which issued the leaf, expired at 2026-05-30`,
    );
    expect(checkKeyAndChain(opened(rawOf(leaf)), Date.parse('2026-05-29T23:59:59Z'))).toBeNull();
  });

  it.each(['rsa-1024', 'secp224r1'])('weak_key: an intermediate with a %s key', (kind) => {
    const key = kind === 'rsa-1024' ? kind : generateKeyPairSync('ec', { namedCurve: kind }).privateKey;
    const leaf = authorities()
      .root.intermediate('Weak', { key })
      .issue({ names: ['a.test'] });
    const why = refusalOf(checkKeyAndChain(opened(rawOf(leaf))));
    expect(why.reason).toBe('weak_key');
    expect(why.message).toContain(`certificate 2 of ${LOCATION} has a key of`);
  });

  describe.skipIf(missing.openssl !== null)(`with openssl [${missing.openssl ?? 'found'}]`, () => {
    test.for<[pathLength: number | null, refused: boolean]>([
      [null, false],
      [1, false],
      [0, true],
    ])('chain_broken: a CA below one that allows %s below it: %s', ([pathLength, refused]) => {
      const { root } = authorities();
      const upper = root.intermediate('Upper');
      const limit = pathLength === null ? '' : `,pathlen:${pathLength}`;
      const limited = withExtensions(root, upper, `basicConstraints=critical,CA:TRUE${limit}`);
      const leaf = upper.intermediate('Lower').issue({ names: ['a.test'] });
      const cert = leaf.chain.replace(upper.cert, limited);
      expect(cert).toContain(limited);
      const why = checkKeyAndChain(opened(raw({ cert, key: leaf.key })));
      expect(why?.reason).toBe(refused ? 'chain_broken' : undefined);
      if (refused) expect(why?.message).toContain(`certificate 3 of ${LOCATION} allows no more than 0 CAs`);
    });
  });

  it('chain_broken: an intermediate of the same name that signed nothing here', () => {
    const namesake = Authority.root('Elsewhere').intermediate(authorities().intermediate.name);
    const why = refusalOf(
      checkKeyAndChain(opened(raw({ cert: issued.cert + namesake.cert, key: issued.key }))),
    );
    expect(why).toMatchObject({ reason: 'chain_broken' });
    expect(why.message).toContain(`certificate 1 of ${LOCATION} is not signed by certificate 2`);
  });

  it('chain_broken: an upper intermediate of the same name that signed nothing here', () => {
    const { root } = authorities();
    const lower = root.intermediate('Upper').intermediate('Lower');
    const leaf = lower.issue({ names: ['a.test'] });
    const namesake = root.intermediate('Upper');
    const cert = leaf.cert + lower.cert + namesake.cert;
    const why = refusalOf(checkKeyAndChain(opened(raw({ cert, key: leaf.key }))));
    expect(why.message).toContain('certificate 2');
  });

  it('chain_broken: an issuer that is no CA', () => {
    const { intermediate } = authorities();
    const false_ = intermediate.issue({ names: ['not-a-ca.test'] });
    const root = Authority.root('not-a-ca.test', { key: false_.privateKey });
    const leaf = root.issue({ names: ['a.test'] });
    const why = refusalOf(checkKeyAndChain(opened(raw({ cert: leaf.cert + false_.cert, key: leaf.key }))));
    expect(why.reason).toBe('chain_broken');
    expect(why.message).toContain('certificate 2 of');
    expect(why.message).toContain('not a CA');
  });

  it('a leaf that our reader understands and OpenSSL does not, instead of failing', () => {
    const bundle = opened(rawOf(issued));
    const [leaf] = bundle.chain;
    const damaged = { ...bundle, chain: [{ ...leaf!, der: Buffer.from('nonsense') }] };
    expect(refusalOf(checkKeyAndChain(damaged)).reason).toBe('unsupported_format');
    expect(refusalOf(checkKeyAndChain({ ...bundle, chain: [] })).reason).toBe('missing_certificate');
  });

  it('the same bundle again when it is asked twice, and still takes the right intermediate afterwards', () => {
    const namesake = Authority.root('Elsewhere').intermediate(authorities().intermediate.name);
    for (const turn of [1, 2]) {
      const broken = opened(raw({ cert: issued.cert + namesake.cert, key: issued.key }));
      expect(checkKeyAndChain(broken)?.reason, `turn ${turn}`).toBe('chain_broken');
      expect(checkKeyAndChain(opened(rawOf(issued)))).toBeNull();
    }
    expect(blocksOf(issued.chain)).toHaveLength(2);
  });
});

/** The certificate of an authority with other extensions, as openssl makes it. */
function withExtensions(issuer: Authority, { name, privateKey }: Authority, extensions: string): string {
  const folder = testFolder();
  const write = (file: string, content: string) => {
    writeFileSync(join(folder, file), content);
    return join(folder, file);
  };
  const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();
  const key = write('key.pem', pem(privateKey));
  const request = run('openssl', ['req', '-new', '-key', key, '-subj', `/CN=${name}`]).toString();
  const files = ['-CA', write('ca.pem', issuer.cert), '-CAkey', write('ca-key.pem', pem(issuer.privateKey))];
  const options = ['-set_serial', '7', '-extfile', write('extensions', extensions)];
  return run('openssl', ['x509', '-req', ...files, ...options], request).toString();
}
