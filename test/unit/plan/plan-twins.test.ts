import { describe, it, test } from 'vitest';
import { deterministicId, refusal } from '../../../src/model';
import { HomeBook } from '../../../src/plan';
import { bundle, checkPlan, half, leafOf, ours, stored, tenant, type PlanCase } from '../../support/plans';

const newer = { age: 5 };
const rsa = { keyType: 'rsa' } as const;
const id = (bundleId: string) => deterministicId('certificate', bundleId);

describe('twins of two key types', () => {
  const twins = (facts = {}) => stored('K', { main: half(facts), alt: half({ ...facts, ...rsa }) });
  test.for<PlanCase>([
    {
      name: 'are each renewed by the bundle of their type',
      bundles: [bundle('ec', newer), bundle('rsa', { ...newer, ...rsa })],
      kong: [twins()],
      changes: ['K main <- ec', 'K alt <- rsa'],
    },
    {
      name: 'are renewed alone where only one was renewed',
      bundles: [bundle('ec'), bundle('rsa', { ...newer, ...rsa })],
      kong: [twins()],
      changes: ['K alt <- rsa'],
      inSync: { ec: ['K'] },
    },
    {
      name: 'are not replaced by the other type, however new',
      bundles: [bundle('ec', { age: 1 })],
      kong: [stored('K', { main: half(rsa), alt: half({ ...rsa, content: 'x', chain: 'x' }) })],
      unused: ['ec'],
    },
    {
      name: 'that stand the other way round are told apart',
      bundles: [bundle('ec', newer), bundle('rsa', { ...newer, ...rsa })],
      kong: [stored('K', { main: half(rsa), alt: half() })],
      changes: ['K main <- rsa', 'K alt <- ec'],
    },
  ])('$name', checkPlan);

  it('of which Kong has one only: it keeps its key type where both are there', () => {
    checkPlan({
      name: '',
      bundles: [bundle('ec', { age: 1 }), bundle('rsa', { ...newer, ...rsa })],
      kong: [stored('K', rsa)],
      changes: ['K main <- rsa'],
      unused: ['ec'],
    });
  });

  it('of which Kong has one only: it takes the other type where that is all there is', () => {
    checkPlan({
      name: '',
      bundles: [bundle('ec', newer)],
      kong: [stored('K', rsa)],
      changes: ['K main <- ec'],
    });
  });
});

it('a name stays with twins of ours so long as one of them is renewed, though the place of the other is gone', () => {
  const kong = stored('K', { owner: 'us', main: half(rsa), alt: half() });
  const homes = new HomeBook();
  homes.note([
    { certificate: kong, half: 'main', places: ['rsa'] },
    { certificate: kong, half: 'alt', places: ['ec'] },
  ]);
  const other = bundle('other', { ...newer, create: true, order: 1, issuer: 'Other' });
  checkPlan({
    name: '',
    bundles: [bundle('ec'), other],
    kong: [kong],
    options: { more: { homes } },
    inSync: { ec: ['K'] },
    refused: { other: 'name_of_another' },
  });
});

describe('a certificate that is created for twins', () => {
  const both = { create: true };
  test.for<PlanCase>([
    {
      name: 'gets RSA as its first half and the other type as its second',
      bundles: [bundle('ec', both), bundle('rsa', { ...both, ...rsa })],
      changes: ['create rsa for www.test', `${id('rsa')} alt <- ec`],
    },
    {
      name: 'is the same one whichever of the two is newer',
      bundles: [bundle('ec', { ...both, age: 1 }), bundle('rsa', { ...both, ...rsa, age: 9 })],
      changes: ['create rsa for www.test', `${id('rsa')} alt <- ec`],
    },
    {
      name: 'takes the newest of several of one type',
      bundles: [
        bundle('old', { ...both, age: 9 }),
        bundle('rsa', { ...both, ...rsa }),
        bundle('new', { ...both, age: 2 }),
      ],
      changes: ['create rsa for www.test', `${id('rsa')} alt <- new`],
      unused: ['old'],
    },
    {
      name: 'has one half where the other bundle is a left-over that has expired',
      bundles: [bundle('ec', both), bundle('rsa', { ...both, ...rsa, age: 100 })],
      changes: ['create ec for www.test'],
      unused: ['rsa'],
    },
    {
      name: 'has one half where the other names differ',
      bundles: [
        bundle('ec', { ...both, names: ['www.test', 'a.test'], age: 1 }),
        bundle('rsa', { ...both, ...rsa, age: 9 }),
      ],
      changes: ['create ec for www.test a.test'],
      unused: ['rsa'],
    },
    {
      name: 'has one half where the other source does not create',
      bundles: [bundle('ec', both), bundle('rsa', rsa)],
      changes: ['create ec for www.test'],
      unused: ['rsa'],
    },
  ])('$name', checkPlan);
});

