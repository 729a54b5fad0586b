import { describe, expect, it, test } from 'vitest';
import { deterministicId } from '../../../src/model';
import { bundle, checkPlan, half, leafOf, NOW, plan, stored, type PlanCase } from '../../support/plans';

const newer = { age: 5 };
const older = { age: 30 };

describe('a certificate in Kong', () => {
  test.for<PlanCase>([
    {
      name: 'that has the content of a bundle is left alone',
      bundles: [bundle('www')],
      kong: [stored('K')],
      inSync: { www: ['K'] },
    },
    {
      name: 'that has the chain of a bundle, but another text, is left alone',
      bundles: [bundle('www', { content: 'other text' })],
      kong: [stored('K')],
      inSync: { www: ['K'] },
    },
    {
      name: 'gets the renewed bundle that covers its SNI',
      bundles: [bundle('www', newer)],
      kong: [stored('K')],
      changes: ['K main <- www'],
    },
    {
      name: 'gets the newest of several',
      bundles: [bundle('old', { age: 9 }), bundle('newest', { age: 1 }), bundle('new', { age: 5 })],
      kong: [stored('K')],
      changes: ['K main <- newest'],
      unused: ['old', 'new'],
    },
    {
      name: 'gets the one that lasts longer of two issued at the same time',
      bundles: [
        bundle('short', { age: 1, content: 'short', leaf: { ...leafOf({ age: 1 }), notAfter: NOW + 1000 } }),
        bundle('long', { age: 1, chain: 'long' }),
      ],
      kong: [stored('K')],
      changes: ['K main <- long'],
      unused: ['short'],
    },
    {
      name: 'keeps what it has where another bundle is as good',
      bundles: [bundle('a', { chain: 'other', content: 'other' }), bundle('b')],
      kong: [stored('K')],
      inSync: { b: ['K'] },
      unused: ['a'],
    },
    {
      name: 'gets a leaf with its chain rather than the same leaf alone',
      bundles: [
        bundle('cert', { ...newer, chain: 'leaf', content: 'leaf', chainLength: 1 }),
        bundle('fullchain', { ...newer, chainLength: 3 }),
      ],
      kong: [stored('K')],
      changes: ['K main <- fullchain'],
      unused: ['cert'],
    },
    {
      name: 'gets a bundle with its very names rather than a newer wildcard',
      bundles: [bundle('exact', { age: 5 }), bundle('wildcard', { names: ['*.test'], age: 1 })],
      kong: [stored('K')],
      changes: ['K main <- exact'],
      unused: ['wildcard'],
    },
    {
      name: 'keeps its own names although there is a newer wildcard',
      bundles: [bundle('exact'), bundle('wildcard', { names: ['*.test'], age: 1 })],
      kong: [stored('K')],
      inSync: { exact: ['K'] },
      unused: ['wildcard'],
    },
    {
      name: 'gets a wildcard that covers its SNI where there is nothing better',
      bundles: [bundle('wildcard', { names: ['*.test'], ...newer })],
      kong: [stored('K')],
      changes: ['K main <- wildcard'],
    },
    {
      name: 'with a wildcard SNI gets a bundle with that wildcard',
      bundles: [bundle('wildcard', { names: ['*.test'], ...newer }), bundle('www', { age: 1 })],
      kong: [stored('K', { names: ['*.test'] })],
      changes: ['K main <- wildcard'],
      refused: {},
      unused: ['www'],
    },
    {
      name: 'with several SNIs gets a bundle that covers all of them',
      bundles: [bundle('both', { names: ['a.test', 'b.test', 'c.test'], ...newer })],
      kong: [stored('K', { names: ['a.test', 'b.test'] })],
      changes: ['K main <- both'],
    },
    {
      name: 'does not get a bundle that covers only some of its SNIs',
      bundles: [bundle('some', { names: ['a.test'], ...newer })],
      kong: [stored('K', { names: ['a.test', 'b.test'] })],
      refused: { some: 'names_not_covered' },
    },
    {
      name: 'without SNIs is renewed by what has the names of its leaf',
      bundles: [bundle('www'), bundle('renewed', newer)],
      kong: [stored('K', { snis: [] })],
      changes: ['K main <- renewed'],
      unused: ['www'],
    },
    {
      name: 'without SNIs is left alone by what has other names, and its content is known',
      bundles: [bundle('www'), bundle('other', { ...newer, names: ['www.test', 'api.test'] })],
      kong: [stored('K', { snis: [] })],
      inSync: { www: ['K'] },
      unused: ['other'],
    },
    {
      name: 'that cannot be read is replaced by what covers its SNIs',
      bundles: [bundle('www', older)],
      kong: [stored('K', { main: half({ leaf: null, content: '', chain: '' }) })],
      changes: ['K main <- www'],
    },
    {
      name: 'that is asked for in capitals by its bundle is found',
      bundles: [bundle('www', newer)],
      kong: [stored('K', { snis: ['www.test'] })],
      changes: ['K main <- www'],
    },
    {
      name: 'shares one wildcard bundle with another one',
      bundles: [bundle('wildcard', { names: ['*.test'], ...newer })],
      kong: [stored('K1', { names: ['a.test'] }), stored('K2', { names: ['b.test'] })],
      changes: ['K1 main <- wildcard', 'K2 main <- wildcard'],
    },
    {
      name: 'shares a bundle that another one already has',
      bundles: [bundle('wildcard', { names: ['*.test'], ...newer })],
      kong: [
        stored('K1', { snis: ['a.test'], main: half({ names: ['*.test'], ...newer }) }),
        stored('K2', { names: ['b.test'] }),
      ],
      changes: ['K2 main <- wildcard'],
      inSync: { wildcard: ['K1'] },
    },
  ])('$name', checkPlan);

  it('that has only the chain of a bundle makes it a bundle whose key is to be checked', () => {
    const same = plan([bundle('www')], [stored('K')]);
    expect(same.unchecked).toEqual([]);
    const other = plan([bundle('www', { content: 'other text' })], [stored('K')]);
    expect(other.unchecked.map(({ id }) => id)).toEqual(['www']);
  });
});

it('every id that is given out stays the same for ever', () => {
  expect(deterministicId('certificate', 'directory:/etc/kong/certs#www.crt')).toMatch(
    /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
});
