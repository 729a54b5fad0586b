import { createPublicKey } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { describe, expect, it, test } from 'vitest';
import { Authority, type IssueOptions, type Issued } from '../../../src/authority/authority';
import {
  decodePem,
  hasSameIssuer,
  isSelfSigned,
  issuerSet,
  leadsTo,
  NO_ISSUERS,
  parseCertificate,
  PUBLIC_ROOTS,
  publicKeyDigest,
  publicKeyDigestOfKey,
} from '../../../src/certificates';
import { derOf } from '../../support/bundles';

const leaf = { names: ['www.example.test'] };
const parsed = (pem: string) => (decodePem(pem) ?? []).map(({ der }) => parseCertificate(der));
const chainOf = (issued: Issued) => parsed(issued.chain);
const now = Date.now();
const spkiOf = (authority: Authority) =>
  createPublicKey(authority.privateKey).export({ type: 'spki', format: 'der' });

describe('two certificates have the same issuer', () => {
  const root = Authority.root('Root');
  const intermediate = root.intermediate('Issuing');
  const stored = intermediate.issue(leaf);
  const trusted = issuerSet([root.cert]);

  test.for<[string, boolean, () => Issued, boolean]>([
    ['one intermediate signed both', true, () => intermediate.issue(leaf), false],
    [
      'the intermediate was renewed with its key',
      true,
      () => root.intermediate('Issuing', { key: intermediate.privateKey }).issue(leaf),
      false,
    ],
    [
      'the intermediate was renewed with a new key, under a root that the operator named',
      true,
      () => root.intermediate('Issuing').issue(leaf),
      true,
    ],
    [
      'the intermediate was renewed with a new key, and nobody knows the root',
      false,
      () => root.intermediate('Issuing').issue(leaf),
      false,
    ],
    [
      'another authority has the same names',
      false,
      () => Authority.root('Root').intermediate('Issuing').issue(leaf),
      true,
    ],
    ['it is self-signed', false, () => selfSigned(), true],
    [
      'the issuer of the present one was put beside a certificate of somebody else',
      false,
      () => {
        const issued = Authority.root('Issuing').issue(leaf);
        return { ...issued, chain: issued.cert + intermediate.cert };
      },
      true,
    ],
    [
      'somebody else signed the key of the present issuer, too, and brings that',
      false,
      () => {
        const hostile = Authority.root('Hostile');
        const crossed = hostile.issue({
          names: ['Issuing'],
          ca: true,
          withoutNames: true,
          publicKey: spkiOf(intermediate),
        });
        const issued = hostile.issue(leaf);
        return { ...issued, chain: issued.cert + hostile.cert + crossed.cert };
      },
      false,
    ],
  ])('%s: %s', ([, expected, renewed, isRootKnown]) => {
    expect(hasSameIssuer(chainOf(stored), chainOf(renewed()), isRootKnown ? trusted : NO_ISSUERS)).toBe(
      expected,
    );
  });

  it('also where Kong has the leaf alone and the bundle brings the issuer', () => {
    expect(hasSameIssuer(parsed(stored.cert), chainOf(intermediate.issue(leaf)))).toBe(true);
    expect(hasSameIssuer(chainOf(stored), parsed(intermediate.issue(leaf).cert))).toBe(true);
  });

  it('but not where neither has it: the same name is no proof', () => {
    expect(hasSameIssuer(parsed(stored.cert), parsed(intermediate.issue(leaf).cert))).toBe(false);
  });

  it('also where both are self-signed by one key, and not by two', () => {
    const first = selfSigned();
    const renewed = selfSigned(first);
    expect(hasSameIssuer(chainOf(first), chainOf(renewed))).toBe(true);
    expect(hasSameIssuer(chainOf(first), chainOf(selfSigned()))).toBe(false);
  });
});

/** A leaf that its own key signed. */
function selfSigned(of?: Issued): Issued {
  const authority = Authority.root('www.example.test', of === undefined ? {} : { key: of.privateKey });
  const issued = authority.issue({ ...leaf, key: authority.privateKey });
  return { ...issued, chain: issued.cert };
}

