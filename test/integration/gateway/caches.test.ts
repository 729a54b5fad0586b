import { describe, expect, it } from 'vitest';
import type { Issued } from '../../../src/authority/authority';
import type { Written } from '../../../src/model';
import type { Gateway as StandIn } from '../../gateway';
import { eventually } from '../../support/eventually';
import { leafOf } from '../../support/tls';
import {
  aged,
  creating,
  idOf,
  kindsOf,
  kongWith,
  pairOf,
  send,
  updating,
  write,
  writtenOf,
  type Kong,
} from './harness';

const [A, B] = [idOf(1), idOf(2)];
const old = aged(30, 'a.test', 'b.test');
const renewed = aged(1, 'a.test', 'b.test');
const other = aged(20, 'b.test');

/** The next write of this kind is stored, Kong empties no cache, and answers 500. */
function loseAnswer(stand: StandIn, method: string, path: RegExp): void {
  stand.inject({ method, path, status: 500, afterExecute: true });
  let end: (() => void) | null = null;
  let suppressed: Promise<void> | null = null;
  stand.beforePost(async (write) => {
    if (suppressed === null && write.method === method && path.test(write.path)) {
      suppressed = stand.withoutInvalidation(() => new Promise((resolve) => (end = resolve)));
      return;
    }
    end?.();
    await suppressed;
  });
}

const emptied = (stand: StandIn) =>
  stand.requests.flatMap(({ method, path, status }) =>
    method === 'PATCH' && status === 200 ? [path.split('?')[0]] : [],
  );

