import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { deterministicId } from '../../src/model';
import { BundleReader } from '../../src/pass/bundle-reader';
import { bundle, outline, plan, stored, tenant } from '../support/plans';
import { BANK, DAY_MS, proper, selfSigned, world } from '../support/tenants';
import { MemorySource } from '../support/stages';
import { leafOf } from '../support/tls';

/*
 * A tenant of the cluster, who writes what it likes into its own namespace, wants the name of another. The random worlds
 * (test/unit/plan/worlds) hold the same as a rule.
 */

const OLD = { creationTimestamp: '2026-01-01T00:00:00Z' };
const YOUNG = { creationTimestamp: '2026-02-01T00:00:00Z' };

const CONTROLLERS = { tags: ['managed-by-ingress-controller', 'k8s-namespace:shop', 'k8s-name:www'] };

const MODES = ['database', 'dbless'] as const;

describe.each(MODES)('a tenant with a Secret for the host of another (%s)', (mode) => {
  it('does not replace a certificate that was made by hand', async () => {
    const { cluster, settle, served, post } = await world({ create: false }, mode);
    const bank = proper([BANK]);
    await post(bank, [BANK]);
    cluster.putSecret('evil', 'www', selfSigned([BANK]), OLD);
    await settle();
    expect(await served()).toBe(leafOf(bank.cert));
  });

  it('does not add its ECDSA half to an RSA certificate, made by hand or by us', async () => {
    for (const isByHand of [true, false]) {
      const { cluster, settle, served, post, certificates } = await world({ create: !isByHand }, mode);
      const bank = proper([BANK], { key: 'rsa-2048' });
      if (isByHand) await post(bank, [BANK]);
      else cluster.putSecret('bank', 'www', bank, YOUNG);
      cluster.putSecret('evil', 'www', selfSigned([BANK]), OLD);
      await settle();
      expect(await served()).toBe(leafOf(bank.cert));
      const [one, ...others] = await certificates();
      expect([one?.cert_alt ?? null, one?.snis, others]).toEqual([null, [BANK], []]);
    }
  });

  it('gets no host by a wildcard above it', async () => {
    const { cluster, settle, served, post, certificates } = await world({}, mode);
    const [bank, shop] = [proper([BANK]), proper(['shop.test'])];
    await post(bank, [BANK]);
    cluster.putSecret('shop', 'www', shop, YOUNG);
    cluster.putSecret('evil', 'www', selfSigned(['*.test']), OLD);
    await settle();
    expect(await served()).toBe(leafOf(bank.cert));
    expect(await served('shop.test')).toBe(leafOf(shop.cert));
    const taken = (await certificates()).filter(({ snis }) => snis.includes(BANK));
    expect(taken).toHaveLength(1);
  });

  it('slips no exact name under the wildcard of another, made by hand or by us', async () => {
    for (const isByHand of [true, false]) {
      const { cluster, settle, served, post } = await world({}, mode);
      const wide = proper(['*.bank.test']);
      if (isByHand) await post(wide, ['*.bank.test']);
      else cluster.putSecret('bank', 'wide', wide, YOUNG);
      cluster.putSecret('evil', 'www', selfSigned(['login.bank.test']), OLD);
      await settle();
      expect(await served('login.bank.test')).toBe(leafOf(wide.cert));
    }
  });

  it("gets no certificate of the controller's, whose namespace the plugin cannot see, after the grace", async () => {
    const { cluster, settle, served, post } = await world({ namespaces: ['evil'] }, mode);
    const bank = proper([BANK]);
    const tags = ['managed-by-ingress-controller', 'k8s-namespace:bank', 'k8s-name:www'];
    await post(bank, [BANK], { tags });
    cluster.putSecret('evil', 'www', selfSigned([BANK]), OLD);
    await settle();
    expect(await served()).toBe(leafOf(bank.cert));
  });

  it('does not keep the next renewal of its owner out, by dates that are later than any', async () => {
    const { cluster, settle, served } = await world({}, mode);
    const before = new Date(Date.now() - 80 * DAY_MS);
    cluster.putSecret('bank', 'www', proper([BANK], { notBefore: before }), YOUNG);
    await settle();
    cluster.putSecret('evil', 'www', selfSigned([BANK]), OLD);
    await settle();
    const renewal = proper([BANK]);
    cluster.putSecret('bank', 'www', renewal, YOUNG);
    await settle();
    expect(await served()).toBe(leafOf(renewal.cert));
  });

  it('that was there first loses the name to whom a CA vouches for', async () => {
    const { cluster, settle, served } = await world({}, mode);
    const squatter = selfSigned([BANK]);
    cluster.putSecret('evil', 'www', squatter, OLD);
    await settle();
    expect(await served()).toBe(leafOf(squatter.cert));
    const bank = proper([BANK]);
    cluster.putSecret('bank', 'www', bank, YOUNG);
    await settle();
    expect(await served()).toBe(leafOf(bank.cert));
  });

  it('that names it in an Ingress before its owner does shuts the owner out of nothing', async () => {
    const { cluster, settle, served } = await world({ hosts: 'references' }, mode);
    const bank = proper([BANK]);
    const ingress = (namespace: string, age: object) =>
      cluster.put('ingresses', {
        metadata: { name: 'www', namespace, ...age },
        spec: { tls: [{ hosts: [BANK], secretName: 'www' }] },
      });
    cluster.putSecret('evil', 'www', selfSigned([BANK]), OLD);
    ingress('evil', OLD);
    cluster.putSecret('bank', 'www', bank, YOUNG);
    ingress('bank', YOUNG);
    await settle();
    expect(await served()).toBe(leafOf(bank.cert));
  });

  it.each([
    ['by hand', 'and then its own'],
    ['by us', 'and then its own'],
    ['by hand', 'and then nonsense, and then its own'],
    ['by us', 'and then nonsense, and then its own'],
  ])(
    'that copies its certificate, which everybody can see, is no home of it (made %s, %s)',
    async (made, then) => {
      const { cluster, settle, served, post } = await world({ create: made === 'by us' }, mode);
      const bank = selfSigned([BANK]);
      if (made === 'by hand') await post(bank, [BANK]);
      else cluster.putSecret('bank', 'www', bank, YOUNG);
      await settle();
      // With the key of another: nobody but its owner has the right one.
      const { key } = selfSigned([BANK]);
      cluster.putSecret('evil', 'www', { chain: bank.chain, key }, OLD);
      await settle();
      if (then.includes('nonsense')) {
        cluster.putSecret('evil', 'www', { chain: 'nonsense', key }, OLD);
        await settle();
      }
      cluster.putSecret('evil', 'www', selfSigned([BANK]), OLD);
      await settle();
      expect(await served()).toBe(leafOf(bank.cert));
    },
  );

  it('that copies its certificate and then breaks it keeps no renewal out', async () => {
    const { cluster, settle, served, post } = await world({ create: false }, mode);
    const bank = proper([BANK], { notBefore: new Date(Date.now() - 80 * DAY_MS) });
    await post(bank, [BANK]);
    const { key } = selfSigned([BANK]);
    for (const chain of [bank.chain, 'nonsense']) {
      cluster.putSecret('evil', 'www', { chain, key }, OLD);
      await settle();
    }
    const renewal = proper([BANK]);
    cluster.putSecret('bank', 'www', renewal, YOUNG);
    await settle();
    expect(await served()).toBe(leafOf(renewal.cert));
  });
});

