import { describe, expect, it } from 'vitest';
import type { Change, Gateway } from '../../../src/model';
import type { Issued } from '../../../src/authority/authority';
import { issue } from '../../support/bundles';
import { leafOf } from '../../support/tls';
import {
  aged,
  creating,
  idOf,
  kongWith,
  MODES,
  pairOf,
  put,
  send,
  updating,
  watching,
  write,
  writtenOf,
  type Kong,
} from './harness';

const [A, B, C] = [idOf(1), idOf(2), idOf(3)];
const old = aged(30, 'a.test', 'b.test');
const renewed = aged(1, 'a.test', 'b.test', 'new.test');
const other = aged(20, 'b.test', 'c.test');
const rsa = issue({ names: ['a.test'], key: 'rsa-2048' });
const OURS = ['ssl-cert-reloader'];
const seeds = [
  { id: A, issued: old, snis: ['a.test', 'b.test'], tags: OURS },
  { id: B, issued: other, snis: ['c.test'], tags: ['by-hand'] },
];

const wide = aged(1, 'b.test', 'c.test');
const narrow = aged(1, 'a.test');

/** Each kind of write that there is. */
const WRITES: [string, (kong: Kong) => (readonly [Change, Issued])[]][] = [
  ['a pair', (kong) => [[updating(kong.stored(A), renewed), renewed]]],
  [
    'a pair with names that were added',
    (kong) => [[updating(kong.stored(A), renewed, { addSnis: ['new.test'] }), renewed]],
  ],
  [
    'a pair with a name that was moved',
    (kong) => [[updating(kong.stored(B), wide, { moveSnis: [{ name: 'b.test', from: A }] }), wide]],
  ],
  [
    'a pair whose lost name was split off',
    (kong) => [[updating(kong.stored(A), narrow, { split: { id: C, snis: ['b.test'] } }), narrow]],
  ],
  [
    'a pair whose name was taken away',
    (kong) => [[updating(kong.stored(A), narrow, { removeSnis: ['b.test'] }), narrow]],
  ],
  ['a second half', (kong) => [[updating(kong.stored(A), rsa, { half: 'alt' }), rsa]]],
  ['a creation', () => [[creating(C, narrow, ['d.test']), narrow]]],
  [
    'a creation with a name that was moved',
    () => [[creating(C, wide, ['b.test'], { moveSnis: [{ name: 'b.test', from: A }] }), wide]],
  ],
  [
    'a creation with both halves',
    () => {
      const create = creating(C, narrow, ['d.test']);
      const { leaf, reach } = create.bundle;
      const half = { content: '', chain: '', leaf, reach, vaultReference: false };
      const made = { id: C, snis: ['d.test'], owner: 'us', secret: null, main: half, alt: null } as const;
      return [
        [create, narrow],
        [updating(made, rsa, { half: 'alt' }), rsa],
      ];
    },
  ],
  [
    'several at once',
    (kong) => [
      [updating(kong.stored(A), renewed), renewed],
      [updating(kong.stored(B), wide), wide],
      [creating(C, narrow, ['d.test']), narrow],
    ],
  ],
];

/** What is known of Kong's certificates, in one order. */
const known = ({ certificates }: Gateway) =>
  [...certificates.stored.values()]
    .map((one) => ({ ...one, snis: [...one.snis].sort() }))
    .sort((a, b) => a.id.localeCompare(b.id));