describe('a write, if Kong loses the answer of its database', () => {
  it('has the caches emptied and is served, where it renews a certificate', async () => {
    const kong = await kongWith('database', [{ id: A, issued: old, snis: ['a.test'] }]);
    expect(await kong.served('a.test')).toBe(leafOf(old.cert));
    loseAnswer(kong.stand, 'PATCH', /certificates/);
    const [result] = await write(kong.gateway, [[updating(kong.stored(A), renewed), renewed]]);
    expect(result?.kind).toBe('written');
    expect(emptied(kong.stand)).toEqual([`/certificates/${A}`]);
    expect(await kong.served('a.test')).toBe(leafOf(renewed.cert));
    expect(kong.state()).toMatchObject([{ id: A, cert: renewed.chain.trim(), names: ['a.test'] }]);
  });

  it('has the caches emptied, also those of names, where it creates a certificate', async () => {
    const kong = await kongWith('database');
    const byDefault = await kong.served('a.test');
    loseAnswer(kong.stand, 'POST', /certificates/);
    const results = await write(kong.gateway, [[creating(B, renewed, ['a.test']), renewed]]);
    expect(kindsOf(results)).toEqual({ [B]: 'written' });
    expect(emptied(kong.stand)).toEqual([`/certificates/${B}`, '/snis/a.test']);
    expect(await kong.served('a.test')).toBe(leafOf(renewed.cert));
    expect(byDefault).not.toBe(leafOf(renewed.cert));
  });

  it('counts as made, where Kong does not let the caches of its names be emptied', async () => {
    const kong = await kongWith('database');
    loseAnswer(kong.stand, 'POST', /certificates/);
    kong.stand.inject({ method: 'PATCH', path: /snis/, status: 403 });
    const [written] = writtenOf(await write(kong.gateway, [[creating(B, renewed, ['a.test']), renewed]]));
    expect(written?.snis).toEqual(['a.test']);
    expect(emptied(kong.stand)).toEqual([`/certificates/${B}`]);
  });

  it('has the caches emptied, where it adds a name', async () => {
    const kong = await kongWith('database', [{ id: A, issued: old, snis: ['a.test'] }]);
    await kong.served('b.test');
    loseAnswer(kong.stand, 'POST', /snis/);
    const change = updating(kong.stored(A), renewed, { addSnis: ['b.test'] });
    const [written] = writtenOf(await write(kong.gateway, [[change, renewed]]));
    expect(written?.snis).toEqual(['a.test', 'b.test']);
    expect(emptied(kong.stand)).toContain('/snis/b.test');
    expect(await kong.served('b.test')).toBe(leafOf(renewed.cert));
  });

  it('says what there was before its first try, where the second one adds a name', async () => {
    const kong = await kongWith('database', [{ id: A, issued: old, snis: ['a.test'] }]);
    loseAnswer(kong.stand, 'PATCH', /certificates/);
    const change = updating(kong.stored(A), renewed, { addSnis: ['b.test'] });
    const written = writtenOf(await write(kong.gateway, [[change, renewed]]));
    expect(written[0]?.before).toMatchObject({ main: pairOf(old), snis: ['a.test'] });
    await kong.gateway.restore(written);
    expect(await kong.served('a.test')).toBe(leafOf(old.cert));
    expect(kong.state()).toMatchObject([{ id: A, cert: old.chain.trim(), names: ['a.test'] }]);
  });

  /** No answer of such a write arrives, and no cache is emptied meanwhile. */
  async function losingAll<T>(stand: StandIn, path: RegExp, work: () => Promise<T>): Promise<void> {
    const recover = stand.inject({ method: 'PATCH', path, status: 500, afterExecute: true, times: Infinity });
    await stand.withoutInvalidation(async () => {
      await work();
    });
    recover();
  }

  /** Leaves that are served after a rollback whose answers are all lost, and after the next one, which finds it made. */
  async function aroundLosses(
    { gateway, stand, served }: Kong,
    written: Written[],
    path: RegExp,
    name: string,
  ): Promise<string[]> {
    await losingAll(stand, path, () => gateway.restore(written));
    const before = await served(name);
    expect((await gateway.restore(written)).map(({ kind }) => kind)).toEqual(['restored']);
    return [before, await served(name)];
  }

  it('has the caches emptied, where the next pass finds a name that was moved', async () => {
    const seeds = [
      { id: A, issued: old, snis: ['a.test'] },
      { id: B, issued: other, snis: ['b.test'] },
    ];
    const kong = await kongWith('database', seeds);
    const change = updating(kong.stored(A), renewed, { moveSnis: [{ name: 'b.test', from: B }] });
    const written = writtenOf(await write(kong.gateway, [[change, renewed]]));
    expect(await kong.served('b.test')).toBe(leafOf(renewed.cert));
    expect(await aroundLosses(kong, written, /snis/, 'b.test')).toEqual(
      [renewed, other].map(({ cert }) => leafOf(cert)),
    );
  });

  it('has the caches emptied, where the next pass finds what was restored', async () => {
    const kong = await kongWith('database', [{ id: A, issued: old, snis: ['a.test'] }]);
    const written = writtenOf(await write(kong.gateway, [[updating(kong.stored(A), renewed), renewed]]));
    expect(await kong.served('a.test')).toBe(leafOf(renewed.cert));
    expect(await aroundLosses(kong, written, /certificates/, 'a.test')).toEqual(
      [renewed, old].map(({ cert }) => leafOf(cert)),
    );
  });

  it('has the caches emptied, where it restores what there was', async () => {
    const kong = await kongWith('database', [{ id: A, issued: old, snis: ['a.test'] }]);
    const written = writtenOf(await write(kong.gateway, [[updating(kong.stored(A), renewed), renewed]]));
    loseAnswer(kong.stand, 'PATCH', /certificates/);
    expect((await kong.gateway.restore(written)).map(({ kind }) => kind)).toEqual(['restored']);
    expect(await kong.served('a.test')).toBe(leafOf(old.cert));
  });

  it('has the caches emptied, where it takes a name back', async () => {
    const kong = await kongWith('database', [{ id: A, issued: old, snis: ['a.test'] }]);
    const byDefault = await kong.served('b.test');
    const change = updating(kong.stored(A), renewed, { addSnis: ['b.test'] });
    const written = writtenOf(await write(kong.gateway, [[change, renewed]]));
    expect(await kong.served('b.test')).toBe(leafOf(renewed.cert));
    loseAnswer(kong.stand, 'DELETE', /snis/);
    expect((await kong.gateway.restore(written)).map(({ kind }) => kind)).toEqual(['restored']);
    expect(await kong.served('b.test')).toBe(byDefault);
    expect(kong.state()).toMatchObject([{ id: A, cert: old.chain.trim(), names: ['a.test'] }]);
  });

  it('has the caches emptied, where it removes a certificate whose name Kong has removed before', async () => {
    const kong = await kongWith('database');
    const byDefault = await kong.served('a.test');
    const written = writtenOf(await write(kong.gateway, [[creating(B, renewed, ['a.test']), renewed]]));
    expect(await kong.served('a.test')).toBe(leafOf(renewed.cert));
    const busy = { status: 503, headers: { 'retry-after': '2' } };
    kong.stand.inject({ method: 'DELETE', path: /certificates/, ...busy });
    const restoring = kong.gateway.restore(written);
    await eventually('it was tried', () => kong.stand.requests.some(({ method }) => method === 'DELETE'));
    await kong.stand.withoutInvalidation(() => send(kong.stand.adminUrl, 'DELETE', '/snis/a.test'));
    expect((await restoring).map(({ kind }) => kind)).toEqual(['restored']);
    expect(await kong.served('a.test')).toBe(byDefault);
    expect(kong.state()).toEqual([]);
  });

  it('removes a certificate that is still there after an answer of 500', async () => {
    const kong = await kongWith('database', [{ id: A, issued: old, snis: [] }]);
    kong.stand.inject({ method: 'DELETE', path: /certificates/, status: 500 });
    expect(await kong.gateway.remove([{ id: A, snis: [] }])).toEqual([]);
    expect(kong.state()).toEqual([]);
  });

  it('leaves a name to somebody else who takes it meanwhile, where it takes the name back', async () => {
    const seeds = [
      { id: A, issued: old, snis: ['a.test'] },
      { id: B, issued: other, snis: [] },
    ];
    const kong = await kongWith('database', seeds);
    const change = updating(kong.stored(A), renewed, { addSnis: ['b.test'] });
    const written = writtenOf(await write(kong.gateway, [[change, renewed]]));
    kong.stand.inject({ method: 'DELETE', path: /snis/, status: 500, afterExecute: true });
    const end = kong.stand.beforePost(async ({ method }) => {
      if (method !== 'POST') return;
      end();
      await send(kong.stand.adminUrl, 'POST', '/snis', { name: 'b.test', certificate: { id: B } });
    });
    await kong.gateway.restore(written);
    expect(await kong.served('b.test')).toBe(leafOf(other.cert));
  });

  it('is made, where somebody else takes a name of the certificate that it removes', async () => {
    const kong = await kongWith('database', [{ id: A, issued: other, snis: [] }]);
    const byDefault = await kong.served('a.test');
    const written = writtenOf(
      await write(kong.gateway, [[creating(B, renewed, ['a.test', 'b.test']), renewed]]),
    );
    for (const name of ['a.test', 'b.test']) expect(await kong.served(name)).toBe(leafOf(renewed.cert));
    loseAnswer(kong.stand, 'DELETE', /certificates/);
    const end = kong.stand.beforePost(async ({ method }) => {
      if (method !== 'POST') return;
      end();
      await send(kong.stand.adminUrl, 'POST', '/snis', { name: 'b.test', certificate: { id: A } });
    });
    expect((await kong.gateway.restore(written)).map(({ kind }) => kind)).toEqual(['restored']);
    expect(await kong.served('a.test')).toBe(byDefault);
    expect(await kong.served('b.test')).toBe(leafOf(other.cert));
    expect(kong.state()).toMatchObject([{ id: A, names: ['b.test'] }]);
  });

  it.for<[what: string, path: string, fields: object]>([
    ['adds a name to', '/snis', { name: 'c.test', certificate: { id: A } }],
    ['renews', `/certificates/${A}`, pairOf(renewed)],
  ])('leaves a certificate alone that somebody else %s before the next try', async ([, path, fields]) => {
    const kong = await kongWith('database', [{ id: A, issued: old, snis: ['a.test'] }]);
    kong.stand.inject({
      method: 'DELETE',
      path: /certificates/,
      status: 503,
      headers: { 'retry-after': '1' },
    });
    const removing = kong.gateway.remove([{ id: A, snis: ['a.test'] }]);
    await eventually('it was tried', () => kong.stand.requests.some(({ method }) => method === 'DELETE'));
    await send(kong.stand.adminUrl, path === '/snis' ? 'POST' : 'PATCH', path, fields);
    const state = kong.state();
    expect(await removing).toEqual([A]);
    expect(kong.state()).toEqual(state);
  });

  it('has the caches emptied, where it removes a certificate', async () => {
    const kong = await kongWith('database');
    const byDefault = await kong.served('a.test');
    const written = writtenOf(await write(kong.gateway, [[creating(B, renewed, ['a.test']), renewed]]));
    expect(await kong.served('a.test')).toBe(leafOf(renewed.cert));
    loseAnswer(kong.stand, 'DELETE', /certificates/);
    expect((await kong.gateway.restore(written)).map(({ kind }) => kind)).toEqual(['restored']);
    expect(await kong.served('a.test')).toBe(byDefault);
    expect(kong.state()).toEqual([]);
  });
});

