import { describe, expect, it, test } from 'vitest';
import { Authority } from '../../../src/authority/authority';
import { complete, openBundle, storedHalfOf, toPem, type OpenedBundle } from '../../../src/certificates';
import { parseCertificate } from '../../../src/certificates/x509';
import { halfOf, toStored, type CertificateEntity } from '../../../src/gateway/admin/entities';
import { isRefusal, type Owner, type StoredHalf } from '../../../src/model';
import { authorities, blocksOf, derOf, issue, opened, raw, rawOf, secretsIn } from '../../support/bundles';

const issued = issue({ names: ['www.example.test', '*.example.test'] });
const twin = issue({ key: 'rsa-2048' });

const entity = (more: Partial<CertificateEntity> = {}): CertificateEntity => ({
  id: 'K',
  cert: issued.chain,
  key: issued.key,
  snis: ['www.example.test'],
  tags: null,
  ...more,
});

describe('a certificate as the Admin API shows it', () => {
  it('is known by the same digests as the bundle it came from', () => {
    const { bundle } = opened(rawOf(issued));
    const { main, alt } = toStored(entity());
    const { fingerprint, serial, names, notBefore, notAfter, issuer } = bundle.leaf;
    expect(main).toMatchObject({
      content: bundle.content,
      chain: bundle.chain,
      leaf: { fingerprint, serial, names, notBefore, notAfter, issuer },
      reach: bundle.reach,
      vaultReference: false,
    });
    expect(alt).toBeNull();
  });

  it('is known by the same digests after the ingress controller trimmed it', () => {
    const trimmed = toStored(entity({ cert: issued.chain.trim(), key: issued.key.trim() }));
    expect(trimmed.main).toEqual(toStored(entity()).main);
  });

  it('is kept without its key and PEM texts', () => {
    const text = JSON.stringify(toStored(entity({ cert_alt: twin.chain, key_alt: twin.key })));
    for (const secret of [...secretsIn(issued.key), ...secretsIn(twin.key), ...secretsIn(issued.chain)]) {
      expect(text).not.toContain(secret);
    }
  });

  it('has a twin where both texts of the twin are there', () => {
    const { alt } = toStored(entity({ cert_alt: twin.chain, key_alt: twin.key }));
    expect(alt).toMatchObject({ leaf: { keyType: 'rsa' }, chain: opened(rawOf(twin)).bundle.chain });
    expect(toStored(entity({ cert_alt: twin.chain })).alt).toBeNull();
    expect(toStored(entity({ cert_alt: null, key_alt: null })).alt).toBeNull();
  });

  it('is not parsed again where its content is known, and is where anything of it differs', () => {
    const known = toStored(entity({ cert_alt: twin.chain, key_alt: twin.key }));
    const same = toStored(entity({ cert_alt: twin.chain, key_alt: twin.key, snis: [] }), known);
    expect([same.main, same.alt]).toEqual([known.main, known.alt]);
    expect(same.main).toBe(known.main);
    expect(same.snis).toEqual([]);
    const other = issue({ names: ['www.example.test'] });
    const renewed = entity({ cert: other.chain, key: other.key });
    expect(toStored(renewed, known)).toEqual(toStored(renewed));
    const otherKey = entity({ key: other.key });
    expect(toStored(otherKey, known)).toEqual(toStored(otherKey));
    const reference = entity({ key: '{vault://env/key}' });
    expect(toStored(reference, toStored(reference))).toEqual(toStored(reference));
  });

  it('has its SNIs as they are stored, and none where there are none', () => {
    expect(toStored(entity({ snis: ['WWW.Example.test', '*'] })).snis).toEqual(['WWW.Example.test', '*']);
    expect(toStored(entity({ snis: null })).snis).toEqual([]);
    const { id, cert, key } = entity();
    expect(toStored({ id, cert, key }).snis).toEqual([]);
  });

  it('tells the Secret and its UID by the tags of the ingress controller', () => {
    const tags = ['k8s-name:www-tls', 'k8s-namespace:web', 'k8s-uid:8f0d'];
    expect(toStored(entity({ tags }))).toMatchObject({ secret: 'web/www-tls', secretUid: '8f0d' });
    expect(toStored(entity({ tags: ['k8s-name:www-tls'] }))).toMatchObject({ secret: null });
  });

  it('of ours that keeps the names that a renewal lost is told apart by its tag', () => {
    expect(toStored(entity({ tags: ['ssl-cert-reloader', 'ssl-cert-reloader-previous'] }))).toMatchObject({
      owner: 'us',
      isPrevious: true,
    });
    expect(toStored(entity({ tags: ['ssl-cert-reloader'] })).isPrevious).toBeUndefined();
  });

  it('with its chain in another order is known by that order, which Kong serves', () => {
    const reversed = blocksOf(issued.chain).reverse().join('');
    expect(toStored(entity({ cert: reversed })).main.chain).not.toBe(toStored(entity()).main.chain);
  });

  test.for<[string, Partial<CertificateEntity>]>([
    ['cert', { cert: '{vault://hcv/tls/cert}' }],
    ['key', { key: '{vault://env/my-key}' }],
    ['both', { cert: '{vault://hcv/tls/cert}', key: '{vault://hcv/tls/key}' }],
    ['cert, after a blank', { cert: '  {vault://hcv/tls/cert}' }],
  ])('is a vault reference where %s is one', ([, more]) => {
    expect(toStored(entity(more)).main).toMatchObject({
      content: '',
      chain: '',
      leaf: null,
      vaultReference: true,
    });
  });

  it('has a twin that may be a vault reference on its own', () => {
    const { main, alt } = toStored(entity({ cert_alt: '{vault://env/c}', key_alt: '{vault://env/k}' }));
    expect([main.vaultReference, alt?.vaultReference]).toEqual([false, true]);
  });

  test.for([
    ['cut off', issued.cert.slice(0, 200)],
    ['empty', ''],
    ['no PEM', 'hello'],
    ['no certificate', issued.key],
    ['no X.509', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
  ])('that is %s has no leaf, and is no exception', ([, cert = '']) => {
    expect(toStored(entity({ cert })).main).toMatchObject({ leaf: null, vaultReference: false });
  });

  test.for<[Owner, string[] | null]>([
    ['other', null],
    ['other', []],
    ['other', ['acme', 'terraform']],
    ['us', ['ssl-cert-reloader']],
    ['us', ['team-a', 'ssl-cert-reloader']],
    ['ingress_controller', ['managed-by-ingress-controller']],
    ['ingress_controller', ['k8s-name:www-tls', 'k8s-namespace:web', 'k8s-kind:Secret']],
    ['us', ['ssl-cert-reloader', 'managed-by-ingress-controller']],
    ['ingress_controller', ['k8s-uid:8f0d', 'team-a']],
    ['ingress_controller', ['managed-by-ingress-controller']],
    ['other', ['not-managed-by-ingress-controller', 'my-k8s-tag']],
    ['other', ['k8s-prod', 'k8s-cluster:eu', 'managed-by-ingress-controller-of-old']],
  ])('belongs to %s with the tags %j', ([owner, tags]) => {
    expect(toStored(entity({ tags })).owner).toBe(owner);
  });
});

describe('one half of a certificate', () => {
  it('is what a rollback restores', () => {
    const both = entity({ cert_alt: twin.chain, key_alt: twin.key });
    expect(halfOf(both, 'main')).toEqual({ cert: issued.chain, key: issued.key });
    expect(halfOf(both, 'alt')).toEqual({ cert: twin.chain, key: twin.key });
    expect(halfOf(entity(), 'alt')).toBeNull();
    expect(isRefusal(openBundle(rawOf(twin)))).toBe(false);
  });
});

describe('what the texts of a bundle would yield is known before they are written:', () => {
  const { root, intermediate } = authorities();
  const alone = raw({ cert: issued.cert, key: issued.key });
  const forClients = root.intermediate('Clients', { usage: 'client' });
  const own = Authority.root('own.example.test');
  const self = own.issue({ names: ['own.example.test'], key: own.privateKey });
  const lower = intermediate.intermediate('Lower').issue({ names: ['www.example.test'] });
  const wholeOf = () => {
    const issuer = parseCertificate(derOf(intermediate.cert));
    return complete(
      opened(alone),
      () => [issuer],
      () => false,
    );
  };
  it.each<[string, () => OpenedBundle]>([
    ['leaf and issuer', () => opened(rawOf(issued))],
    ['another kind of key', () => opened(rawOf(twin))],
    ['two issuers', () => opened(rawOf(lower))],
    ['a leaf alone', () => opened(alone)],
    ['a leaf that signed itself', () => opened(raw({ cert: self.cert, key: self.key }))],
    [
      'a leaf whose issuer is for clients alone',
      () => opened(rawOf(forClients.issue({ names: ['a.test'] }))),
    ],
    ['a root beside it', () => opened({ ...rawOf(issued), issuers: [root.cert] })],
    ['an issuer beside it', () => opened({ ...alone, issuers: [intermediate.cert] })],
    ['a chain that was completed', wholeOf],
    [
      'other white space',
      () => opened(raw({ cert: issued.chain.replace(/\n/g, '\r\n'), key: `# a key\n${issued.key}` })),
    ],
  ])('%s', (_, open) => {
    const bundle = open();
    // A fingerprint is computed from a longer text that begins with its digest.
    const facts = (half: StoredHalf | null) => ({
      ...half,
      leaf: { ...half?.leaf, digest: null, fingerprint: half?.leaf?.fingerprint },
    });
    expect(facts(storedHalfOf(bundle))).toEqual(facts(toStored(entity(toPem(bundle))).main));
  });

  it.each([
    ['a root that is not written', issued.chain + root.cert],
    ['another order', intermediate.cert + issued.cert],
  ])('not with %s', (_, cert) => {
    expect(storedHalfOf(opened(raw({ cert, key: issued.key })))).toBeNull();
  });

  it('it counts for these very texts alone', () => {
    const bundle = opened(rawOf(issued));
    const pair = toPem(bundle);
    const half = storedHalfOf(bundle) ?? undefined;
    if (half === undefined) throw new Error('it is not known');
    const fresh = { ...pair, half };
    expect(toStored(entity(pair), undefined, fresh).main).toBe(half);
    const both = { ...pair, cert_alt: twin.chain, key_alt: twin.key };
    expect(toStored(entity(both), undefined, fresh)).toEqual(toStored(entity(both)));
    const other = issue();
    for (const changed of [{ cert: other.chain }, { key: other.key }, { cert: '{vault://env/cert}' }])
      expect(toStored(entity({ ...pair, ...changed }), undefined, fresh)).toEqual(
        toStored(entity({ ...pair, ...changed })),
      );
  });
});
