import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, test, vi } from 'vitest';
import { Outbox, type Alert } from '../../src/alerts';
import { Authority } from '../../src/authority/authority';
import { History } from '../../src/history';
import { inTurn, type PassEvent, type PassReport, type SourcedBundle } from '../../src/model';
import { BundleReader } from '../../src/pass/bundle-reader';
import { FormerPairs, type Replaced } from '../../src/pass/former-pairs';
import { HomeBook } from '../../src/plan';
import { testFolder } from '../support/folders';
import { authorities, issue } from '../support/bundles';
import { MemorySource, passing } from '../support/stages';
import { outline, plan, stored, tenant } from '../support/plans';
import { BANK, DAY_MS, proper, world } from '../support/tenants';
import { leafOf } from '../support/tls';

/* A tenant has much of everything, and renews it all the time: whatever has room for so many, the others keep theirs. */

describe('the certificates that rollback can bring back', () => {
  const swapOf = (id: string, bundle: SourcedBundle): Replaced => ({
    written: {
      kind: 'written',
      change: {
        ...{ kind: 'update', bundle, certificate: stored(id), half: 'main', isOfController: false },
        addSnis: [],
      },
      current: { cert: '', key: '' },
      before: { main: { cert: id, key: id }, alt: null, snis: [], tags: [] },
      snis: [],
    },
    chain: '',
  });

  it('of others stay, however often a tenant renews its own', () => {
    const former = new FormerPairs();
    former.keep([swapOf('bank', tenant('bank/www'))], 0);
    former.keep([swapOf('file', { ...tenant('x/y'), ownership: 'operator' })], 0);
    for (let index = 0; index < 1_000; index++)
      former.keep([swapOf(`evil ${index}`, tenant(`evil/${index}`))], index);
    expect([former.lastOf('bank').length, former.lastOf('file').length]).toEqual([1, 1]);
    expect([former.lastOf('evil 999').length, former.lastOf('evil 0').length]).toEqual([1, 0]);
  });
});

describe('the homes of names', () => {
  const observed = (owner: string, count: number) =>
    Array.from({ length: count }, (_, index) => {
      const names = Array.from({ length: 100 }, (_, at) => `${index}-${at}.${owner}.test`);
      return {
        certificate: stored(`${owner} ${index}`, { names }),
        half: 'main' as const,
        places: [`kubernetes#${owner}/${index}`],
      };
    });

  it('of others stay known, however many names a tenant has', () => {
    const book = new HomeBook();
    const all = [...observed('bank', 2), ...observed('evil', 500)];
    book.note(all);
    expect(book.ofName('1-99.bank.test')).toEqual(['kubernetes#bank/1']);
    expect(HomeBook.load(book.serialise()).ofName('0-0.bank.test')).toEqual(['kubernetes#bank/0']);
    book.takeChanged();
    book.note(all);
    expect(book.takeChanged(), 'it settles').toBe(false);
  });
});

describe('the bundles of a name', () => {
  it('that a tenant put there before its owner did hide no renewal of what was made by hand', () => {
    const names = [BANK];
    const squatters = Array.from({ length: 200 }, (_, index) =>
      tenant(`evil/${index}`, { names, age: 1, createdAt: 300, issuer: 'self' }),
    );
    const bank = tenant('bank/www', { names, age: 1, createdAt: 2 });
    const evidence = {
      isTrusted: ({ id }: SourcedBundle) => id === bank.id,
      isSameIssuer: () => false,
    };
    const byHand = stored('K', { names, age: 80 });
    expect(outline(plan([...squatters, bank], [byHand], { more: { evidence } })).changes).toEqual([
      `K main <- ${bank.id}`,
    ]);
  });
});

