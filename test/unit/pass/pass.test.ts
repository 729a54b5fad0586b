import { describe, expect, it, test } from 'vitest';
import { digestOf } from '../../../src/certificates';
import { deterministicId, refusal } from '../../../src/model';
import { SETTLE_MS } from '../../../src/pass/findings';
import { authorities, blocksOf, derOf, issue } from '../../support/bundles';
import { eventsOf, MemorySource, mostReadsInTurn, passing } from '../../support/stages';

const days = (count: number) => new Date(Date.now() - count * 86_400_000);
const old = issue({ notBefore: days(30) });
const fresh = issue({ notBefore: days(1) });
const api = issue({ names: ['api.example.test'], notBefore: days(1) });
const chainOf = (pem: string) => digestOf(blocksOf(pem).map(derOf));

/** Kong has the old certificate, the source the fresh one. */
function renewed(options: Parameters<typeof passing>[0] = {}) {
  const stages = passing(options);
  stages.gateway.put('K', old);
  stages.source.put('www', fresh);
  return stages;
}

describe('a pass', () => {
  it('checks the keys of many bundles in slices, where Kong has their chains: other work goes on meanwhile', async () => {
    const stages = passing();
    const count = 200;
    for (let index = 0; index < count; index++) {
      const stored = issue({ names: [`site-${index}.example.test`] });
      stages.gateway.put(`K-${index}`, stored, { snis: [`site-${index}.example.test`] });
      stages.source.put(`site-${index}`, { ...stored, key: fresh.key });
    }
    // Each is read once by the scan, and once more for its key.
    const most = await mostReadsInTurn(stages, count);
    expect(stages.source.reads).toBeGreaterThanOrEqual(2 * count);
    expect(most).toBeLessThan(count / 2);
  });

  it('puts a renewed certificate into Kong and proves it for every SNI', async () => {
    const { runner, gateway, verifier } = renewed();
    const report = await runner.pass('start');
    expect(eventsOf(report)).toEqual(['www: swapped (served)']);
    expect(report).toMatchObject({
      cause: 'start',
      bundles: 1,
      inSync: 1,
      refused: 0,
      unused: 0,
      unfinished: 'no',
    });
    expect(gateway.entities.get('K')).toMatchObject({
      cert: fresh.chain,
      key: fresh.key,
      snis: ['www.example.test'],
    });
    expect(verifier.asked).toMatchObject([{ snis: ['www.example.test'] }]);
    expect(verifier.asked[0]?.chains).toContain(chainOf(fresh.chain));
  });

  it('that finds nothing new writes nothing, reads nothing and says nothing', async () => {
    const { runner, source, gateway } = renewed();
    await runner.pass('start');
    const { reads } = source;
    for (let poll = 0; poll < 3; poll++) {
      const report = await runner.pass('poll');
      expect(report.events).toEqual([]);
      expect(report).toMatchObject({ bundles: 1, inSync: 1, unfinished: 'no' });
    }
    expect(gateway.writes).toEqual(['K']);
    expect(source.reads).toBe(reads);
  });

  it('writes nothing where Kong has the certificate already, as after a restart', async () => {
    const { runner, gateway } = inStep();
    expect(eventsOf(await runner.pass('start'))).toEqual([]);
    expect(gateway.writes).toEqual([]);
  });

  it('writes nothing where only white space, comments or the order of the chain differ', async () => {
    const { runner, source, gateway } = inStep();
    const [leaf = '', intermediate = ''] = blocksOf(fresh.chain);
    source.put('www', { cert: `# the chain\n${intermediate}\n${leaf}`, key: fresh.key });
    expect(eventsOf(await runner.pass('start'))).toEqual([]);
    expect(gateway.writes).toEqual([]);
  });

  it('creates a certificate where nothing in Kong has these names and the source creates', async () => {
    const { runner, source, gateway, verifier } = passing({ create: true });
    source.put('api', api);
    expect(eventsOf(await runner.pass('start'))).toEqual(['api: created (served)']);
    const id = deterministicId('certificate', 'memory#api');
    expect(gateway.entities.get(id)).toMatchObject({
      cert: api.chain,
      snis: ['api.example.test'],
      tags: ['ssl-cert-reloader'],
    });
    expect(verifier.asked).toMatchObject([{ snis: ['api.example.test'] }]);
    expect(eventsOf(await runner.pass('poll'))).toEqual([]);
  });

  it('asks for the certificate of its own key type where there are twins', async () => {
    const { runner, source, gateway, verifier } = passing();
    const rsa = issue({ key: 'rsa-2048', notBefore: days(30) });
    const renewal = issue({ key: 'rsa-2048', notBefore: days(1) });
    gateway.put('K', old, { cert_alt: rsa.chain, key_alt: rsa.key });
    source.put('rsa', renewal);
    expect(eventsOf(await runner.pass('start'))).toEqual(['rsa: swapped (served)']);
    expect(gateway.entities.get('K')).toMatchObject({
      cert: old.chain,
      cert_alt: renewal.chain,
      key_alt: renewal.key,
    });
    expect(verifier.asked).toMatchObject([{ keyType: 'rsa' }]);
  });

  it('writes as many batches as it needs', async () => {
    const { runner, source, gateway } = passing({ create: true });
    gateway.batchSize = 2;
    for (const name of ['a', 'b', 'c', 'd', 'e']) source.put(name, issue({ names: [`${name}.test`] }));
    const report = await runner.pass('start');
    expect(report.events).toHaveLength(5);
    expect(report.inSync).toBe(5);
    expect(gateway.entities.size).toBe(5);
  });

  it('asks for the chain that it wrote where the source and Kong had a root with it at first', async () => {
    const { runner, source, gateway, verifier } = passing();
    const withRoot = { ...fresh, chain: fresh.chain + authorities().root.cert };
    gateway.put('K', withRoot);
    source.put('www', withRoot);
    expect(eventsOf(await runner.pass('start'))).toEqual([]);
    gateway.put('K', old);
    expect(eventsOf(await runner.pass('poll'))).toEqual(['www: swapped (served)']);
    expect(verifier.asked[0]?.chains).toContain(chainOf(gateway.entities.get('K')?.cert ?? ''));
  });

  it('says so where there is no proof', async () => {
    const { runner } = renewed({ verifier: null });
    expect(eventsOf(await runner.pass('start'))).toEqual(['www: swapped (not proven)']);
  });

  it('restores a certificate that another writer replaced with an older one', async () => {
    const { runner, gateway } = renewed();
    await runner.pass('start');
    gateway.put('K', old);
    expect(eventsOf(await runner.pass('poll'))).toEqual(['www: swapped (served)']);
  });

  it('leaves a certificate alone that another writer replaced with a newer one', async () => {
    const { runner, gateway } = renewed();
    await runner.pass('start');
    gateway.put('K', issue({ notBefore: days(0.5) }));
    expect(eventsOf(await runner.pass('poll'))).toEqual(['www: refused as older_than_stored']);
    expect(gateway.writes).toEqual(['K']);
  });

  it('forgets a bundle whose files are gone', async () => {
    const { runner, source, gateway } = renewed();
    await runner.pass('start');
    source.remove('www');
    gateway.put('K', old);
    expect(await runner.pass('poll')).toMatchObject({ bundles: 0, inSync: 0, events: [] });
    expect(gateway.writes).toEqual(['K']);
  });

  it('takes a certificate that is not valid yet once it is', async () => {
    const { runner, source, gateway, clock } = passing();
    gateway.put('K', old);
    source.put('www', issue({ notBefore: new Date(clock.now + 3_600_000) }));
    expect(eventsOf(await runner.pass('start'))).toEqual(['www: refused as not_yet_valid']);
    clock.now += 3_599_000;
    expect(eventsOf(await runner.pass('poll'))).toEqual([]);
    clock.now += 2_000;
    expect(eventsOf(await runner.pass('poll'))).toEqual(['www: swapped (served)']);
  });
});

