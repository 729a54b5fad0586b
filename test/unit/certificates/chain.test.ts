import { describe, expect, it, test } from 'vitest';
import { openBundle, toPem } from '../../../src/certificates';
import { Authority } from '../../../src/certificates/authority';
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
