import { X509Certificate } from 'node:crypto';
import { describe, expect, it, test } from 'vitest';
import {
  checkKeyAndChain,
  isShorter,
  openBundle,
  parseCertificate,
  reachOfPem,
  readPem,
  toPem,
} from '../../../src/certificates';
import { Authority } from '../../../src/authority/authority';
import { isRefusal } from '../../../src/model';
import { blocksOf, opened, raw, refusalOf } from '../../support/bundles';

const root = Authority.root('Root');
const upper = root.intermediate('Upper');
const lower = upper.intermediate('Lower');
const issued = lower.issue({ names: ['www.example.test'] });
const stranger = Authority.root('Stranger')
  .intermediate('Strange')
  .issue({ names: ['other.test'] });

const texts = {
  leaf: issued.cert,
  lower: lower.cert,
  upper: upper.cert,
  root: root.cert,
  stranger: stranger.cert,
};
type Name = keyof typeof texts;

function orderOf(names: readonly Name[]): string[] {
  const bundle = opened(raw({ cert: names.map((name) => texts[name]).join(''), key: issued.key }));
  const byFingerprint = new Map(
    Object.entries(texts).map(([name, cert]) => [
      opened(raw({ cert, key: issued.key })).bundle.leaf.fingerprint,
      name,
    ]),
  );
  return bundle.chain.map(({ info }) => byFingerprint.get(info.fingerprint) ?? 'unknown');
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, index) =>
    permutations([...items.slice(0, index), ...items.slice(index + 1)]).map((rest) => [item, ...rest]),
  );
}

describe('a chain', () => {
  test.for(permutations<Name>(['leaf', 'lower', 'upper']))(
    'is put in order when it stands as %s, %s, %s',
    (names) => {
      expect(orderOf(names)).toEqual(['leaf', 'lower', 'upper']);
    },
  );

  test.for<[string, Name[], Name[]]>([
    [
      'loses its root, which clients have themselves',
      ['leaf', 'lower', 'upper', 'root'],
      ['leaf', 'lower', 'upper'],
    ],
    ['loses its root when that stands first', ['root', 'upper', 'lower', 'leaf'], ['leaf', 'lower', 'upper']],
    ['loses what is there twice', ['leaf', 'lower', 'leaf', 'upper', 'lower'], ['leaf', 'lower', 'upper']],
    ['may be a leaf alone', ['leaf'], ['leaf']],
    ['may lack its upper intermediate', ['leaf', 'lower'], ['leaf', 'lower']],
  ])('%s', ([, names, expected]) => {
    expect(orderOf(names)).toEqual(expected);
  });

  test.for<[string, Name[]]>([
    ['with a certificate of somebody else behind it', ['leaf', 'lower', 'upper', 'stranger']],
    ['with a certificate of somebody else before it', ['stranger', 'leaf', 'lower', 'upper']],
    ['of two leaves', ['leaf', 'stranger']],
    ['with a gap', ['leaf', 'upper']],
    ['with a gap below its root', ['leaf', 'root']],
  ])('%s is refused', ([, names]) => {
    const cert = names.map((name) => texts[name]).join('');
    const { reason, message } = refusalOf(openBundle(raw({ cert, key: issued.key })));
    expect(reason).toBe('chain_broken');
    expect(message).toContain(`${names.length} certificates that do not form one chain`);
  });

  it('of a self-signed certificate is that certificate', () => {
    const own = Authority.root('own.example.test');
    const key = own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    expect(opened(raw({ cert: own.cert, key })).bundle.chainLength).toBe(1);
  });

  it('may hold an intermediate that was signed by two roots, as at a change of roots', () => {
    const older = Authority.root('Older Root');
    const crossed = older.intermediate('Root', { key: root.privateKey });
    const cert = issued.chain + crossed.cert;
    expect(opened(raw({ cert, key: issued.key })).bundle.chainLength).toBe(4);
  });

  describe('of two ways up', () => {
    const older = Authority.root('Older Root');
    const crossed = older.intermediate('Root', { key: root.privateKey });
    const chainOf = (certificates: readonly string[]) => {
      const bundle = opened(raw({ cert: certificates.join(''), key: issued.key }));
      expect(checkKeyAndChain(bundle)).toBeNull();
      return toPem(bundle).cert;
    };

    test.for(permutations(['the root', 'the root signed by an older one', 'the older root']))(
      'is the one to the older root: %s, %s, %s',
      (names) => {
        const all: Record<string, string> = {
          'the root': root.cert,
          'the root signed by an older one': crossed.cert,
          'the older root': older.cert,
        };
        const certificates = [issued.chain, ...names.map((name) => all[name] ?? '')];
        expect(chainOf(certificates)).toBe(issued.chain + crossed.cert);
      },
    );

    it.each([1, 200])('is the one that signed, whichever is valid longer (%i days)', (days) => {
      const notAfter = new Date(Date.now() + days * 86_400_000);
      const namesake = upper.intermediate('Lower', { notAfter });
      expect(chainOf([issued.cert, namesake.cert, lower.cert, upper.cert])).toBe(issued.chain);
    });

    it('is the one with the renewed intermediate', () => {
      const renewed = upper.intermediate('Lower', {
        key: lower.privateKey,
        notAfter: new Date(Date.now() + 200 * 86_400_000),
      });
      for (const both of [lower.cert + renewed.cert, renewed.cert + lower.cert]) {
        expect(chainOf([issued.cert, both, upper.cert])).toBe(issued.cert + renewed.cert + upper.cert);
      }
    });

    it('ends where authorities signed each other in a circle', () => {
      const first = Authority.root('First');
      const second = Authority.root('Second');
      const leaf = first.issue({ names: ['a.test'] });
      const circle = [
        second.intermediate('First', { key: first.privateKey }).cert,
        first.intermediate('Second', { key: second.privateKey }).cert,
      ];
      const bundle = opened(raw({ cert: leaf.cert + circle.join(''), key: leaf.key }));
      expect(bundle.bundle.chainLength).toBe(3);
    });
  });

  it('of more certificates than any has is refused', () => {
    let issuer = root;
    for (let level = 0; level < 33; level++) issuer = issuer.intermediate(`Level ${level}`);
    const { chain, key } = issuer.issue({ names: ['a.test'] });
    expect(refusalOf(openBundle(raw({ cert: chain, key }))).reason).toBe('chain_broken');
  });

  describe('without its intermediates', () => {
    const completed = (issuers: string) =>
      toPem(opened({ ...raw({ cert: issued.cert, key: issued.key }), issuers: [issuers] })).cert;

    it('gets them from what lies beside it, in any order and without the root', () => {
      expect(completed(root.cert + upper.cert + stranger.cert + lower.cert)).toBe(issued.chain);
    });

    it('gets none that only has the name of one', () => {
      expect(completed(upper.intermediate('Lower').cert)).toBe(issued.cert);
    });
  });

  it('leaves files of renewals that were appended to each other out', () => {
    const renewed = lower.issue({ names: ['www.example.test'], key: issued.privateKey });
    const found = openBundle(raw({ cert: renewed.cert + issued.chain, key: issued.key }));
    expect(isRefusal(found) && found.reason).toBe('chain_broken');
  });

  it('is handed on to Kong leaf first, without comments, in lines of 64 characters', () => {
    const reversed = blocksOf(issued.chain).reverse().join('\n# the next one\n');
    const { cert, key } = toPem(opened(raw({ cert: reversed, key: `# the key\n${issued.key}` })));
    expect(cert).toBe(issued.chain);
    expect(key).toBe(issued.key);
  });
});

