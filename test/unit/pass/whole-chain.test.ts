import { describe, expect, it, test } from 'vitest';
import { readPem } from '../../../src/certificates';
import { Authority, type Issued } from '../../../src/authority/authority';
import { isRefusal } from '../../../src/model';
import { eventsOf, MemorySource, mostReadsInTurn, passing } from '../../support/stages';

const DAY_MS = 86_400_000;
const root = Authority.root('Root');
const upper = root.intermediate('Upper');
const lower = upper.intermediate('Lower');

/** A certificate that was issued so many days ago. */
const issued = (days: number, name = 'www.example.test', by = lower): Issued =>
  by.issue({ names: [name], notBefore: new Date(Date.now() - days * DAY_MS) });

/** The leaf alone, as a file that was copied by mistake has it. */
const bareOf = ({ cert, key }: Issued, more: { issuers?: readonly string[]; settlesAt?: number } = {}) => ({
  cert,
  key,
  ...more,
});

const old = issued(60);
const renewed = issued(1);

/** Subjects of what Kong serves for a certificate, leaf first. */
function lengthIn(gateway: ReturnType<typeof passing>['gateway'], id = 'K'): number {
  const { cert = '' } = gateway.entities.get(id) ?? {};
  return readPem(cert, '')?.certificates.length ?? 0;
}

const certOf = (gateway: ReturnType<typeof passing>['gateway'], id = 'K') => gateway.entities.get(id)?.cert;

