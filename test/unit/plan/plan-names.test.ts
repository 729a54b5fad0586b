import { describe, expect, it, test } from 'vitest';
import { asSnis } from '../../../src/certificates';
import { HomeBook } from '../../../src/plan';
import { bundle, ours, outline, plan, stored, tenant } from '../../support/plans';

const newer = { age: 5 };
const label = 'a'.repeat(63);
/** 253 characters, the most that a name may have. */
const longest = [label, label, label, 'b'.repeat(61)].join('.');

describe('a renewal reaches the certificate in Kong whose SNI is', () => {
  test.for<[what: string, name: string, sni: string]>([
    ['the same name', 'www.test', 'www.test'],
    ['written in capitals', 'www.test', 'WWW.Test'],
    ['written with the dot of the root', 'www.test', 'www.test.'],
    ['both', 'www.test', 'WWW.TEST.'],
    ['an internationalized name in capitals', 'xn--bcher-kva.test', 'XN--Bcher-KVA.test'],
    ['under its wildcard', '*.test', 'www.test'],
    ['its wildcard, in capitals', '*.example.test', '*.EXAMPLE.test'],
    ['a wildcard of one label', '*.internal', '*.internal'],
    ['a single label', 'intranet', 'intranet'],
    ['a name with an underscore', '_sip.example.test', '_sip.example.test'],
    ['of the maximal length', longest, longest],
    ['of the maximal length under a wildcard', `*.${longest.slice(64)}`, longest],
  ])('%s (%s for %s)', ([, name, sni]) => {
    const made = plan(
      [bundle('new', { ...newer, names: [name] })],
      [stored('K', { names: [name], snis: [sni] })],
    );
    expect(outline(made)).toMatchObject({ changes: ['K main <- new'], refused: {} });
    // Once it is there, nothing more happens.
    const after = plan(
      [bundle('new', { ...newer, names: [name] })],
      [stored('K', { ...newer, names: [name], snis: [sni] })],
    );
    expect(outline(after)).toMatchObject({ changes: [], inSync: { new: ['K'] } });
  });

  test.for<[what: string, name: string, sni: string]>([
    ['two labels below its wildcard', '*.test', 'a.b.test'],
    ['the domain of its wildcard itself', '*.example.test', 'example.test'],
    ['a wildcard, of which it is one host', 'www.example.test', '*.example.test'],
    ['another wildcard below its own', '*.test', '*.example.test'],
    ['a name that only begins alike', 'www.test', 'www.test.example'],
    ['a name that only ends alike', 'www.test', 'wwww.test'],
  ])('not %s (%s for %s)', ([, name, sni]) => {
    const made = plan([bundle('new', { ...newer, names: [name] })], [stored('K', { names: [sni] })]);
    expect(outline(made)).toMatchObject({ changes: [], inSync: {} });
  });
});

it('a certificate of ours stays with its place where one of its names came from another, which has other names now', () => {
  const homes = new HomeBook();
  homes.note([{ certificate: ours('b', { names: ['pay.test'] }), half: 'main', places: ['b'] }]);
  const names = ['*.test', 'pay.test'];
  const kong = ours('a', { ...newer, names });
  homes.note([{ certificate: ours('a', { age: 20, names: ['*.test'] }), half: 'main', places: ['a'] }]);
  const bundles = [
    bundle('a', { ...newer, names, create: true }),
    bundle('b', { age: 3, names: ['shop.test'], create: true }),
  ];
  expect(outline(plan(bundles, [kong], { more: { homes } }))).toEqual({
    changes: ['create b for shop.test'],
    inSync: { a: [kong.id] },
    refused: {},
    unused: [],
  });
});

describe("a host under a tenant's wildcard of a trusted CA", () => {
  const wildcard = tenant('shop/wild', { names: ['*.test'], create: true });
  const kong = [ours(wildcard.id, { names: ['*.test'] })];
  const evidence = { isTrusted: () => true, isSameIssuer: () => true };
  it.each([
    ["is the operator's to take", bundle('www', { create: true }), ['create www for www.test']],
    ["is not another tenant's", tenant('evil/www', { create: true }), []],
    [
      "is the same tenant's",
      tenant('shop/www', { create: true }),
      ['create kubernetes#shop/www for www.test'],
    ],
  ])('%s', (_, host, changes) => {
    expect(outline(plan([wildcard, host], kong, { more: { evidence } })).changes).toEqual(changes);
  });
});

describe('a bundle for which a certificate is created', () => {
  test.for<[what: string, names: string[], snis: string[]]>([
    [
      'every name that can be an SNI, in its order',
      ['b.test', 'a.test', '*.c.test'],
      ['b.test', 'a.test', '*.c.test'],
    ],
    ['no name that Kong does not take', ['www.test', 'bücher.test', '*', 'a*.test', 'x.*'], ['www.test']],
    ['no name that is too long', ['www.test', `a${longest}`, `${label}a.test`], ['www.test']],
    ['the longest name that there is', [longest], [longest]],
  ])('gets %s', ([, names, snis]) => {
    const made = plan([bundle('new', { names, create: true })], []);
    expect(made.changes).toMatchObject([{ kind: 'create', snis }]);
    expect(asSnis(names)).toEqual(snis);
  });

  it('gets no name that Kong has in another spelling', () => {
    const kong = [stored('K', { names: ['a.test'], snis: ['A.Test.'] })];
    const { changes } = plan([bundle('new', { ...newer, names: ['a.test', 'b.test'], create: true })], kong);
    const created = changes.flatMap((change) => (change.kind === 'create' ? change.snis : change.addSnis));
    expect(created).not.toContain('a.test');
  });
});
