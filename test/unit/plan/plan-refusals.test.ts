import { describe, expect, it, test } from 'vitest';
import { refusal } from '../../../src/model';
import { bundle, checkPlan, half, leafOf, NOW, plan, stored, type PlanCase } from '../../support/plans';

const newer = { age: 5 };
const older = { age: 30 };

describe('an older certificate', () => {
  const input = { bundles: [bundle('old', older)], kong: [stored('K')] };
  test.for<PlanCase>([
    { name: 'is refused', ...input, refused: { old: 'older_than_stored' } },
    {
      name: 'is taken where allow_downgrade is set',
      ...input,
      options: { allowDowngrade: true },
      changes: ['K main <- old'],
    },
    {
      name: 'is no matter where Kong has the newer one of two',
      bundles: [bundle('old', older), bundle('www')],
      kong: [stored('K')],
      inSync: { www: ['K'] },
      unused: ['old'],
    },
    {
      name: 'gives way to a newer wildcard',
      bundles: [bundle('old', older), bundle('wildcard', { names: ['*.test'], age: 1 })],
      kong: [stored('K')],
      changes: ['K main <- wildcard'],
      refused: { old: 'older_than_stored' },
    },
    {
      name: 'of the same age that ends earlier is refused',
      bundles: [
        bundle('short', {
          chain: 'short',
          content: 'short',
          leaf: { ...leafOf({}), notAfter: NOW + 86_400_000 },
        }),
      ],
      kong: [stored('K')],
      refused: { short: 'older_than_stored' },
    },
  ])('$name', checkPlan);

  it('is refused with both ages in the sentence and what to do', () => {
    const { message } = plan(input.bundles, input.kong).refused.get('old') ?? { message: '' };
    expect(message).toContain('/certs/old');
    expect(message).toContain('2026-05-02T00:00:00.000Z');
    expect(message).toContain('allow_downgrade');
  });
});

describe('a bundle that is not fit to be served', () => {
  const unfit = (id: string, change: object, facts = newer) =>
    bundle(id, { ...facts, leaf: { ...leafOf(facts), ...change } });
  test.for<PlanCase>([
    {
      name: 'gives way to the next best',
      bundles: [unfit('expired', { notAfter: NOW }), bundle('good', { age: 7 })],
      kong: [stored('K')],
      changes: ['K main <- good'],
      refused: { expired: 'expired' },
    },
    {
      name: 'is refused where there is no other',
      bundles: [unfit('weak', { keyBits: 1024, keyType: 'rsa' })],
      kong: [stored('K')],
      refused: { weak: 'weak_key' },
    },
    {
      name: 'waits until it is valid, and what Kong has stays',
      bundles: [bundle('www'), bundle('tomorrow', { age: -1 })],
      kong: [stored('K')],
      inSync: { www: ['K'] },
      refused: { tomorrow: 'not_yet_valid' },
    },
    {
      name: 'that Kong already has is not complained about',
      bundles: [bundle('www', { age: 100 })],
      kong: [stored('K', { age: 100 })],
      inSync: { www: ['K'] },
    },
    {
      name: 'is not created either',
      bundles: [bundle('ca', { create: true, leaf: { ...leafOf({}), isCa: true } })],
      kong: [],
      refused: { ca: 'ca_as_leaf' },
    },
  ])('$name', checkPlan);
});