describe('a renewal without its chain', () => {
  it('gets the chain that lies beside it', async () => {
    const { gateway, source, runner } = passing();
    gateway.put('K', { ...old, chain: old.cert });
    source.put('www', bareOf(renewed, { issuers: [upper.cert + root.cert + lower.cert] }));
    await runner.pass('start');
    expect(certOf(gateway)).toBe(renewed.chain);
  });

  it('gets the chain that Kong has of the same issuer', async () => {
    const { gateway, source, runner } = passing();
    gateway.put('K', old);
    source.put('www', bareOf(renewed));
    const { inSync, unfinished } = await runner.pass('start');
    expect(certOf(gateway)).toBe(renewed.chain);
    expect({ inSync, unfinished }).toEqual({ inSync: 1, unfinished: 'no' });
    // Once it is there, nothing more happens, after a restart neither.
    expect((await runner.pass('poll')).events).toEqual([]);
  });

  it('gets the chain that another bundle of the source has, whichever is read first', async () => {
    for (const names of [
      ['api', 'www'],
      ['www', 'zzz'],
    ]) {
      const { gateway, source, runner } = passing();
      gateway.put('K', { ...old, chain: old.cert });
      for (const name of names) {
        source.put(name, name === 'www' ? bareOf(renewed) : issued(2, 'other.example.test'));
      }
      await runner.pass('start');
      expect(certOf(gateway)).toBe(renewed.chain);
    }
  });

  it('gets it as soon as such a bundle comes', async () => {
    const { gateway, source, runner } = passing();
    gateway.put('K', { ...old, chain: old.cert });
    source.put('www', bareOf(renewed));
    await runner.pass('start');
    expect(certOf(gateway)).toBe(renewed.cert);
    source.put('api', issued(2, 'other.example.test'));
    await runner.pass('poll');
    expect(certOf(gateway)).toBe(renewed.chain);
  });

  it('gets the chain that Kong got with a renewal of another source', async () => {
    const [mine, theirs] = [new MemorySource('mine'), new MemorySource('theirs')];
    const { gateway, runner } = passing({ sources: [mine, theirs] });
    gateway.put('K', { ...old, chain: old.cert });
    const names = ['other.example.test'];
    gateway.put('other', Authority.root('Former').issue({ names, notBefore: new Date(0) }), { snis: names });
    mine.put('www', bareOf(issued(30)));
    await runner.pass('start');
    theirs.put('api', issued(2, 'other.example.test'));
    await runner.pass('poll');
    expect(lengthIn(gateway)).toBe(1);
    mine.put('www', bareOf(renewed));
    await runner.pass('poll');
    expect(certOf(gateway)).toBe(renewed.chain);
  });

  it('gets it in slices, where there are many: other work goes on meanwhile', async () => {
    const { gateway, source, runner } = passing();
    gateway.put('K', old);
    const count = 400;
    for (let index = 0; index < count; index++) source.put(`copy-${index}`, bareOf(renewed));
    // Each is read once by the scan, and once more to be completed.
    const most = await mostReadsInTurn({ source, runner }, count);
    expect(source.reads).toBeGreaterThanOrEqual(2 * count);
    expect(most).toBeLessThan(count / 2);
  });

  it('gets an upper intermediate alone where that is all that is missing', async () => {
    const { gateway, source, runner } = passing();
    gateway.put('K', old);
    source.put('www', { cert: renewed.cert + lower.cert, key: renewed.key });
    await runner.pass('start');
    expect(certOf(gateway)).toBe(renewed.chain);
  });

  it('is refused where Kong has a chain of an issuer of that name which did not sign it', async () => {
    const { gateway, source, runner, clock } = passing();
    gateway.put('K', old);
    const rekeyed = issued(1, 'www.example.test', upper.intermediate('Lower'));
    source.put('www', bareOf(rekeyed));
    const events = eventsOf(await runner.pass('start'));
    clock.now += 2_000;
    events.push(...eventsOf(await runner.pass('poll')));
    expect(events).toEqual(['www: refused as chain_incomplete']);
    expect(certOf(gateway)).toBe(old.chain);
    // With the chain it is taken.
    source.put('www', rekeyed);
    expect(eventsOf(await runner.pass('poll'))).toEqual(['www: swapped (served)']);
  });

  it('is taken anyway once the present one has ended: an incomplete chain is better than none', async () => {
    const { gateway, source, runner, clock } = passing();
    gateway.put('K', old);
    source.put('www', bareOf(issued(0, 'www.example.test', upper.intermediate('Lower'))));
    await runner.pass('start');
    expect(certOf(gateway)).toBe(old.chain);
    clock.now += 40 * DAY_MS;
    await runner.pass('poll');
    expect(lengthIn(gateway)).toBe(1);
  });

  it('is taken where Kong had none either: its clients know the issuer', async () => {
    const { gateway, source, runner } = passing();
    const [before, after] = [issued(60, 'www.example.test', root), issued(1, 'www.example.test', root)];
    gateway.put('K', before);
    source.put('www', after);
    expect(eventsOf(await runner.pass('start'))).toEqual(['www: swapped (served)']);
  });

  it('that the ingress controller owns is written as it is found', async () => {
    const { gateway, source, runner, clock } = passing();
    const tags = ['managed-by-ingress-controller'];
    const secret = { uid: 'K', namespace: 'default', name: 'www' };
    gateway.put('K', { ...old, chain: old.cert }, { tags });
    gateway.put('L', issued(3, 'other.example.test'), { snis: ['other.example.test'] });
    source.put('www', { ...bareOf(renewed), secret });
    await runner.pass('start');
    // It gets its turn first.
    clock.now += 60_000;
    await runner.pass('poll');
    expect(certOf(gateway)?.trim()).toBe(renewed.cert.trim());
    expect((await runner.pass('poll')).events).toEqual([]);
  });
});