describe.each(MODES)('a rollback on a Kong (%s)', (mode) => {
  it.for(WRITES)('of %s leaves everything as it was', async ([, make]) => {
    const kong = await kongWith(mode, seeds);
    const before = kong.state();
    const written = writtenOf(await write(kong.gateway, make(kong)));
    expect(kong.state()).not.toEqual(before);
    const names = new Set(before.flatMap((row) => row.names));
    const kept = kong.state().flatMap((row) => row.names.filter((name) => names.has(name)));
    const all = [old, renewed, other, wide, narrow];
    const end = watching(kong, Object.fromEntries(kept.map((name) => [name, all])));
    const results = await kong.gateway.restore(written);
    await end();
    expect(results.map(({ kind }) => kind)).toEqual(written.map(() => 'restored'));
    expect(kong.state()).toEqual(before);
    expect(known(kong.gateway)).toEqual(known(await kong.connectAgain()));
  });

  it('of many is one write where every write is one of everything', async () => {
    const ids = [1, 2, 3, 4, 5, 6].map(idOf);
    const kong = await kongWith(
      mode,
      ids.map((id, index) => ({ id, issued: old, snis: [`${index}.test`] })),
    );
    const written = writtenOf(
      await write(
        kong.gateway,
        ids.map((id) => [updating(kong.stored(id), renewed), renewed] as const),
      ),
    );
    kong.stand.clearRequests();
    await kong.gateway.restore(written);
    expect(kong.writes()).toBe(mode === 'database' ? ids.length : 1);
  });

  it('of one half leaves what somebody else has written into the other since', async () => {
    const kong = await kongWith(mode, seeds);
    const changes = [[updating(kong.stored(A), renewed), renewed]] as const;
    const written = writtenOf(await write(kong.gateway, changes));
    const theirs = { cert_alt: rsa.chain, key_alt: rsa.key };
    if (mode === 'database') {
      await send(kong.stand.adminUrl, 'PATCH', `/certificates/${A}`, theirs);
    } else {
      const snis = ['a.test', 'b.test'].map((name) => ({ name }));
      const certificates = [{ id: A, ...pairOf(renewed), ...theirs, snis }];
      const config = JSON.stringify({ _format_version: '3.0', certificates });
      await send(kong.stand.adminUrl, 'POST', '/config', { config });
    }
    expect((await kong.gateway.restore(written)).map(({ kind }) => kind)).toEqual(['restored']);
    const [now] = kong.state();
    expect(now).toMatchObject({ cert: old.chain.trim(), cert_alt: rsa.chain });
    expect(known(kong.gateway)).toEqual(known(await kong.connectAgain()));
  });

  it('leaves what somebody else has written since, and restores the rest', async () => {
    const kong = await kongWith(mode, seeds);
    const written = writtenOf(
      await write(kong.gateway, [
        [updating(kong.stored(A), renewed), renewed],
        [updating(kong.stored(B), wide), wide],
      ]),
    );
    const theirs = aged(0, 'c.test');
    if (mode === 'database') {
      await send(kong.stand.adminUrl, 'PATCH', `/certificates/${B}`, pairOf(theirs));
    } else {
      await put(kong.stand.adminUrl, mode, [
        { id: A, issued: renewed, snis: ['a.test', 'b.test'] },
        { id: B, issued: theirs, snis: ['c.test'] },
      ]);
    }
    const results = await kong.gateway.restore(written);
    expect(
      Object.fromEntries(results.map(({ kind, write: { before } }) => [before?.snis.length, kind])),
    ).toEqual({
      2: 'restored',
      1: 'overtaken',
    });
    expect(await kong.served('a.test')).toBe(leafOf(old.cert));
    expect(await kong.served('c.test')).toBe(leafOf(theirs.cert));
  });

  it('counts what somebody removed as overtaken, and what was created and is gone as restored', async () => {
    const kong = await kongWith(mode, seeds);
    const written = writtenOf(
      await write(kong.gateway, [
        [updating(kong.stored(A), renewed), renewed],
        [creating(C, narrow, ['d.test']), narrow],
      ]),
    );
    if (mode === 'database') {
      for (const id of [A, C]) await send(kong.stand.adminUrl, 'DELETE', `/certificates/${id}`);
    } else await put(kong.stand.adminUrl, mode, []);
    const results = await kong.gateway.restore(written);
    expect(Object.fromEntries(results.map(({ kind, write: { change } }) => [change.kind, kind]))).toEqual({
      update: 'overtaken',
      create: 'restored',
    });
    expect(kong.state().map(({ id }) => id)).toEqual(mode === 'database' ? [B] : []);
  });

  it.for([
    ['an update', (kong: Kong) => updating(kong.stored(A), renewed), A],
    ['a creation', () => creating(C, renewed, ['new.test']), C],
  ] as const)('of %s keeps an SNI that somebody else has added since', async ([, make, id]) => {
    const kong = await kongWith(mode, seeds);
    const written = writtenOf(await write(kong.gateway, [[make(kong), renewed]]));
    if (mode === 'database') {
      await send(kong.stand.adminUrl, 'POST', '/snis', { name: 'by-hand.test', certificate: { id } });
    } else {
      const { config } = (await (await fetch(`${kong.stand.adminUrl}/config`)).json()) as { config: string };
      const clean = config.replace(/^ {2}snis:.*\n(?: {2}- .*\n(?: {4}.*\n)*)*/gm, '');
      await send(kong.stand.adminUrl, 'POST', '/config', {
        config: `${clean.trimEnd()}\n- name: by-hand.test\n  certificate: ${id}\n`,
      });
    }
    await kong.gateway.restore(written);
    const names = kong.state().find((row) => row.id === id)?.names;
    expect(names).toEqual(id === A ? ['a.test', 'b.test', 'by-hand.test'] : ['by-hand.test']);
  });

  it('that Kong does not let through is said of each, and can be made again', async () => {
    const kong = await kongWith(mode, seeds);
    const before = kong.state();
    const written = writtenOf(
      await write(kong.gateway, [
        [updating(kong.stored(A), renewed), renewed],
        [updating(kong.stored(B), wide), wide],
      ]),
    );
    const free = kong.stand.inject({
      ...{ method: mode === 'database' ? 'PATCH' : 'POST', times: Infinity, status: 403 },
      body: { message: 'no' },
    });
    const failed = await kong.gateway.restore(written);
    expect(failed.map(({ kind }) => kind)).toEqual(['failed', 'failed']);
    free();
    await kong.gateway.restore(written);
    expect(kong.state()).toEqual(before);
  });
});