function inStep() {
  const stages = passing();
  stages.gateway.put('K', fresh);
  stages.source.put('www', fresh);
  return stages;
}

describe('observing', () => {
  it('writes nothing and says once what would be done', async () => {
    const { runner, source, gateway, verifier } = renewed({ observe: true, create: true });
    source.put('api', api);
    expect(eventsOf(await runner.pass('start')).sort()).toEqual(['api: would create', 'www: would swap']);
    expect(eventsOf(await runner.pass('poll'))).toEqual([]);
    gateway.put('K', old);
    expect(eventsOf(await runner.pass('poll'))).toEqual([]);
    expect(gateway.writes).toEqual([]);
    expect(verifier.asked).toEqual([]);
  });

  it('announces no swap that would be refused when it is written', async () => {
    const { runner, source, gateway, clock } = renewed({ observe: true });
    source.put('www', { cert: fresh.chain, key: issue().key });
    await runner.pass('start');
    clock.now += SETTLE_MS;
    const seen = await runner.pass('retry');
    expect(eventsOf(seen)).toEqual(['www: refused as key_mismatch']);
    source.put('www', fresh);
    expect(eventsOf(await runner.pass('watch'))).toEqual(['www: would swap']);
    expect(gateway.writes).toEqual([]);
  });
});