it('a renewal that is written at the second try is listed as Kong stores it', async () => {
  const kong = await kongWith('database', [{ id: A, issued: old, snis: ['a.test'] }]);
  kong.stand.inject({ method: 'PATCH', path: /certificates/, status: 500 });
  const change = updating(kong.stored(A), renewed);
  expect(kindsOf(await write(kong.gateway, [[change, renewed]]))).toEqual({ [A]: 'written' });
  expect(kong.stored(A).main.chain).toBe(change.bundle.chain);
  // Nothing was lost, so no cache has to be emptied.
  expect(emptied(kong.stand)).toEqual([`/certificates/${A}`]);
});

it('emptying caches changes nothing that is stored', async () => {
  const tags = ['team-a'];
  const kong = await kongWith('database', [{ id: A, issued: old, snis: ['a.test', 'b.test'], tags }]);
  const before = kong.state();
  expect(await kong.gateway.emptyCaches({ id: A, snis: ['a.test', 'b.test', 'gone.test'] })).toBe(true);
  expect(kong.state()).toEqual(before);
});

/** The next empty PATCH has read the row, as Kong does, and writes it back when it is released. */
async function holdEmptying(kong: Kong, held: Issued) {
  const { certificates } = kong.gateway;
  // Opens connections, each of which takes a while.
  await Promise.all([1, 2, 3].map(() => certificates.readOne(A)));
  let release = () => {};
  const isReleased = new Promise<void>((resolve) => (release = resolve));
  const hasRead = new Promise<void>((resolve) => {
    const takeBack = kong.stand.beforePost(async ({ method, path, body }) => {
      if (method !== 'PATCH' || Object.keys(body).length > 0) return;
      takeBack();
      resolve();
      await isReleased;
      await send(kong.stand.adminUrl, 'PATCH', path, pairOf(held));
    });
  });
  return { hasRead, release };
}