describe('a leaf that only clients may show', () => {
  const forClients = (id: string, facts: Parameters<typeof bundle>[1] = newer) =>
    bundle(id, { ...facts, leaf: { ...leafOf(facts), isForServers: false } });
  test.for<PlanCase>([
    {
      name: 'does not take the place of a server of the same name, however new',
      bundles: [forClients('client'), bundle('server')],
      kong: [stored('K')],
      inSync: { server: ['K'] },
      unused: ['client'],
    },
    {
      name: 'is no twin',
      bundles: [
        forClients('client', { keyType: 'rsa', create: true }),
        bundle('server', { keyType: 'ec', create: true, age: 3 }),
      ],
      changes: ['create server for www.test'],
      unused: ['client'],
    },
    {
      name: 'gets no certificate with SNIs',
      bundles: [forClients('client', { create: true })],
      refused: { client: 'not_for_servers' },
    },
    {
      name: 'is refused where it is in the Secret of a server',
      bundles: [forClients('client', { ...newer, secret: { uid: 'K', namespace: 'default', name: 'tls' } })],
      kong: [stored('K', { owner: 'ingress_controller' })],
      refused: { client: 'not_for_servers' },
    },
    {
      name: 'is taken where Kong shows it to an upstream',
      bundles: [forClients('client')],
      kong: [stored('K', { snis: [] })],
      changes: ['K main <- client'],
    },
  ])('$name', checkPlan);
});

describe('a bundle that is refused for a while', () => {
  const why = refusal('not_served', 'it was not served');
  test.for<PlanCase>([
    {
      name: 'gives way to the next best',
      bundles: [bundle('bad', { age: 1 }), bundle('good', newer)],
      kong: [stored('K')],
      options: { barred: { bad: why } },
      changes: ['K main <- good'],
      refused: { bad: 'not_served' },
    },
    {
      name: 'is not created',
      bundles: [bundle('bad', { create: true })],
      kong: [],
      options: { barred: { bad: why } },
      refused: { bad: 'not_served' },
    },
    {
      name: 'is in step where Kong has it to the letter',
      bundles: [bundle('bad')],
      kong: [stored('K')],
      options: { barred: { bad: why } },
      inSync: { bad: ['K'] },
    },
    {
      name: 'is not in step where Kong has only its chain, for its own key is the trouble',
      bundles: [bundle('bad', { content: 'other key' })],
      kong: [stored('K')],
      options: { barred: { bad: refusal('key_mismatch', 'no') } },
      refused: { bad: 'key_mismatch' },
    },
  ])('$name', checkPlan);
});

describe('a certificate that belongs to somebody else', () => {
  test.for<PlanCase>([
    {
      name: 'is not written where it is a vault reference',
      bundles: [bundle('www', newer)],
      kong: [stored('K', { main: half({ vaultReference: true, leaf: null, content: '', chain: '' }) })],
      refused: { www: 'vault_reference' },
    },
    {
      name: 'is left to the ingress controller where that has it from a Secret that no source sees',
      bundles: [bundle('www', newer)],
      kong: [stored('K', { owner: 'ingress_controller' })],
      refused: { www: 'managed_elsewhere' },
    },
    {
      name: 'does not keep the same bundle from another certificate',
      bundles: [bundle('wildcard', { names: ['*.test'], ...newer })],
      kong: [
        stored('K1', {
          names: ['a.test'],
          main: half({ vaultReference: true, leaf: null, content: '', chain: '' }),
        }),
        stored('K2', { names: ['b.test'] }),
      ],
      changes: ['K2 main <- wildcard'],
      refused: { wildcard: 'vault_reference' },
    },
    {
      name: 'is in step where its owner put the same there',
      bundles: [bundle('www')],
      kong: [stored('K', { owner: 'ingress_controller' })],
      inSync: { www: ['K'] },
    },
  ])('$name', checkPlan);
});

describe('a change of a certificate that the ingress controller owns', () => {
  const secret = (uid: string) => ({ uid, namespace: 'web', name: 'www-tls' });
  const tagged = stored('K', { owner: 'ingress_controller', secret: 'web/www-tls' });
  test.for([
    ['its tags name the Secret', bundle('www', { ...newer, secret: secret('x') }), tagged, true],
    ['its id is that of the Secret', bundle('www', { ...newer, secret: secret('K') }), stored('K'), true],
    ['nothing says so', bundle('www', newer), stored('K'), false],
    ['the Secret is another one', bundle('www', { ...newer, secret: secret('other') }), stored('K'), false],
  ] as const)('is known as that where %s', ([, renewed, certificate, isOfController]) => {
    expect(plan([renewed], [certificate]).changes).toMatchObject([{ isOfController }]);
  });
});
