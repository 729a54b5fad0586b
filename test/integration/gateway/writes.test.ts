import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually';
import { leafOf } from '../../support/tls';
import {
  aged,
  creating,
  idOf,
  kindsOf,
  kongWith,
  MODES,
  pairOf,
  put,
  send,
  updating,
  watching,
  write,
  writtenOf,
} from './harness';

const [A, B, C] = [idOf(1), idOf(2), idOf(3)];
const old = aged(30, 'a.test', 'b.test');
const renewed = aged(1, 'a.test', 'b.test');
const other = aged(20, 'b.test', 'c.test');
const OURS = ['ssl-cert-reloader'];
const READS = 24;

describe.each(MODES)('a write to a Kong (%s)', (mode) => {
  it('says what there was before, to the letter', async () => {
    const tags = ['team-a', 'x'];
    const kong = await kongWith(mode, [{ id: A, issued: old, snis: ['a.test', 'b.test'], tags }]);
    const [written] = writtenOf(
      await write(kong.gateway, [[updating(kong.stored(A), renewed, { addSnis: ['new.test'] }), renewed]]),
    );
    expect({ ...written?.before, snis: [...(written?.before?.snis ?? [])].sort() }).toMatchObject({
      ...{ main: pairOf(old), alt: null, snis: ['a.test', 'b.test'], tags },
    });
    expect([...(written?.snis ?? [])].sort()).toEqual(['a.test', 'b.test', 'new.test']);
    expect(await kong.served('new.test')).toBe(leafOf(renewed.cert));
    const [created] = writtenOf(await write(kong.gateway, [[creating(C, other, ['c.test']), other]]));
    expect(created?.before).toBeNull();
  });

  it('reads what Kong has while the bundle goes through the gate, and loses nothing that comes meanwhile', async () => {
    const kong = await kongWith(mode, [{ id: A, issued: old, snis: ['a.test', 'b.test'] }]);
    const read = mode === 'dbless' ? '/config' : `/certificates/${A}`;
    const change = updating(kong.stored(A), renewed);
    const { certificates } = await kong.gateway.write(
      { certificates: [change], caCertificates: [] },
      async () => {
        await eventually('Kong is asked', () => kong.stand.requests.some(({ path }) => path === read));
        await put(kong.stand.adminUrl, mode, [
          { id: A, issued: old, snis: ['a.test', 'b.test'] },
          { id: C, issued: other, snis: ['c.test'] },
        ]);
        return pairOf(renewed);
      },
    );
    expect(kindsOf(certificates)).toEqual({ [A]: 'written' });
    expect(await kong.served('a.test')).toBe(leafOf(renewed.cert));
    expect(await kong.served('c.test')).toBe(leafOf(other.cert));
  });

  it('that creates what somebody else has made meanwhile leaves that alone and is planned again', async () => {
    const kong = await kongWith(mode);
    await put(kong.stand.adminUrl, mode, [{ id: A, issued: old, snis: ['a.test'], tags: OURS }]);
    const before = kong.state();
    expect(kindsOf(await write(kong.gateway, [[creating(A, renewed, ['a.test']), renewed]]))).toEqual({
      [A]: 'conflict',
    });
    expect(kong.state()).toEqual(before);
    await kong.gateway.certificates.refresh();
    expect(kong.stored(A).snis).toEqual(['a.test']);
  });

  it('that creates what somebody else makes in that very moment leaves that alone', async () => {
    const kong = await kongWith(mode);
    let isFirst = true;
    kong.stand.beforePost(async () => {
      if (!isFirst) return;
      isFirst = false;
      await put(kong.stand.adminUrl, mode, [{ id: A, issued: old, snis: ['a.test'], tags: OURS }]);
      if (mode === 'database') return;
      // Kong is asked all the time during a post; after so many requests an answer has shown what was just made.
      const before = kong.stand.requests.length;
      await eventually('it was read', () => kong.stand.requests.length >= before + READS);
    });
    expect(kindsOf(await write(kong.gateway, [[creating(A, renewed, ['a.test']), renewed]]))).toEqual({
      [A]: 'conflict',
    });
    expect(kong.state()).toMatchObject([{ id: A, cert: old.chain.trim(), names: ['a.test'] }]);
  });

  it('that finds the very same in place writes nothing', async () => {
    const kong = await kongWith(mode);
    const change = creating(A, renewed, ['a.test']);
    await put(kong.stand.adminUrl, mode, [{ id: A, issued: renewed, snis: ['a.test'], tags: OURS }]);
    kong.stand.clearRequests();
    expect(kindsOf(await write(kong.gateway, [[change, renewed]]))).toEqual({ [A]: 'already' });
    expect(kong.writes()).toBe(0);
  });

  it('over what somebody else has renewed meanwhile is not made, not for a moment', async () => {
    const kong = await kongWith(mode, [{ id: A, issued: old, snis: ['a.test'] }]);
    const change = updating(kong.stored(A), renewed);
    const newest = aged(0, 'a.test', 'b.test');
    await put(kong.stand.adminUrl, mode, [{ id: A, issued: newest, snis: ['a.test'] }]);
    const end = watching(kong, { 'a.test': [newest] });
    expect(kindsOf(await write(kong.gateway, [[change, renewed]]))).toEqual({ [A]: 'conflict' });
    await end();
  });

  it('that creates for a name that somebody else has got meanwhile is planned again', async () => {
    const kong = await kongWith(mode);
    const seeds = [{ id: B, issued: other, snis: ['b.test'] }];
    await put(kong.stand.adminUrl, mode, seeds);
    const results = await write(kong.gateway, [[creating(A, renewed, ['a.test', 'b.test']), renewed]]);
    expect(kindsOf(results)).toEqual({ [A]: 'conflict' });
    await kong.gateway.certificates.refresh();
    expect(kong.stored(B).snis).toEqual(['b.test']);
    expect(kong.state().map(({ id }) => id)).toEqual([B]);
  });

  it('renews the pair though somebody else has got a name that it was to gain', async () => {
    const kong = await kongWith(mode, [
      { id: A, issued: old, snis: ['a.test'] },
      { id: B, issued: other, snis: ['b.test'] },
    ]);
    const change = updating(kong.stored(A), renewed, { addSnis: ['b.test', 'new.test'] });
    const [written] = writtenOf(await write(kong.gateway, [[change, renewed]]));
    expect(written?.snis).toEqual(['a.test', 'new.test']);
    expect(await kong.served('b.test')).toBe(leafOf(other.cert));
    expect(await kong.served('new.test')).toBe(leafOf(renewed.cert));
  });

  it('to one of many that was removed meanwhile does not hold the others back', async () => {
    const ids = [1, 2, 3, 4, 5].map(idOf);
    const seeds = ids.map((id, index) => ({ id, issued: old, snis: [`${index}.test`] }));
    const kong = await kongWith(mode, seeds);
    const changes = ids.map((id) => [updating(kong.stored(id), renewed), renewed] as const);
    if (mode === 'database') await send(kong.stand.adminUrl, 'DELETE', `/certificates/${idOf(3)}`);
    else
      await put(
        kong.stand.adminUrl,
        mode,
        seeds.filter(({ id }) => id !== idOf(3)),
      );
    const results = await write(kong.gateway, changes);
    expect(kindsOf(results)).toEqual(
      Object.fromEntries(ids.map((id) => [id, id === idOf(3) ? 'conflict' : 'written'])),
    );
    const [error] = results.flatMap((result) => (result.kind === 'conflict' ? result.error.message : []));
    expect(error).toContain(idOf(3));
  });

  it('keeps SNIs as they are stored, capitals and all', async () => {
    const kong = await kongWith(mode, [{ id: A, issued: old, snis: ['A.Test', 'b.test'] }]);
    expect(kong.stored(A).snis).toEqual(['A.Test', 'b.test']);
    const [written] = writtenOf(await write(kong.gateway, [[updating(kong.stored(A), renewed), renewed]]));
    expect([...(written?.snis ?? [])].sort()).toEqual(['A.Test', 'b.test']);
    expect(kong.state()[0]?.names).toEqual(['A.Test', 'b.test']);
    expect(await kong.served('A.Test')).toBe(leafOf(renewed.cert));
  });
});