/** Whatever is sent without waiting for something has been answered by then. */
async function afterManyRequests({ gateway }: Kong): Promise<void> {
  for (let count = 0; count < 20; count++) await gateway.certificates.readOne(A);
}

describe('an empty PATCH that Kong has not answered yet', () => {
  it('is waited for by a rollback, since it writes what it read', async () => {
    const kong = await kongWith('database', [{ id: A, issued: old, snis: ['a.test'] }]);
    const written = writtenOf(await write(kong.gateway, [[updating(kong.stored(A), renewed), renewed]]));
    const { hasRead, release } = await holdEmptying(kong, renewed);
    const emptied = kong.gateway.emptyCaches({ id: A, snis: [] });
    await hasRead;
    const restored = kong.gateway.restore(written);
    await afterManyRequests(kong);
    release();
    await Promise.all([emptied, restored]);
    expect(kong.state()).toMatchObject([{ id: A, cert: old.chain.trim() }]);
  });

  it.for<[what: string, id: string, more: Parameters<typeof updating>[2]]>([
    ['of that certificate', A, {}],
    ['that takes a name from it', B, { moveSnis: [{ name: 'a.test', from: A }] }],
  ])('is waited for by a renewal %s', async ([, id, more]) => {
    const seeds = [
      { id: A, issued: old, snis: ['a.test'] },
      { id: B, issued: other, snis: ['b.test'] },
    ];
    const kong = await kongWith('database', seeds);
    const { hasRead, release } = await holdEmptying(kong, old);
    const emptied = kong.gateway.emptyCaches({ id: A, snis: [] });
    await hasRead;
    const begun = kong.writes();
    const results = write(kong.gateway, [[updating(kong.stored(id), renewed, more), renewed]]);
    await afterManyRequests(kong);
    expect(kong.writes()).toBe(begun);
    release();
    await emptied;
    expect(kindsOf(await results)).toEqual({ [id]: 'written' });
    expect(kong.state().find((one) => one.id === id)?.cert).toBe(renewed.chain.trim());
  });

  it('is not waited for by a write of another certificate', async () => {
    const seeds = [
      { id: A, issued: old, snis: ['a.test'] },
      { id: B, issued: other, snis: ['b.test'] },
    ];
    const kong = await kongWith('database', seeds);
    const { hasRead, release } = await holdEmptying(kong, old);
    const emptied = kong.gateway.emptyCaches({ id: A, snis: [] });
    await hasRead;
    const results = await write(kong.gateway, [[updating(kong.stored(B), renewed), renewed]]);
    expect(kindsOf(results)).toEqual({ [B]: 'written' });
    release();
    await emptied;
  });

  it('is not sent again once nobody waits for it', async () => {
    const kong = await kongWith('database', [{ id: A, issued: old, snis: ['a.test'] }]);
    kong.stand.inject({ method: 'PATCH', status: 503, headers: { 'retry-after': '3600' } });
    await expect(kong.gateway.emptyCaches({ id: A, snis: [] })).rejects.toThrow('503');
  });
});

it('a Kong without a database has no caches to be emptied', async () => {
  const kong = await kongWith('dbless', [{ id: A, issued: old, snis: ['a.test'] }]);
  expect(await kong.gateway.emptyCaches({ id: A, snis: [] })).toBe(false);
  expect(kong.writes()).toBe(0);
});
