import { describe, expect, it, test } from 'vitest';
import { deterministicId } from '../../../src/model';
import { bundle, checkPlan, half, leafOf, ours, plan, stored, type PlanCase } from '../../support/plans';

const newer = { age: 5 };
const id = (bundleId: string) => deterministicId('certificate', bundleId);

test.for<[what: string, names: string[], ips: string[], said: string]>([
  ['a final dot', ['shop.test.'], [], '"shop.test." ends in a dot'],
  ['a partial wildcard', ['w*.shop.test'], [], 'has a wildcard that is not its whole first label'],
  ['an address written as a name', ['192.0.2.7'], [], 'it has to be an IP entry'],
  ['addresses alone', [], ['192.0.2.7'], "gets Kong's default certificate"],
  ['neither name nor address', [], [], 'has no subjectAltName'],
])('a bundle with %s is refused with the sentence that fits', ([, names, ips, said]) => {
  const leaf = { ...leafOf({ names }), ips, commonName: 'shop.test' };
  const { changes, refused } = plan([bundle('new', { leaf, create: true })], []);
  expect(changes).toEqual([]);
  expect(refused.get('new')).toMatchObject({
    reason: 'no_names',
    message: expect.stringContaining(said) as string,
  });
});

test('a bundle for addresses alone whose files are those of ssl_cert is served already', () => {
  const leaf = { ...leafOf({ names: [] }), ips: ['192.0.2.7'] };
  const location = '/etc/kong/default.crt';
  const { refused, aside, unused } = plan(
    [bundle('found', { leaf, location, create: true }), bundle('ssl_cert', { leaf, location, snis: ['*'] })],
    [],
  );
  expect([...refused.keys()]).toEqual([]);
  expect(aside).toContain('found');
  expect(unused).not.toContain('found');
});

describe('a bundle that no certificate in Kong asks for', () => {
  test.for<PlanCase>([
    {
      name: 'gets a certificate with its names as SNIs where its source creates',
      bundles: [bundle('new', { names: ['a.test', '*.b.test'], create: true })],
      changes: ['create new for a.test *.b.test'],
    },
    { name: 'is left alone where its source does not', bundles: [bundle('new')], unused: ['new'] },
    {
      name: 'is created without names that are no SNIs',
      bundles: [bundle('new', { names: ['192.0.2.7', 'a.test', 'not a host'], create: true })],
      changes: ['create new for a.test'],
    },
    {
      name: 'is refused where it has no name for an SNI',
      bundles: [bundle('new', { names: ['not a host'], create: true })],
      refused: { new: 'no_names' },
    },
    {
      name: 'is created once where another bundle has the same names: the newest',
      bundles: [bundle('old', { age: 9, create: true }), bundle('new', { age: 3, create: true })],
      changes: ['create new for www.test'],
      unused: ['old'],
    },
    {
      name: 'is created beside another one with other names',
      bundles: [
        bundle('a', { names: ['a.test'], create: true }),
        bundle('b', { names: ['b.test'], create: true }),
      ],
      changes: ['create a for a.test', 'create b for b.test'],
    },
    {
      name: 'gets the names that are left where a newer one has one of its names',
      bundles: [
        bundle('both', { names: ['a.test', 'b.test'], age: 9, create: true }),
        bundle('one', { names: ['b.test'], age: 3, create: true }),
      ],
      changes: ['create one for b.test', 'create both for a.test'],
    },
    {
      name: 'is created where the newer one with its names is unfit',
      bundles: [
        bundle('good', { age: 9, create: true }),
        bundle('ca', { age: 3, create: true, leaf: { ...leafOf({ age: 3 }), isCa: true } }),
      ],
      changes: ['create good for www.test'],
      refused: { ca: 'ca_as_leaf' },
    },
    {
      name: 'is refused where a certificate in Kong has one of its names and more',
      bundles: [bundle('new', { names: ['a.test'], create: true })],
      kong: [stored('K', { names: ['a.test', 'z.test'] })],
      refused: { new: 'names_not_covered' },
    },
  ])('$name', checkPlan);

  it('gets an id that the next process gives it as well', () => {
    const [first] = plan([bundle('new', { create: true })], []).changes;
    expect(first).toMatchObject({ kind: 'create', id: id('new') });
  });
});

