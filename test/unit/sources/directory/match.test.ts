import { expect, it, test } from 'vitest';
import type { FileFacts } from '../../../../src/certificates';
import type { KnownFile } from '../../../../src/sources/directory/known-files';
import { matchFiles } from '../../../../src/sources/directory/match';
import { parseName } from '../../../../src/sources/directory/names';
import { leafOf, NOW } from '../../../support/plans';

/** Content of a file: a leaf (L), a key (K) or both (B) of a number, or something unreadable (X). */
type Content = `${'L' | 'K' | 'B'}${number}` | 'X';

function factsOf(content: Content): FileFacts {
  const [kind, id] = [content[0], content.slice(1)];
  if (kind === 'X')
    return {
      kind: 'damaged',
      leaf: null,
      publicKeys: [],
      authorities: [],
      problem: { reason: 'incomplete', message: 'cut off' },
    };
  if (kind === 'K')
    return { kind: 'key', leaf: null, publicKeys: [`public ${id}`], authorities: [], problem: null };
  const info = leafOf({ names: [`${id}.test`] });
  const leaf = { digest: `leaf ${id}`, info, publicKey: `public ${id}`, issuer: 'CA', count: 1, isPem: true };
  return { kind: kind === 'B' ? 'bundle' : 'leaf', leaf, publicKeys: [], authorities: [], problem: null };
}

function fileOf(folder: string, base: string, content: Content): KnownFile {
  const name = parseName(`${base}.pem`);
  if (name === null) throw new Error('no certificate by its name');
  return { path: `${folder}/${base}.pem`, folder, name, facts: factsOf(content), isTold: false };
}

/** Returns the same numbers for the same seed. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

function randomFiles(seed: number): KnownFile[] {
  const roll = dice(seed);
  return Array.from({ length: 1 + roll(9) }, (_, index) => {
    const kind = 'LLKKBX'[roll(6)] ?? 'X';
    const content = (kind === 'X' ? 'X' : `${kind}${roll(4)}`) as Content;
    return fileOf(`/certs/${roll(2)}`, `${'abc'[roll(3)] ?? 'a'}${index}x`, content);
  });
}

it('in 2,000 random folders every pair belongs together, every leaf and every file is accounted for, in any order', () => {
  for (let seed = 1; seed <= 2000; seed++) {
    const files = randomFiles(seed);
    const byPath = new Map(files.map((file) => [file.path, file.facts]));
    const found = matchFiles(files, new Map(), NOW);
    const leaves = files.flatMap(({ facts }) => (facts.leaf === null ? [] : [facts.leaf.digest]));
    const matched = found.bundles.map(({ cert }) => byPath.get(cert)?.leaf?.digest);
    expect(new Set(matched), `seed ${seed}`).toEqual(new Set(leaves));
    expect(matched.length, `seed ${seed}: one certificate is one bundle`).toBeGreaterThanOrEqual(
      new Set(leaves).size,
    );
    for (const { cert, key, isAlone } of found.bundles) {
      const leaf = byPath.get(cert)?.leaf;
      const keys = key === null ? undefined : byPath.get(key);
      if (keys?.kind === 'key') expect(keys.publicKeys, `seed ${seed}`).toContain(leaf?.publicKey);
      const hasKey = files.some(
        ({ facts }) => facts.kind === 'key' && facts.publicKeys.includes(leaf?.publicKey ?? ''),
      );
      if (hasKey) expect(isAlone, `seed ${seed}: ${cert}`).toBe(false);
    }
    const strays = new Set(found.strays.map(({ location }) => location));
    for (const { path, facts } of files) {
      const isLoneKey =
        facts.kind === 'key' &&
        !leaves.some((leaf) => `leaf ${facts.publicKeys[0]?.slice(7) ?? ''}` === leaf);
      if (isLoneKey) expect(strays.has(path), `seed ${seed}: ${path}`).toBe(true);
    }
    const turned = matchFiles([...files].reverse(), new Map(), NOW);
    const told = (match: typeof found) => ({
      bundles: match.bundles.map(({ cert, key }) => `${cert} ${key ?? ''}`).sort(),
      strays: match.strays.map(({ location }) => location).sort(),
    });
    expect(told(turned), `seed ${seed}`).toEqual(told(found));
  }
});

test.for<[what: string, files: [base: string, content: Content][], bundles: string[], strays: string[]]>([
  [
    'a leaf and its key',
    [
      ['a', 'L1'],
      ['b', 'K1'],
    ],
    ['a b'],
    [],
  ],
  [
    'two sites whose names say nothing',
    [
      ['a', 'L1'],
      ['b', 'L2'],
      ['c', 'K2'],
      ['d', 'K1'],
    ],
    ['a d', 'b c'],
    [],
  ],
  ['one key and no leaf', [['a', 'K1']], [], ['a']],
  [
    'a leaf and the key of another',
    [
      ['a', 'L1'],
      ['b', 'K2'],
    ],
    ['a'],
    ['b'],
  ],
  [
    'a leaf that stands with its key elsewhere',
    [
      ['a', 'L1'],
      ['b', 'B1'],
    ],
    ['b'],
    [],
  ],
  [
    'a file that cannot be read',
    [
      ['a', 'L1'],
      ['b', 'K1'],
      ['c', 'X'],
    ],
    ['a b'],
    ['c'],
  ],
])('%s', ([, files, bundles, strays]) => {
  const found = matchFiles(
    files.map(([base, content]) => fileOf('/certs', base, content)),
    new Map(),
    NOW,
  );
  const baseOf = (path: string) => path.replace('/certs/', '').replace('.pem', '');
  expect(
    found.bundles.map(({ cert, key }) => [cert, ...(key === null ? [] : [key])].map(baseOf).join(' ')).sort(),
  ).toEqual(bundles);
  expect(found.strays.map(({ location }) => baseOf(location))).toEqual(strays);
});

test.for([
  ['fullchain-1789816000', 'fullchain-1795000000'],
  ['fullchain9', 'fullchain10'],
  ['fullchain7', 'fullchain'],
] as const)(
  'of two generations of one second %s gives way to %s, whatever their digests',
  ([older, newer]) => {
    for (const [first, second] of [
      ['1', '2'],
      ['2', '1'],
    ] as const) {
      const generation = (base: string, id: string) => {
        const { facts, ...file } = fileOf('/certs/shop', base, `B${id}` as Content);
        const info = leafOf({ names: ['shop.test'] });
        return { ...file, facts: { ...facts, leaf: { ...facts.leaf, info } } } as KnownFile;
      };
      const { bundles, strays } = matchFiles(
        [generation(older, first), generation(newer, second)],
        new Map(),
        NOW,
      );
      expect(bundles.map(({ cert }) => cert)).toEqual([`/certs/shop/${newer}.pem`]);
      expect(strays).toEqual([]);
    }
  },
);