it.each(MODES)(
  'a world that begins anew (Kong emptied, %s) gives every name to the owner that it had',
  async (mode) => {
    const { cluster, settle, served, empty, certificates } = await world({}, mode);
    // No known CA vouches for any of them, so only the remembered home or the age of the Secrets decides.
    const first = selfSigned([BANK]);
    const wide = selfSigned(['*.shop.test']);
    cluster.putSecret('bank', 'www', first, YOUNG);
    cluster.putSecret('shop', 'www', wide, YOUNG);
    await settle();
    // Older than theirs, as if it had been there for years with something else in it.
    cluster.putSecret('evil', 'www', selfSigned([BANK, 'login.shop.test']), OLD);
    await settle();
    const before = [await served(), await served('login.shop.test')];
    expect(before).toEqual([leafOf(first.cert), leafOf(wide.cert)]);
    await empty();
    expect(await certificates()).toEqual([]);
    await settle();
    expect([await served(), await served('login.shop.test')]).toEqual(before);
  },
);

describe('a tenant beside an ingress controller', () => {
  it.each(['by a CA', 'by nobody'])(
    'that asks for a name of ours first is not handed it (its owner is vouched for %s)',
    async (by) => {
      const { cluster, settle, served, post } = await world();
      const bank = by === 'by a CA' ? proper([BANK]) : selfSigned([BANK]);
      cluster.putSecret('bank', 'www', bank, YOUNG);
      await settle();
      await post(proper(['other.test']), ['other.test'], CONTROLLERS);
      cluster.putSecret('evil', 'www', selfSigned([BANK]), { uid: randomUUID(), ...OLD });
      cluster.put('ingresses', {
        metadata: { name: 'www', namespace: 'evil', ...OLD },
        spec: { tls: [{ hosts: [BANK], secretName: 'www' }] },
      });
      await settle();
      expect(await served()).toBe(leafOf(bank.cert));
    },
  );

  it('that was the first to have a name gets none that was made by hand since then', async () => {
    const { cluster, settle, served, post, empty } = await world();
    cluster.putSecret('evil', 'www', selfSigned([BANK]), { uid: randomUUID(), ...OLD });
    await settle();
    await empty();
    const bank = proper([BANK]);
    await post(bank, [BANK]);
    await post(proper(['other.test']), ['other.test'], CONTROLLERS);
    await settle();
    cluster.putSecret('evil', 'www', selfSigned([BANK]), { uid: randomUUID(), ...OLD });
    await settle();
    expect(await served()).toBe(leafOf(bank.cert));
  });
});