describe.each(MODES)('an SNI of a Kong (%s)', (mode) => {
  const seeds = [
    { id: A, issued: old, snis: ['a.test', 'b.test'], tags: OURS },
    { id: B, issued: other, snis: ['c.test'], tags: OURS },
  ];

  it('moves to a renewed certificate without a moment in which it is not served', async () => {
    const kong = await kongWith(mode, seeds);
    const wide = aged(1, 'b.test', 'c.test');
    const end = watching(kong, { 'a.test': [old], 'b.test': [old, wide], 'c.test': [other, wide] });
    const moveSnis = [{ name: 'b.test', from: A }];
    const [written] = writtenOf(
      await write(kong.gateway, [[updating(kong.stored(B), wide, { moveSnis }), wide]]),
    );
    await end();
    expect(written?.snis).toEqual(['c.test', 'b.test']);
    expect(kong.state().map(({ names }) => names)).toEqual([['a.test'], ['b.test', 'c.test']]);
    expect([kong.stored(A).snis, [...kong.stored(B).snis].sort()]).toEqual([
      ['a.test'],
      ['b.test', 'c.test'],
    ]);
  });

  it('moves to a certificate that is created', async () => {
    const kong = await kongWith(mode, seeds);
    const single = aged(1, 'b.test', 'd.test');
    const end = watching(kong, { 'a.test': [old], 'b.test': [old, single] });
    const change = creating(C, single, ['b.test', 'd.test'], { moveSnis: [{ name: 'b.test', from: A }] });
    const [written] = writtenOf(await write(kong.gateway, [[change, single]]));
    await end();
    expect([...(written?.snis ?? [])].sort()).toEqual(['b.test', 'd.test']);
    expect(await kong.served('b.test')).toBe(leafOf(single.cert));
    expect(await kong.served('d.test')).toBe(leafOf(single.cert));
  });

  it('that is no longer where the plan saw it stays where it is', async () => {
    const kong = await kongWith(mode, seeds);
    const wide = aged(1, 'b.test', 'c.test');
    const change = updating(kong.stored(B), wide, { moveSnis: [{ name: 'b.test', from: C }] });
    const [written] = writtenOf(await write(kong.gateway, [[change, wide]]));
    expect(written?.snis).toEqual(['c.test']);
    expect(await kong.served('b.test')).toBe(leafOf(old.cert));
  });

  it('of a certificate that had ended stays there where it was renewed since the plan', async () => {
    const kong = await kongWith(mode, seeds);
    const single = aged(1, 'a.test', 'b.test', 'd.test');
    const { chain } = kong.stored(A).main;
    const move = (name: string, ended: string) => ({ moveSnis: [{ name, from: A, ended }] });
    const [written] = writtenOf(
      await write(kong.gateway, [[creating(C, single, ['d.test'], move('b.test', 'former')), single]]),
    );
    expect(written?.snis).toEqual(['d.test']);
    expect(await kong.served('b.test')).toBe(leafOf(old.cert));
    const further = updating(kong.stored(C), single, move('a.test', 'former'));
    expect(kindsOf(await write(kong.gateway, [[further, single]]))).toEqual({ [C]: 'conflict' });
    await write(kong.gateway, [[updating(kong.stored(C), single, move('b.test', chain)), single]]);
    expect(await kong.served('b.test')).toBe(leafOf(single.cert));
  });

  it('that a renewal lost keeps the previous certificate, without a moment of another one', async () => {
    const kong = await kongWith(mode, seeds);
    const narrow = aged(1, 'a.test');
    const end = watching(kong, { 'a.test': [old, narrow], 'b.test': [old] });
    const change = updating(kong.stored(A), narrow, { split: { id: C, snis: ['b.test', 'gone.test'] } });
    const [written] = writtenOf(await write(kong.gateway, [[change, narrow]]));
    await end();
    expect(written?.snis).toEqual(['a.test']);
    expect(await kong.served('a.test')).toBe(leafOf(narrow.cert));
    const split = kong.state().find(({ id }) => id === C);
    expect(split).toMatchObject({
      cert: old.chain.trim(),
      names: ['b.test'],
      tags: ['ssl-cert-reloader', 'ssl-cert-reloader-previous'],
    });
    await kong.gateway.certificates.refresh();
    expect(kong.stored(C)).toMatchObject({ owner: 'us', isPrevious: true, snis: ['b.test'] });
  });

  it('is taken away where that is asked for', async () => {
    const kong = await kongWith(mode, seeds);
    const change = updating(kong.stored(A), renewed, { removeSnis: ['b.test'] });
    const [written] = writtenOf(await write(kong.gateway, [[change, renewed]]));
    expect(written?.snis).toEqual(['a.test']);
    expect(kong.state()[0]?.names).toEqual(['a.test']);
  });

  it('is gained by a certificate whose pair is in place already', async () => {
    const kong = await kongWith(mode, seeds);
    const change = updating(kong.stored(A), old, { addSnis: ['e.test'] });
    const [written] = writtenOf(await write(kong.gateway, [[change, old]]));
    expect(written?.snis).toContain('e.test');
    expect(await kong.served('e.test')).toBe(leafOf(old.cert));
    const taken = updating(kong.stored(A), old, { addSnis: ['c.test'] });
    expect(kindsOf(await write(kong.gateway, [[taken, old]]))).toEqual({ [A]: 'conflict' });
  });
});