describe('an issuer above the leaf’s own that has expired', () => {
  const past = (days: number) => new Date(Date.now() - days * 86_400_000);
  const dead = Authority.root('Dead Root', { notBefore: past(900), notAfter: past(100) });
  const cross = dead.issue({
    ...{ names: ['Root'], ca: true, withoutNames: true, key: root.privateKey },
    ...{ notBefore: past(800), notAfter: past(1) },
  });

  it('is not served, nor what stands above it: no client accepts it', () => {
    const cert = issued.cert + lower.cert + upper.cert + cross.cert;
    for (const text of [cert, cert + dead.cert]) {
      const bundle = opened(raw({ cert: text, key: issued.key }));
      expect(toPem(bundle).cert).toBe(issued.cert + lower.cert + upper.cert);
      expect(bundle.bundle.chainLength).toBe(3);
      expect(checkKeyAndChain(bundle)).toBeNull();
    }
  });

  it('is not missing in a renewal because Kong has it', () => {
    const chain = lower.cert + upper.cert + cross.cert;
    const { bundle } = opened(raw({ cert: issued.cert + chain, key: issued.key }));
    const pem = readPem(issued.cert + chain, '');
    const leaf = new X509Certificate(issued.cert).raw;
    const present = reachOfPem(parseCertificate(leaf), pem!);
    expect(present.issuers).toHaveLength(4);
    expect(isShorter(bundle.reach, present, Date.now())).toBe(false);
    expect(isShorter(bundle.reach, present, Date.now() - 10 * 86_400_000)).toBe(true);
  });
});