describe('alerts', () => {
  const alert = (key: string, more: Partial<Alert> = {}): Alert => ({
    ...{ kind: 'refused', key, topic: key, severity: 'warning', since: 0, labels: {}, link: null },
    ...{ facts: { location: `Secret ${key}` }, summary: key, description: '', status: 'firing' },
    ...{ isReminder: false, isReplaced: false, endedAt: null },
    ...more,
  });

  it('about others are delivered, however many are about a tenant', async () => {
    const told = new Set<string>();
    let resolve = (): void => undefined;
    const promise = new Promise<void>((done) => (resolve = done));
    const box = new Outbox({
      batchSize: 100,
      deliver: async (alerts) => {
        await promise;
        for (const { key } of alerts) told.add(key);
        return { kind: 'delivered' };
      },
      say: () => undefined,
    });
    box.add([alert('first')]);
    box.add([
      alert('bank/www'),
      alert('evil/critical', { severity: 'critical' }),
      alert('source', { facts: {} }),
      ...Array.from({ length: 5_000 }, (_, index) => alert(`evil/${index}`)),
    ]);
    resolve();
    await expect.poll(() => told.size).toBeGreaterThan(1_000);
    expect([...told]).toEqual(expect.arrayContaining(['bank/www', 'source', 'evil/critical', 'evil/4999']));
    expect(told.has('evil/0')).toBe(false);
    box.close();
  });
});

describe('the history', () => {
  const event = (namespace: string, name: string): PassEvent => ({
    bundle: name,
    location: `Secret ${namespace}/${name}`,
    fingerprint: 'AA',
    notAfter: 0,
    snis: [`${name}.test`],
    secret: { uid: name, namespace, name },
    outcome: { kind: 'swapped', certificate: name, how: 'swapped', proof: null },
  });

  const report = { sourceErrors: [], mendedSources: [] } as Partial<PassReport> as PassReport;

  it('of others is kept, however often a tenant renews', async () => {
    const path = join(testFolder(), 'history');
    let now = 0;
    const history = new History({
      ...{ entry: 'e', path, maxBytes: 400_000 },
      say: () => undefined,
      now: () => now,
    });
    history.pass({ ...report, events: [event('bank', 'www')] });
    for (let round = 0; round < 100; round++) {
      now += 1_000;
      const events = Array.from({ length: 100 }, (_, index) => event('evil', `x${index}`));
      history.pass({ ...report, events });
    }
    history.pass({ ...report, events: [event('bank', 'late')] });
    await history.close();
    const text = readFileSync(path, 'utf8');
    expect(text).toContain('Secret bank/www');
    expect(text).toContain('Secret bank/late');
    expect(text).toContain('namespace evil has filled its share of a day');
    expect(text.length).toBeLessThan(150_000);
  });
});

describe('the time of a scan', () => {
  it('is shared: a tenant with costly bundles waits for itself, and others are read in the same pass', async () => {
    const source = Object.assign(new MemorySource(), { ownership: 'tenants' as const });
    const pair = issue();
    const put = (namespace: string, name: string) =>
      source.put(`${namespace}/${name}`, {
        cert: pair.chain,
        key: pair.key,
        secret: { uid: name, namespace, name },
      });
    for (let index = 0; index < 100; index++) put('evil', `x${index}`);
    put('bank', 'www');
    let ms = 0;
    // Each bundle takes 300 ms.
    const reader = new BundleReader([source], { ticks: () => (ms += 300) });
    const first = await reader.scan(undefined);
    const ids = [...first.differing.keys()];
    expect(ids.some((id) => id.includes('bank/www'))).toBe(true);
    expect(ids.length).toBeLessThan(20);
    expect(reader.isUnsettled).toBe(true);
    let scans = 1;
    for (; reader.isUnsettled && scans < 50; scans++) await reader.scan(undefined);
    expect(reader.isUnsettled).toBe(false);
    expect(reader.book.total).toBe(1);
    expect(scans).toBeGreaterThan(10);
  });

  it('has no shares where all is of one tenant: nobody else waits', async () => {
    const source = Object.assign(new MemorySource(), { ownership: 'tenants' as const });
    for (let index = 0; index < 50; index++) source.put(`bank/x${index}`, issue());
    let ms = 0;
    const reader = new BundleReader([source], { ticks: () => (ms += 300) });
    expect((await reader.scan(undefined)).differing.size).toBe(50);
    expect(reader.isUnsettled).toBe(false);
  });
});