describe('a leaf that stands alone and is just being written', () => {
  const fresh = (clock: { now: number }, one: Issued) => bareOf(one, { settlesAt: clock.now + 5_000 });

  it('waits for its chain where nobody has one', async () => {
    const { gateway, source, runner, clock } = passing({ create: true });
    source.put('www', fresh(clock, renewed));
    const first = await runner.pass('start');
    expect({ events: first.events, unfinished: first.unfinished }).toEqual({
      events: [],
      unfinished: 'settling',
    });
    source.put('www', renewed);
    expect(eventsOf(await runner.pass('watch', new Set(['www'])))).toEqual(['www: created (served)']);
    expect([...gateway.entities.values()].map(({ cert }) => cert)).toEqual([renewed.chain]);
  });

  it('is taken when no chain came', async () => {
    const { source, runner, clock } = passing({ create: true });
    source.put('www', fresh(clock, renewed));
    await runner.pass('start');
    clock.now += 5_000;
    const report = await runner.pass('retry');
    expect(eventsOf(report)).toEqual(['www: created (served)']);
    expect(report.unfinished).toBe('no');
  });

  it('leaves what was known of the bundle as it was meanwhile', async () => {
    const { gateway, source, runner, clock } = passing();
    gateway.put('K', old);
    source.put('www', old);
    await runner.pass('start');
    const rekeyed = issued(1, 'www.example.test', upper.intermediate('Lower'));
    source.put('www', fresh(clock, rekeyed));
    const { inSync, refused, unfinished } = await runner.pass('poll');
    expect({ inSync, refused, unfinished }).toEqual({ inSync: 1, refused: 0, unfinished: 'settling' });
    source.put('www', rekeyed);
    await runner.pass('retry');
    expect(certOf(gateway)).toBe(rekeyed.chain);
  });

  it('does not wait where Kong serves such leaves of its issuer', async () => {
    const { gateway, source, runner, clock } = passing();
    gateway.put('K', issued(60, 'www.example.test', root));
    source.put('www', fresh(clock, issued(1, 'www.example.test', root)));
    expect(eventsOf(await runner.pass('start'))).toEqual(['www: swapped (served)']);
  });

  it('does not wait where Kong completes it', async () => {
    const { gateway, source, runner, clock } = passing();
    gateway.put('K', old);
    source.put('www', fresh(clock, renewed));
    await runner.pass('start');
    expect(certOf(gateway)).toBe(renewed.chain);
  });
});

describe('among tenants', () => {
  /** A certificate with an intermediate's name and key, signed by somebody else. */
  const evil = Authority.root('Evil').intermediate('Lower', { key: lower.privateKey });
  const tenants = () => Object.assign(new MemorySource('tenants', true), { ownership: 'tenants' as const });
  const secretOf = (namespace: string) => ({ uid: namespace, namespace, name: 'tls' });

  test.for([
    ['own', 'completes the chain', 'shop', renewed.cert + evil.cert],
    ['foreign', 'completes no chain: it leads to no root that is known', 'evil', renewed.cert],
  ])('a certificate of the issuer in a Secret of the %s namespace %s', async ([, , namespace, expected]) => {
    const source = tenants();
    const { gateway, runner } = passing({ sources: [source] });
    const own = issued(2, 'evil.example.test');
    source.put('a/tls', { cert: own.cert + evil.cert, key: own.key, secret: secretOf(namespace ?? '') });
    source.put('shop/tls', { ...bareOf(renewed), secret: secretOf('shop') });
    await runner.pass('start');
    const served = [...gateway.entities.values()].find(({ snis }) => snis?.includes('www.example.test'));
    expect(served?.cert).toBe(expected);
  });
});

it("a tenant's renewal whose key is another renewal's is refused as that, not as from another issuer", async () => {
  const source = Object.assign(new MemorySource('tenants'), { ownership: 'tenants' as const });
  const { gateway, runner } = passing({ sources: [source] });
  const [before, after] = [issued(60), issued(1)];
  gateway.put('K', before);
  const secret = { uid: 'u', namespace: 'shop', name: 'tls' };
  source.put('shop/tls', { cert: after.chain, key: before.key, secret });
  await runner.pass('start');
  const standing = () => runner.live().plan?.refused.get('tenants#shop/tls')?.reason;
  expect(standing()).toBe('key_mismatch');
  source.put('shop/tls', { cert: after.chain, key: after.key, secret });
  expect(eventsOf(await runner.pass('poll'))).toEqual(['shop/tls: swapped (served)']);
});

it('the warning of a way up that is not known goes with the bundle', async () => {
  const { source, runner } = passing({ create: true });
  source.put('bare', bareOf(issued(1, 'bare.example.test', root)));
  source.put('whole', { ...issued(1, 'whole.example.test'), chain: issued(1, 'whole.example.test').chain });
  await runner.pass('start');
  const bundles = ['memory#bare', 'memory#whole'].map((id) => runner.live().bundle(id));
  expect(bundles.map((bundle) => (bundle === null || isRefusal(bundle) ? null : bundle.openEnd))).toEqual([
    'Root',
    'Root',
  ]);
});