describe('a certificate is self-signed', () => {
  it('where its own key signed it', () => {
    expect(isSelfSigned(parseCertificate(derOf(selfSigned().cert)))).toBe(true);
  });

  it('and not where only the names say so', () => {
    const issued = Authority.root('www.example.test').issue(leaf);
    expect(issued.cert).not.toBe('');
    expect(isSelfSigned(parseCertificate(derOf(issued.cert)))).toBe(false);
  });
});

describe('signatures lead to a root', () => {
  const root = Authority.root('Root');
  const intermediate = root.intermediate('Issuing');
  const roots = issuerSet([root.cert]);
  /** permitted: a.test */
  const constraints = {
    id: '2.5.29.30',
    critical: true,
    value: Buffer.from('300ca00a30088206612e74657374', 'hex'),
  };
  const day = 86_400_000;

  test.for<[string, boolean, () => Issued]>([
    ['through an intermediate', true, () => intermediate.issue(leaf)],
    ['without one', true, () => root.issue(leaf)],
    [
      'not from another authority of the same names',
      false,
      () => Authority.root('Root').intermediate('Issuing').issue(leaf),
    ],
    ['not through a certificate that is no CA', false, () => under({ ca: false })],
    ['not through a CA for clients alone', false, () => under({ usage: 'client' })],
    [
      'not through a CA that has expired',
      false,
      () => under({ notBefore: new Date(now - 2 * day), notAfter: new Date(now - day) }),
    ],
    ['not through a CA that may not issue these names', false, () => under({ extensions: [constraints] })],
    [
      'through a CA that may issue these names',
      true,
      () => under({ extensions: [constraints] }, ['www.a.test']),
    ],
    ['not from a leaf for clients', false, () => intermediate.issue({ ...leaf, usage: 'client' })],
    [
      'through a cross-signed certificate',
      true,
      () => {
        const younger = Authority.root('Younger');
        const crossed = root.intermediate('Younger', { key: younger.privateKey });
        const issued = younger.intermediate('Lower').issue(leaf);
        return { ...issued, chain: issued.chain + crossed.cert };
      },
    ],
  ])('%s: %s', ([, expected, make]) => {
    expect(leadsTo(roots, chainOf(make()), now)).toBe(expected);
  });

  function under(options: Partial<IssueOptions>, names = leaf.names): Issued {
    const issuer = root.intermediate('Between');
    const own = root.issue({
      ca: true,
      withoutNames: true,
      key: issuer.privateKey,
      ...options,
      names: ['Between'],
    });
    const issued = issuer.issue({ names });
    return { ...issued, chain: issued.cert + own.cert };
  }

  it('not where the intermediate is missing', () => {
    expect(leadsTo(roots, parsed(intermediate.issue(leaf).cert), now)).toBe(false);
  });

  it('not with more certificates of one name than a client would try', () => {
    const namesakes = Array.from({ length: 40 }, () => Authority.root('Issuing').cert);
    const issued = intermediate.issue(leaf);
    expect(leadsTo(roots, parsed(issued.cert + namesakes.join('')), now)).toBe(false);
  });
});

describe('the public roots', () => {
  it('are all found by their subject', () => {
    const found = rootCertificates.filter((pem) => {
      const root = parseCertificate(derOf(pem));
      return PUBLIC_ROOTS.named(root.subject).some(({ info }) => info.fingerprint === root.info.fingerprint);
    });
    expect(found).toHaveLength(rootCertificates.length);
  });

  it('are not what anybody names after them', () => {
    const subject = parseCertificate(derOf(rootCertificates[0] ?? '')).subject;
    expect(subject).not.toBe('');
    expect(leadsTo(PUBLIC_ROOTS, chainOf(Authority.root('ISRG Root X1').issue(leaf)), now)).toBe(false);
  });
});

test.for(['p256', 'p384', 'rsa-2048', 'ed25519'] as const)(
  'a %s key and its certificate have one digest of the public key',
  (key) => {
    const issued = Authority.root().issue({ ...leaf, key });
    const digest = publicKeyDigest(parseCertificate(derOf(issued.cert)));
    expect(publicKeyDigestOfKey(issued.key)).toBe(digest);
    expect(publicKeyDigestOfKey(Authority.root().issue({ ...leaf, key }).key)).not.toBe(digest);
  },
);

it('a text that is not a key has no digest', () => {
  expect(publicKeyDigestOfKey('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n')).toBeNull();
});