describe('a certificate with one half', () => {
  const both = { create: true };
  test.for<PlanCase>([
    {
      name: 'gains the other where it is ours, and keeps its own',
      bundles: [bundle('ec', both), bundle('rsa', { ...both, ...rsa, ...newer })],
      kong: [ours('ec')],
      changes: [`${id('ec')} alt <- rsa`],
      inSync: { ec: [id('ec')] },
    },
    {
      name: 'is renewed and gains the other at once',
      bundles: [bundle('ec', { ...both, ...newer }), bundle('rsa', { ...both, ...rsa, ...newer })],
      kong: [ours('ec')],
      changes: [`${id('ec')} main <- ec`, `${id('ec')} alt <- rsa`],
    },
    {
      name: "does not gain one where it is somebody else's",
      bundles: [bundle('ec', both), bundle('rsa', { ...both, ...rsa, ...newer })],
      kong: [stored('K')],
      inSync: { ec: ['K'] },
      unused: ['rsa'],
    },
    {
      name: 'does not gain one that covers only some of its SNIs',
      bundles: [
        bundle('ec', { ...both, names: ['a.test', 'b.test'] }),
        bundle('rsa', { ...both, ...rsa, names: ['a.test'] }),
      ],
      kong: [ours('ec', { names: ['a.test', 'b.test'] })],
      inSync: { ec: [id('ec')] },
      unused: ['rsa'],
    },
    {
      name: 'does not gain one of its own type',
      bundles: [bundle('ec', both), bundle('other', { ...both, age: 1, order: 1, content: 'x', chain: 'x' })],
      kong: [ours('ec')],
      inSync: { ec: [id('ec')] },
      refused: { other: 'name_of_another' },
    },
    {
      name: 'says why it does not gain one that was refused',
      bundles: [bundle('ec', both), bundle('rsa', { ...both, ...rsa })],
      kong: [ours('ec')],
      options: { barred: { rsa: refusal('key_mismatch', 'no') } },
      inSync: { ec: [id('ec')] },
      refused: { rsa: 'key_mismatch' },
    },
    {
      name: 'changes its type with the bundle that it was created for, and gains the former type from another',
      bundles: [bundle('www', { ...both, ...newer }), bundle('other', { ...both, ...rsa, age: 3 })],
      kong: [ours('www', rsa)],
      changes: [`${id('www')} main <- www`, `${id('www')} alt <- other`],
    },
    {
      name: 'changes its type with the bundle that it was created for where there is no other',
      bundles: [bundle('www', { ...both, ...newer })],
      kong: [ours('www', rsa)],
      changes: [`${id('www')} main <- www`],
    },
    {
      name: 'that holds a vault reference gains nothing',
      bundles: [bundle('ec', both), bundle('rsa', { ...both, ...rsa })],
      kong: [ours('ec', { main: half({ leaf: null, content: '', chain: '', vaultReference: true }) })],
      refused: { ec: 'vault_reference', rsa: 'vault_reference' },
    },
  ])('$name', checkPlan);
});

describe('while one of two types is broken', () => {
  test.for<PlanCase>([
    {
      name: 'the half that came from it is not replaced by the other type',
      bundles: [bundle('ec', { age: 1 })],
      kong: [stored('K', rsa)],
      options: { broken: [bundle('rsa', rsa)] },
      unused: ['ec'],
    },
    {
      name: 'nor where it is refused as it is',
      bundles: [bundle('ec', { age: 1 }), bundle('rsa', { ...rsa, ...newer })],
      kong: [stored('K', rsa)],
      options: { barred: { rsa: refusal('key_mismatch', 'no') } },
      refused: { rsa: 'key_mismatch' },
      unused: ['ec'],
    },
    {
      name: "a tenant's broken one, which proves nothing, keeps nobody waiting",
      bundles: [bundle('ec', newer), tenant('evil/rsa', { ...rsa, age: 1, issuer: 'else' })],
      kong: [stored('K', rsa)],
      options: {
        barred: { 'kubernetes#evil/rsa': refusal('key_mismatch', 'no') },
        more: { evidence: { isTrusted: () => false, isSameIssuer: () => false } },
      },
      changes: ['K main <- ec'],
      refused: { 'kubernetes#evil/rsa': 'key_mismatch' },
    },
    {
      name: 'what has expired in Kong is replaced all the same',
      bundles: [bundle('ec', { age: 1 })],
      kong: [stored('K', { main: half({ ...rsa, leaf: { ...leafOf({ ...rsa, age: 100 }) } }) })],
      options: { broken: [bundle('rsa', rsa)] },
      changes: ['K main <- ec'],
    },
  ])('$name', checkPlan);
});