describe.each(MODES)('a removal on a Kong (%s)', (mode) => {
  it('takes certificates with their SNIs out, and those that are gone count as taken out', async () => {
    const kong = await kongWith(mode, seeds);
    await kong.gateway.remove(withNames(kong, A, C));
    expect(kong.state().map(({ id }) => id)).toEqual([B]);
    expect([...kong.gateway.certificates.stored.keys()]).toEqual([B]);
  });

  it('leaves a certificate that has another name by now', async () => {
    const kong = await kongWith(mode, seeds);
    expect(await kong.gateway.remove([{ id: A, snis: [] }, ...withNames(kong, B)])).toEqual([A]);
    expect(kong.state().map(({ id }) => id)).toEqual([A]);
  });

  it('leaves what a service shows as a client, and says so', async () => {
    const kong = await kongWith(mode, seeds);
    await refer(kong, mode, A);
    expect(await kong.gateway.remove(withNames(kong, A, B))).toEqual([A]);
    expect(kong.state().map(({ id }) => id)).toEqual([A]);
  });
});

const withNames = ({ gateway }: Kong, ...ids: readonly string[]) =>
  ids.map((id) => gateway.certificates.stored.get(id) ?? { id, snis: [] });

/** A service shows a certificate as a client. */
async function refer(kong: Kong, mode: (typeof MODES)[number], certificate: string): Promise<void> {
  const service = { name: 'billing', host: 'a.test', client_certificate: certificate };
  if (mode === 'database') {
    const body = { ...service, client_certificate: { id: certificate } };
    await send(kong.stand.adminUrl, 'POST', '/services', body);
    return;
  }
  const config = {
    ...{ _format_version: '3.0', services: [service] },
    certificates: seeds.map(({ id, issued, snis }) => ({
      ...{ id, ...pairOf(issued), snis: snis.map((name) => ({ name })) },
    })),
  };
  await send(kong.stand.adminUrl, 'POST', '/config', { config: JSON.stringify(config) });
}