describe('a bundle that is asked for by name', () => {
  const wildcard = { names: ['*.shop.test', 'shop.test'], create: true };
  test.for<PlanCase>([
    {
      name: 'gets those names, as far as the leaf covers them',
      bundles: [bundle('new', { ...wildcard, hosts: ['a.shop.test', 'a.other.test', '*.shop.test'] })],
      changes: ['create new for a.shop.test *.shop.test'],
    },
    {
      name: 'is left alone where the names are none',
      bundles: [bundle('new', { ...wildcard, hosts: [] })],
      unused: ['new'],
    },
    {
      name: 'is refused where the leaf covers none of them',
      bundles: [bundle('new', { ...wildcard, hosts: ['a.other.test'] })],
      refused: { new: 'names_not_covered' },
    },
    {
      name: 'gets the names that no other certificate has',
      bundles: [bundle('new', { ...wildcard, hosts: ['a.shop.test', 'b.shop.test'] })],
      kong: [stored('K', { names: ['b.shop.test'], age: 3 })],
      changes: ['create new for a.shop.test'],
    },
    {
      name: 'is created beside another one with the same leaf',
      bundles: [
        bundle('a', { ...wildcard, hosts: ['a.shop.test'] }),
        bundle('b', { ...wildcard, hosts: ['b.shop.test'] }),
      ],
      kong: [ours('a', { names: ['*.shop.test', 'shop.test'], snis: ['a.shop.test'] })],
      changes: ['create b for b.shop.test'],
      inSync: { a: [id('a')] },
    },
    {
      name: 'shares a certificate with its twin of the other type of key for the same names alone',
      bundles: [
        bundle('ec', { ...wildcard, hosts: ['a.shop.test'] }),
        bundle('rsa', { ...wildcard, hosts: ['b.shop.test'], keyType: 'rsa' }),
      ],
      changes: ['create ec for a.shop.test', 'create rsa for b.shop.test'],
    },
    {
      name: 'gets a name that it is asked for later',
      bundles: [bundle('a', { ...wildcard, hosts: ['a.shop.test', 'b.shop.test'] })],
      kong: [ours('a', { names: ['*.shop.test', 'shop.test'], snis: ['a.shop.test'] })],
      changes: [`${id('a')} main <- a +b.shop.test`],
    },
    {
      name: 'keeps its certificate, and its names, when nobody asks for them any more',
      bundles: [bundle('a', { ...wildcard, age: 3, hosts: [] })],
      kong: [ours('a', { names: ['*.shop.test', 'shop.test'], snis: ['a.shop.test'] })],
      changes: [`${id('a')} main <- a`],
    },
  ])('$name', checkPlan);
});

describe('a certificate that was created for a bundle', () => {
  test.for<PlanCase>([
    {
      name: 'is renewed from it',
      bundles: [bundle('www', { ...newer, create: true })],
      kong: [ours('www')],
      changes: [`${id('www')} main <- www`],
    },
    {
      name: 'gets the SNIs that were added to it',
      bundles: [bundle('www', { ...newer, names: ['www.test', 'api.test', '192.0.2.7'], create: true })],
      kong: [ours('www')],
      changes: [`${id('www')} main <- www +api.test`],
    },
    {
      name: 'gets an SNI that is missing though its content is the same',
      bundles: [bundle('www', { names: ['www.test', 'api.test'], create: true })],
      kong: [ours('www', { names: ['www.test', 'api.test'], snis: ['www.test'] })],
      changes: [`${id('www')} main <- www +api.test`],
    },
    {
      name: 'does not get an SNI that another certificate has',
      bundles: [bundle('www', { ...newer, names: ['www.test', 'api.test'], create: true })],
      kong: [ours('www'), stored('K', { snis: ['api.test'], names: ['api.test', 'x.test'] })],
      changes: [`${id('www')} main <- www`, 'K main <- www'],
    },
    {
      name: 'prefers its own bundle to a newer one of another source',
      bundles: [
        bundle('www', { ...newer, create: true }),
        bundle('other', { age: 1, order: 1, create: true }),
      ],
      kong: [ours('www')],
      changes: [`${id('www')} main <- www`],
      refused: { other: 'name_of_another' },
    },
    {
      name: 'is renewed where its bundle lost an SNI, which keeps what it had',
      bundles: [bundle('www', { ...newer, names: ['www.test'], create: true })],
      kong: [ours('www', { names: ['www.test', 'api.test'] })],
      changes: [`${id('www')} main <- www -api.test`],
    },
    {
      name: 'is renewed from another bundle when its own is gone',
      bundles: [bundle('moved', { ...newer, create: true })],
      kong: [ours('www')],
      changes: [`${id('www')} main <- moved`],
    },
  ])('$name', checkPlan);
});