describe('one bad bundle', () => {
  const { key } = issue();
  test.for([
    ['expired', issue({ notBefore: days(100), notAfter: days(1) }), 'expired'],
    ['with the key of another renewal', { cert: fresh.chain, key }, 'key_mismatch'],
    ['that is half written', { cert: fresh.chain.slice(0, -20), key: fresh.key }, 'incomplete'],
    ['that is no certificate at all', { cert: 'hello', key: 'hello' }, 'unsupported_format'],
    ['that cannot be read', refusal('unreadable', 'permission denied'), 'unreadable'],
  ] as const)('%s never stops the others, and Kong keeps what it has', async ([, what, reason]) => {
    const { runner, source, gateway, clock } = passing();
    gateway.put('K', old);
    gateway.put('A', issue({ names: ['api.example.test'], notBefore: days(30) }), {
      snis: ['api.example.test'],
    });
    source.put('bad', what);
    source.put('api', api);
    const first = await runner.pass('start');
    clock.now += SETTLE_MS;
    const second = await runner.pass('retry');
    expect([...eventsOf(first), ...eventsOf(second)].sort()).toEqual([
      'api: swapped (served)',
      `bad: refused as ${reason}`,
    ]);
    expect(second).toMatchObject({ refused: 1, inSync: 1, unfinished: 'no' });
    expect(gateway.entities.get('K')?.cert).toBe(old.chain);
    expect(gateway.entities.get('A')?.cert).toBe(api.chain);
  });

  it('is swapped as soon as its files are whole, and was never reported', async () => {
    const { runner, source, gateway } = passing();
    gateway.put('K', old);
    source.put('www', { cert: fresh.chain, key: old.key });
    expect(await runner.pass('start')).toMatchObject({ events: [], unfinished: 'settling' });
    source.put('www', fresh);
    expect(eventsOf(await runner.pass('watch'))).toEqual(['www: swapped (served)']);
  });

  it('of a source that throws does not hide another source', async () => {
    const broken = new MemorySource('broken');
    broken.scan = () => Promise.reject(new Error('the server is on fire'));
    const good = new MemorySource('good');
    good.put('www', fresh);
    const { runner, gateway } = passing({ sources: [broken, good] });
    gateway.put('K', old);
    const report = await runner.pass('start');
    expect(eventsOf(report)).toEqual(['www: swapped (served)']);
    expect(report.sourceErrors).toMatchObject([{ source: 'broken', refusal: { reason: 'unreadable' } }]);
    expect((await runner.pass('poll')).sourceErrors).toEqual([]);
  });

  it('whose read throws does not hide the others of its source', async () => {
    const { runner, source, gateway } = renewed();
    source.put('aaa', api);
    source.onRead = (name) => {
      if (name === 'aaa') throw new Error('ELOOP');
    };
    source.put('www', fresh);
    await runner.pass('start').catch(() => undefined);
    await runner.pass('retry').catch(() => undefined);
    expect(gateway.entities.get('K')?.cert).toBe(fresh.chain);
  });

  it('whose key does not belong to it is reported even where Kong has its chain', async () => {
    const { runner, source, gateway, clock } = passing();
    gateway.put('K', fresh);
    source.put('www', { cert: fresh.chain, key });
    await runner.pass('start');
    clock.now += SETTLE_MS;
    expect(eventsOf(await runner.pass('retry'))).toEqual(['www: refused as key_mismatch']);
    expect(gateway.writes).toEqual([]);
  });
});