describe('the time of a plan', () => {
  it('is shared, and what it did not reach is reached by the plans that follow', async () => {
    const source = Object.assign(new MemorySource(), { ownership: 'tenants' as const });
    const { runner, gateway, clock } = passing({
      sources: [source],
      takeover: { mode: 'force', graceMs: 0, nudger: null },
    });
    const { intermediate } = authorities();
    const stranger = Authority.root().intermediate();
    const add = (namespace: string, name: string, issuer = intermediate) => {
      const host = `${name}.${namespace}.test`;
      const aged = (days: number) => ({ names: [host], notBefore: new Date(Date.now() - days * DAY_MS) });
      gateway.put(host, intermediate.issue(aged(30)), { snis: [host] });
      const { chain, key, cert } = issuer.issue(aged(5));
      source.put(`${namespace}/${name}`, {
        cert: chain,
        key,
        secret: { uid: `uid of ${host}`, namespace, name },
      });
      return [host, leafOf(cert)];
    };
    for (let index = 0; index < 60; index++) add('shop', `x${index}`, stranger);
    const renewals = [add('shop', 'www'), add('bank', 'www')];
    let ms = 0;
    const ticks = vi.spyOn(performance, 'now').mockImplementation(() => (ms += 500));
    onTestFinished(() => ticks.mockRestore());
    for (let passes = 0, isDue = true; isDue && passes < 200; passes++) {
      const { unfinished, nextAt } = await runner.pass('poll');
      clock.now += 10_000;
      if (unfinished === 'settling') expect(nextAt).toBeLessThan(clock.now);
      isDue = unfinished !== 'no' || (nextAt !== null && nextAt <= clock.now);
    }
    const served = renewals.map(([host = '']) => [host, leafOf(gateway.entities.get(host)?.cert ?? '')]);
    expect(served).toEqual(renewals);
  });
});

describe('the configuration of a Kong without a database', () => {
  it('takes the renewals of others, however much a tenant puts into it', async () => {
    const { cluster, settle, served } = await world({}, 'dbless', { maxBodyBytes: 300_000 });
    const before = new Date(Date.now() - 80 * DAY_MS);
    cluster.putSecret('bank', 'www', proper([BANK], { notBefore: before }));
    await settle();
    const large = [{ id: '1.3.6.1.4.1.99999.1', value: Buffer.alloc(40_000) }];
    for (let index = 0; index < 20; index++)
      cluster.putSecret('evil', `x${index}`, proper([`x${index}.evil.test`], { extensions: large }));
    const [renewal, other] = [proper([BANK]), proper(['shop.test'])];
    cluster.putSecret('bank', 'www', renewal);
    cluster.putSecret('shop', 'www', other);
    await settle();
    expect(await served()).toBe(leafOf(renewal.cert));
    expect(await served('shop.test')).toBe(leafOf(other.cert));
  });
});

describe('a source of all namespaces', () => {
  it('is not away for others because a tenant has no password for its keystore, or more than is looked at', async () => {
    const partial = [{ reason: 'too_large', message: 'namespace evil holds more Secrets than are read' }];
    const source = new MemorySource('secrets');
    const scan = source.scan.bind(source);
    Object.assign(source, { scan: async () => ({ ...(await scan()), partial }) });
    const reader = new BundleReader([source]);
    expect((await reader.scan(undefined)).errors).toMatchObject([{ refusal: partial[0] }]);
    expect([...reader.sources.away]).toEqual([]);
    expect(reader.sources.list()[0]?.error?.why).toBe(partial[0]);
    source.errors = [{ reason: 'unreachable', message: 'nobody answers' }];
    await reader.scan(undefined);
    expect([...reader.sources.away]).toEqual(['secrets']);
    expect(reader.sources.list()[0]?.error?.why.message).toBe('nobody answers');
  });
});

test('whoever has many gets what the others leave', () => {
  expect(inTurn(['a1', 'a2', 'a3', 'b1', 'c1', 'c2'], (item) => item[0] ?? '')).toEqual([
    ...['a1', 'b1', 'c1', 'a2', 'c2', 'a3'],
  ]);
});