describe('a bundle with SNIs of its own', () => {
  const fixed = { snis: ['*'], names: ['a.test'], create: true };
  const fixedId = id('*');
  test.for<PlanCase>([
    {
      name: 'gets a certificate with these SNIs alone, whose id does not depend on where it is',
      bundles: [bundle('default', fixed)],
      changes: [`create default for *`],
    },
    {
      name: 'renews that certificate, whatever names the leaf has now',
      bundles: [bundle('default', { ...fixed, ...newer, names: ['other.test'] })],
      kong: [stored(fixedId, { owner: 'us', names: ['a.test'], snis: ['*'] })],
      changes: [`${fixedId} main <- default`],
    },
    {
      name: 'renews it though none would be created now',
      bundles: [bundle('default', { ...fixed, ...newer, create: false })],
      kong: [stored(fixedId, { owner: 'us', names: ['a.test'], snis: ['*'] })],
      changes: [`${fixedId} main <- default`],
    },
    {
      name: 'is for no other certificate',
      bundles: [bundle('default', { ...fixed, ...newer, create: false })],
      kong: [stored('K', { names: ['a.test'] })],
    },
    {
      name: 'is in a file that Kong reads: where another source has that, too, it is not called unused',
      bundles: [
        bundle('default', { ...fixed, create: false, location: '/certs/edge.crt' }),
        bundle('edge', { names: ['a.test'], location: '/certs/edge.crt' }),
        bundle('other', { names: ['a.test'], location: '/certs/other.crt' }),
      ],
      unused: ['other'],
    },
    {
      name: "leaves somebody else's certificate with that SNI alone",
      bundles: [bundle('default', { ...fixed, ...newer })],
      kong: [stored('K', { names: ['a.test', 'b.test'], snis: ['*'] })],
      unused: ['default'],
    },
    {
      name: 'has a twin in another one with the same SNIs, whatever their names',
      bundles: [
        bundle('ec', fixed),
        bundle('rsa', { ...fixed, keyType: 'rsa', names: ['b.test'] }),
        bundle('www', { names: ['a.test'], create: true, keyType: 'rsa', age: 20 }),
      ],
      changes: ['create rsa for *', `${fixedId} alt <- ec`, 'create www for a.test'],
    },
  ])('$name', checkPlan);
});

describe('names that a certificate gained', () => {
  it('do not become SNIs of a certificate that somebody else made', () => {
    checkPlan({
      name: '',
      bundles: [bundle('www', { ...newer, names: ['www.test', 'api.test'], create: true })],
      kong: [stored('K')],
      changes: ['K main <- www'],
    });
  });
});

describe('where add_names says so, a certificate that somebody else made', () => {
  const names = ['www.test', 'api.test'];
  const options = { more: { addNames: true } };
  const secret = { uid: 'K', namespace: 'shop', name: 'www', createdAt: 0 };
  test.for<PlanCase>([
    {
      name: 'gains the name together with its renewal',
      bundles: [bundle('www', { ...newer, names, create: true })],
      kong: [stored('K')],
      changes: ['K main <- www +api.test'],
    },
    {
      name: 'gains it though the pair is in place',
      bundles: [bundle('www', { ...newer, names, create: true })],
      kong: [stored('K', { ...newer, names, snis: ['www.test'] })],
      changes: ['K main <- www +api.test'],
    },
    {
      name: 'gains none that another certificate has',
      bundles: [bundle('www', { ...newer, names, create: true })],
      kong: [stored('K'), stored('L', { names: ['api.test'] })],
      changes: ['K main <- www', 'L main <- www'],
    },
    {
      name: "gains none as the ingress controller's",
      bundles: [bundle('www', { ...newer, names, create: true, secret })],
      kong: [stored('K', { owner: 'ingress_controller' })],
      changes: ['K main <- www'],
    },
    {
      name: 'gains none as a client certificate without SNI',
      bundles: [bundle('www', { ...newer, create: true })],
      kong: [stored('K', { snis: [] })],
      changes: ['K main <- www'],
    },
  ])('$name', (one) => checkPlan({ ...one, options }));
});

describe('an SNI of every name (*)', () => {
  const star = (names: string[]) => stored('K', { names, snis: ['*'] });
  test.for<PlanCase>([
    {
      name: 'alone is renewed by a bundle with all names of the present leaf',
      bundles: [bundle('www', { names: ['a.test', 'b.test'], ...newer })],
      kong: [star(['a.test', 'b.test'])],
      changes: ['K main <- www'],
    },
    {
      name: 'is not renewed by a bundle that lost a name',
      bundles: [bundle('www', { names: ['a.test'], ...newer })],
      kong: [star(['a.test', 'b.test'])],
      unused: ['www'],
    },
    {
      name: 'is not renewed by just any certificate',
      bundles: [bundle('stranger', { names: ['stranger.test'], ...newer })],
      kong: [star(['a.test'])],
      unused: ['stranger'],
    },
    {
      name: 'beside a name needs all names as well',
      bundles: [bundle('www', { names: ['a.test'], ...newer })],
      kong: [stored('K', { names: ['a.test', 'b.test'], snis: ['*', 'a.test'] })],
      unused: ['www'],
    },
    {
      name: 'at the end of a name is renewed in the same way',
      bundles: [bundle('www', { names: ['www.example.test'], ...newer })],
      kong: [stored('K', { names: ['www.example.test'], snis: ['www.example.*'] })],
      changes: ['K main <- www'],
    },
    {
      name: 'is left alone where what Kong has cannot be read',
      bundles: [bundle('www', newer)],
      kong: [stored('K', { snis: ['*'], main: half({ leaf: null, content: '', chain: '' }) })],
      unused: ['www'],
    },
  ])('$name', checkPlan);
});