describe('a fresh world, in which nothing is remembered', () => {
  const SQUAT = { names: [BANK], create: true };
  const asked = { isTrusted: () => false, isSameIssuer: () => false };

  it('a tenant that makes itself a CA gets no name of an older Secret that is self-signed', () => {
    const bank = tenant('bank/www', { ...SQUAT, issuer: 'self', createdAt: 200 });
    const evil = tenant('evil/www', { ...SQUAT, issuer: 'CA of evil', createdAt: 100 });
    expect(outline(plan([evil, bank], [], { more: { evidence: asked } })).changes).toEqual([
      `create ${bank.id} for ${BANK}`,
    ]);
  });

  it('the administrator of another cluster, who dates its Secrets, gets no name of a Secret of this one', () => {
    const bank = tenant('bank/www', { ...SQUAT, createdAt: 200 });
    const evil = tenant('evil/www', { ...SQUAT, createdAt: 20_000 });
    const elsewhere = { ...evil, id: `kubernetes:b#evil/www`, order: 0 };
    Object.assign(elsewhere, { secret: { ...evil.secret, cluster: 'b' } });
    expect(outline(plan([elsewhere, bank], [], { more: { evidence: asked } })).changes).toEqual([
      `create ${bank.id} for ${BANK}`,
    ]);
  });
});

it('a Gateway listener without a hostname gets no certificate of ours for every name, whoever vouches for its own', () => {
  const evil = tenant('evil/www', { names: ['evil.test'] });
  const star = bundle('default', { create: true, snis: ['*'], names: ['kong.test'] });
  const its = stored(deterministicId('certificate', '*'), { owner: 'us', names: ['kong.test'], snis: ['*'] });
  const controller = {
    ...{ isThere: true, asked: new Map([['*', 'evil/www']]), keepsOthers: true },
    certificates: new Set<string>(),
  };
  const evidence = { isTrusted: () => true, isSameIssuer: () => false };
  const made = plan([evil, star], [its], { more: { controller, evidence } });
  expect(outline(made).changes).toEqual([]);
  expect(made.refused.get(evil.id)?.reason).toBe('name_of_another');
});

it('a Secret that changes all the time keeps nobody from a name that it wants, too', async () => {
  const { cluster, settle, served } = await world();
  const bank = proper([BANK]);
  cluster.putSecret('evil', 'www', selfSigned([BANK]), OLD);
  // Each time that it is read it is another one.
  cluster.intercept = (_, { pathname }) => {
    if (pathname.endsWith('/namespaces/evil/secrets/www'))
      cluster.putSecret('evil', 'www', selfSigned([BANK]), OLD);
    return null;
  };
  cluster.putSecret('bank', 'www', bank, YOUNG);
  for (let pass = 0; pass < 4; pass++) await settle();
  expect(await served()).toBe(leafOf(bank.cert));
});

it('what the resources of another cluster ask for counts for nothing where Kong is in one', async () => {
  const source = (id: string, name: string, more: object = {}) =>
    Object.assign(new MemorySource(id), {
      asked: () => Promise.resolve(new Map([[name, 'evil/www']])),
      ...more,
    });
  const [own, other] = [source('a', 'shop.test'), source('b', BANK, { cluster: 'b' })];
  expect(await new BundleReader([other, own]).sources.asked()).toEqual(new Map([['shop.test', 'evil/www']]));
  expect(await new BundleReader([other]).sources.asked()).toEqual(new Map([[BANK, 'evil/www']]));
});
