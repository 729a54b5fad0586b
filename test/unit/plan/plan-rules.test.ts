import { describe, expect, it, test } from 'vitest';
import type { CertificateInfo, SourcedBundle, StoredCertificate } from '../../../src/model';
import type { Evidence } from '../../../src/plan';
import { HomeBook } from '../../../src/plan';
import { bundle, half, leafOf, NOW, ours, outline, plan, stored, tenant } from '../../support/plans';

/* Each rule of docs/decisions/0100-homes.md at its edge: what lies on either side of it. */

const DAY_MS = 86_400_000;
const days = (count: number) => NOW + count * DAY_MS;
const newer = { age: 5 };
const known = (isTrusted?: boolean, isSameIssuer?: boolean): { evidence: Evidence } => ({
  evidence: { isTrusted: () => isTrusted, isSameIssuer: () => isSameIssuer },
});
const result = (...args: Parameters<typeof plan>) => {
  const { changes, refused } = outline(plan(...args));
  return { changes, refused };
};
const taken = { changes: ['K main <- new'], refused: {} };
const refusedAs = (reason: string) => ({ changes: [], refused: { new: reason } });

describe('older is what is valid neither later from nor longer until', () => {
  const valid = (from: number, until: number): CertificateInfo => ({
    ...leafOf({}),
    fingerprint: `${from} to ${until}`,
    notBefore: days(from),
    notAfter: days(until),
  });
  test.for<[from: number, until: number, isTaken: boolean]>([
    [-20, 40, false],
    [-20, 60, false],
    [-10, 40, false],
    [-10, 60, true],
    [-20, 90, true],
    [-5, 40, true],
    [-5, 90, true],
  ])('valid from %i to %i, against one from -10 to 60', ([from, until, isTaken]) => {
    const kong = [stored('K', { main: half({ leaf: valid(-10, 60), content: 'k', chain: 'k' }) })];
    const fresh = bundle('new', {
      leaf: { ...valid(from, until), serial: '02', fingerprint: 'new' },
      content: 'n',
      chain: 'n',
    });
    expect(result([fresh], kong)).toEqual(isTaken ? taken : refusedAs('older_than_stored'));
    expect(result([fresh], kong, { allowDowngrade: true })).toEqual(taken);
    // A certificate that has expired, counted one minute early, protects nothing.
    expect(
      result([fresh], kong, { now: Math.min(days(60) - 60_000, fresh.leaf.notAfter - 120_000) }).changes,
    ).toEqual(isTaken || until > 60 ? taken.changes : []);
  });

  it('is decided anew when what Kong has ends', () => {
    const kong = [stored('K', { main: half({ leaf: valid(-10, 60), content: 'k', chain: 'k' }) })];
    const old = bundle('new', { leaf: valid(-20, 60), content: 'n', chain: 'n' });
    expect(plan([old], kong).dueAt).toBe(days(60) - 60_000);
  });
});

describe("a host's own certificate against a wildcard of another issuer", () => {
  const kong = [stored('K', { age: 10, issuer: 'Bought' })];
  const wildcard = bundle('new', { ...newer, names: ['*.test'] });
  test.for<[day: number, isTaken: boolean]>([
    [0, false],
    [49.9, false],
    [50.1, true],
  ])('on day %f of the 50 until its renewal is due', ([day, isTaken]) => {
    const made = plan([wildcard], kong, { now: days(day) });
    expect(outline(made).changes).toEqual(isTaken ? taken.changes : []);
    expect(made.notes.has('new')).toBe(!isTaken);
    if (!isTaken) expect(made.dueAt).toBe(days(50));
  });

  it('of the same issuer does not keep it out', () => {
    expect(result([wildcard], [stored('K', { age: 10 })])).toEqual(taken);
  });
});

describe('without a home', () => {
  const ofTenant = (facts = {}) => ({ ...tenant('web/new', { ...newer, ...facts }), id: 'new' });
  test.for<[what: string, fresh: SourcedBundle, kong: StoredCertificate, evidence: object, expected: object]>(
    [
      [
        'the operator’s own bundle of another issuer',
        bundle('new', { ...newer, issuer: 'Other' }),
        stored('K'),
        known(false, false),
        taken,
      ],
      [
        'a self-signed one in the place of a CA’s',
        bundle('new', { ...newer, issuer: 'self' }),
        stored('K'),
        {},
        refusedAs('issuer_changed'),
      ],
      [
        'a self-signed one after a self-signed one',
        bundle('new', { ...newer, issuer: 'self' }),
        stored('K', { issuer: 'self' }),
        {},
        taken,
      ],
      ['a CA’s after a self-signed one', bundle('new', newer), stored('K', { issuer: 'self' }), {}, taken],
      [
        'a tenant’s that nothing vouches for',
        ofTenant(),
        stored('K'),
        known(false, false),
        refusedAs('issuer_changed'),
      ],
      ['a tenant’s that leads to a trusted root', ofTenant(), stored('K'), known(true, false), taken],
      ['a tenant’s of the same issuer', ofTenant(), stored('K'), known(false, true), taken],
      [
        'a tenant’s of which nothing is known yet',
        ofTenant(),
        stored('K'),
        known(undefined, undefined),
        { changes: [], refused: {} },
      ],
      [
        'a client’s of another issuer, the operator’s',
        bundle('new', newer),
        stored('K', { clients: ['svc'] }),
        known(true, false),
        refusedAs('issuer_changed'),
      ],
      [
        'a client’s of the same issuer',
        bundle('new', newer),
        stored('K', { clients: ['svc'] }),
        known(false, true),
        taken,
      ],
    ],
  )('%s', ([, fresh, kong, evidence, expected]) => {
    expect(result([fresh], [kong], { more: evidence })).toEqual(expected);
  });

  it('an unknown fact is raised as a question', () => {
    const { questions } = plan([ofTenant()], [stored('K')], { more: known(undefined, undefined) });
    expect(questions.map(({ kind }) => kind).sort()).toEqual(['same_issuer', 'trusted']);
  });

  it('the older Secret of two tenants gets a name, whatever the dates of their leaves', () => {
    const first = tenant('z/first', { createdAt: 50, age: 40, create: true });
    const second = tenant('b/second', { createdAt: 40, ...newer, create: true });
    const { changes } = outline(plan([second, first], [], { more: known(false, false) }));
    expect(changes).toEqual(['create kubernetes#z/first for www.test']);
  });
});

describe('with a home', () => {
  const home = tenant('a/home', { age: 30 });
  const rival = tenant('b/rival', newer);
  const kong = [stored('K', { age: 30 })];

  it('that the operator took over is not taken back by the tenant whom it was made for, unless a CA vouches for that one', () => {
    const evil = tenant('evil/z', { age: 3, issuer: 'self', create: true });
    const kong = [ours(evil.id, newer)];
    const made = (isTrusted?: boolean) =>
      outline(
        plan([bundle('a', newer), evil], kong, {
          more: { evidence: { isTrusted: () => isTrusted, isSameIssuer: () => false } },
        }),
      );
    const stays = { changes: [], inSync: { a: [kong[0]?.id] }, refused: { [evil.id]: 'name_of_another' } };
    expect(made(false)).toMatchObject(stays);
    expect(made()).toMatchObject(stays);
    expect(made(true).changes).toEqual([`${kong[0]?.id ?? ''} main <- ${evil.id}`]);
  });

  it('nobody else renews it', () => {
    expect(outline(plan([home, rival], kong, { more: known(false, false) }))).toMatchObject({
      changes: [],
      refused: { 'kubernetes#b/rival': 'name_of_another' },
      inSync: { 'kubernetes#a/home': ['K'] },
    });
  });

  it('that is broken holds the name as long as what Kong has is valid', () => {
    const more = known(false, true);
    const options = { broken: [home], more };
    expect(outline(plan([rival], kong, options)).changes).toEqual([]);
    expect(outline(plan([rival], kong, { ...options, now: days(60) })).changes).toEqual([
      'K main <- kubernetes#b/rival',
    ]);
  });

  it('that is gone leaves it to whoever goes on where it left off', () => {
    expect(outline(plan([rival], kong, { more: known(false, true) })).changes).toEqual([
      'K main <- kubernetes#b/rival',
    ]);
  });

  it('is remembered where Kong has something else of it, and only of what was seen there', () => {
    const homes = new HomeBook();
    homes.note([{ certificate: kong[0] as StoredCertificate, half: 'main', places: ['kubernetes#a/home'] }]);
    const renewed = tenant('a/home', { age: 20, issuer: 'Other' });
    const more = { ...known(false, false), homes };
    expect(outline(plan([renewed], kong, { more })).changes).toEqual(['K main <- kubernetes#a/home']);
    // Another writer made a certificate of that name by hand.
    const byHand = [stored('K', { age: 25, issuer: 'Hand' })];
    expect(outline(plan([renewed], byHand, { more })).changes).toEqual([]);
  });

  it('a file of another name in the same source of the operator’s goes on; one in another source waits until it is late', () => {
    const first = bundle('first', { age: 30, order: 0 });
    const next = (order: number) => bundle('new', { ...newer, order });
    const made = (order: number, now: number) =>
      outline(plan([first, next(order)], kong, { now, more: known(false, true) })).changes;
    expect(made(0, NOW)).toEqual(taken.changes);
    expect(made(1, NOW)).toEqual([]);
    expect(made(1, days(44.9))).toEqual([]);
    expect(made(1, days(45.1))).toEqual(taken.changes);
  });
});

describe('a certificate that a service shows to its upstream', () => {
  const forServers = (facts: object) => ({ ...leafOf(newer), isForClients: false, ...facts });
  it.for<[isForClients: boolean, expected: object]>([
    [true, refusedAs('loses_client_auth')],
    [false, taken],
  ])('for clients: %s', ([isForClients, expected]) => {
    const main = half({ leaf: { ...leafOf({}), isForClients } });
    const kong = [stored('K', { clients: ['svc'], main })];
    const fresh = bundle('new', { ...newer, leaf: forServers({}) });
    expect(result([fresh], kong, { more: known(false, true) })).toEqual(expected);
  });
});

describe('a leaf without the chain that Kong has', () => {
  const reach = (issuers: string[]) => ({ issuers, certificates: [], hasRoot: false, isPublished: false });
  const kong = (issuers: string[]) => [stored('K', { main: half({ reach: reach(issuers) }) })];
  test.for<[what: string, openEnd: string | undefined, has: string[], expected: object]>([
    ['is refused', 'One', ['One', 'Root'], refusedAs('chain_incomplete')],
    ['is taken where its end is known', undefined, ['One', 'Root'], taken],
    ['is taken where Kong has no more', 'One', ['One'], taken],
    ['is taken where Kong has the chain of somebody else', 'One', ['Two', 'Root'], taken],
  ])('%s', ([, openEnd, has, expected]) => {
    const fresh = bundle('new', {
      ...newer,
      reach: reach(['One']),
      ...(openEnd === undefined ? {} : { openEnd }),
    });
    expect(result([fresh], kong(has))).toEqual(expected);
  });

  it('is refused after a change of the CA where it tells the address of its issuer: that is no root', () => {
    const chain = { ...reach(['Two', 'Root']), certificates: [new Uint8Array(1)] };
    const certificates = [stored('K', { main: half({ reach: chain }) })];
    const bare = { ...newer, openEnd: 'One', reach: { ...reach(['One']), isPublished: true } };
    expect(result([bundle('new', bare)], certificates)).toEqual(refusedAs('chain_incomplete'));
    const whole = { ...bare, reach: { ...bare.reach, certificates: [new Uint8Array(2)] } };
    expect(result([bundle('new', whole)], certificates)).toEqual(taken);
  });
});

describe('a certificate that no client is meant to trust', () => {
  const reach = (...issuers: string[]) => ({ issuers, certificates: [], hasRoot: false, isPublished: false });
  const known = { isRoot: (name: string) => name === 'Known Root' };
  const kong = stored('K', { main: half({ reach: reach('CA', 'Known Root') }) });
  const staging = bundle('new', { ...newer, reach: reach('(STAGING) CA', '(STAGING) Root') });

  it('does not replace one that clients trust, not even at its home, until that ends', () => {
    const homes = new HomeBook();
    homes.note([{ certificate: kong, half: 'main', places: ['new'] }]);
    for (const more of [known, { ...known, homes }]) {
      for (const fresh of [
        staging,
        bundle('new', { ...newer, reach: reach('cert-manager.local') }),
        // Without a home, one that signed itself never replaces one of a CA.
        ...('homes' in more ? [bundle('new', { ...newer, issuer: 'self', reach: reach() })] : []),
      ]) {
        const made = plan([fresh], [kong], { more });
        expect(outline(made)).toMatchObject(refusedAs('issuer_changed'));
        expect(made.dueAt).toBe(days(80) - 60_000);
        expect(result([fresh], [kong], { more, now: days(80) })).toEqual(taken);
      }
    }
  });

  it("gets its names from a tenant's, which may call its CA as it likes, also when that is gone", () => {
    const evil = tenant('evil/a', { age: 10, create: true, reach: kong.main.reach });
    const mine = ours(evil.id, { main: kong.main });
    const homes = new HomeBook();
    homes.note([{ certificate: mine, half: 'main', places: [evil.id] }]);
    const fresh = { ...staging, create: true };
    for (const bundles of [[fresh, evil], [fresh]]) {
      const more = { ...known, homes, evidence: { isTrusted: () => false, isSameIssuer: () => false } };
      expect(outline(plan(bundles, [mine], { more })).changes).toEqual([
        `create new for  www.test from ${mine.id}`,
      ]);
    }
  });

  const company = bundle('new', { ...newer, reach: reach('Company CA', 'Company Root') });
  test.for<[where: string, fresh: SourcedBundle, kong: StoredCertificate, more: object]>([
    [
      'the one in Kong leads to no known root either',
      staging,
      stored('K', { main: half({ reach: reach('Ours') }) }),
      {},
    ],
    ['clients know its root', staging, kong, { isRoot: () => true }],
    ['services show it to upstreams, which have roots of their own', staging, { ...kong, snis: [] }, {}],
    ['the operator allows a downgrade', staging, kong, { allowDowngrade: true }],
    ['it is from a CA of the company, or from a new one', company, kong, {}],
  ])('replaces it where %s', ([, fresh, one, more]) => {
    expect(result([fresh], [one], { more: { ...known, ...more } })).toEqual(taken);
  });
});

describe('a renewal that lost a name', () => {
  const names = ['a.test', 'b.test'];
  it('is refused where somebody else made the certificate', () => {
    const fresh = bundle('new', { ...newer, names: ['a.test'] });
    expect(result([fresh], [stored('K', { names })])).toEqual(refusedAs('names_not_covered'));
  });

  it('is refused there as soon as that is due, although another certificate has or gets it', () => {
    const fresh = bundle('new', { ...newer, names: ['a.test', 'c.test'], create: true });
    const other = stored('O', { ...newer, names: ['a.test', 'c.test'], snis: ['c.test'] });
    const refused = { new: 'names_not_covered' };
    const kong = stored('K', { names, age: 60 });
    expect(outline(plan([fresh], [kong]))).toMatchObject({ changes: ['create new for c.test'], refused });
    expect(outline(plan([fresh], [kong, other]))).toMatchObject({ inSync: { new: ['O'] }, refused });
    const early = plan([fresh], [stored('K', { names, age: 30 }), other]);
    expect(outline(early)).toMatchObject({ refused: {} });
    expect(early.dueAt).toBe(days(30));
    // Of another certificate it is too early to say.
    const wide = bundle('new', { ...newer, names: ['e.test', 'a.test', 'c.test'] });
    const { meant } = plan([wide], [stored('Y', { names: ['d.test', 'e.test'] }), kong, other]);
    expect(meant.get('new')).toEqual([{ certificate: 'K', half: 'main' }]);
    // Another bundle renews it.
    const whole = bundle('whole', { age: 3, names });
    expect(outline(plan([fresh, whole], [kong]))).toMatchObject({ refused: {} });
  });

  describe('once the certificate that somebody else made has expired', () => {
    const of = (...hosts: string[]) => bundle('new', { ...newer, names: hosts, create: true });
    const kong = stored('K', { names, age: 60 });
    const ended = { now: days(30) };
    const reference = half({ leaf: null, content: '', chain: '', vaultReference: true });
    const controller = { isThere: true, asked: null, keepsOthers: true, certificates: new Set() };

    it('has the names that it covers, each in a certificate of its own', () => {
      const before = plan([of('a.test')], [kong], { now: days(29) });
      expect(outline(before)).toMatchObject({ changes: [], refused: { new: 'names_not_covered' } });
      expect(before.dueAt).toBe(days(30) - 60_000);
      const other = bundle('other', { ...newer, names: ['b.test', 'c.test'], create: true });
      expect(outline(plan([of('a.test'), other], [kong], ended))).toMatchObject({
        changes: ['create new for  a.test from K', 'create other for c.test b.test from K'],
        refused: {},
      });
    });

    it('has them also where a certificate of another writer has the bundle', () => {
      const fresh = of('a.test', 'c.test');
      const other = stored('O', { ...newer, names: ['a.test', 'c.test'], snis: ['c.test'] });
      const before = plan([fresh], [kong, other], { now: days(29) });
      expect(outline(before)).toMatchObject({ changes: [], refused: { new: 'names_not_covered' } });
      expect(before.dueAt).toBe(days(30) - 60_000);
      const { changes } = plan([fresh], [kong, other], ended);
      // They move only while that is still the certificate that has ended.
      expect(changes.map(({ moveSnis }) => moveSnis)).toEqual([
        [{ name: 'a.test', from: 'K', ended: kong.main.chain }],
      ]);
    });

    test.for<[where: string, fresh: SourcedBundle, kong: StoredCertificate, more: object]>([
      [
        'its other half is valid',
        of('a.test'),
        { ...kong, alt: half({ names, age: 20, keyType: 'rsa' }) },
        {},
      ],
      ['it is a vault reference', of('a.test'), { ...kong, main: reference }, {}],
      ['its source creates nothing', bundle('new', { ...newer, names: ['a.test'] }), kong, {}],
      ['the ingress controller owns it', of('a.test'), { ...kong, owner: 'ingress_controller' }, {}],
      ['an ingress controller is on this Kong', of('a.test'), kong, { controller }],
      [
        'nothing vouches for a tenant',
        tenant('evil/a', { ...newer, names: ['a.test'], create: true }),
        kong,
        known(false, false),
      ],
    ])('has none where %s', ([, fresh, one, more]) => {
      expect(outline(plan([fresh], [one], { ...ended, more })).changes).toEqual([]);
    });
  });

  it('leaves the name in a certificate of its own where it is ours, until that ends', () => {
    const fresh = bundle('new', { ...newer, names: ['a.test'], create: true });
    const made = plan([fresh], [ours('new', { names })]);
    expect(outline(made).changes).toEqual([expect.stringMatching(/ main <- new -b\.test$/)]);
    const kept = stored('P', { names, snis: ['b.test'], owner: 'us', isPrevious: true });
    expect(plan([fresh], [kept]).obsolete).toEqual([]);
    expect(plan([fresh], [{ ...kept, snis: [] }]).obsolete).toMatchObject([{ id: 'P' }]);
    expect(plan([fresh], [kept], { now: days(80) }).obsolete).toMatchObject([{ id: 'P' }]);
    expect(plan([fresh], [{ ...kept, clients: ['svc'] }], { now: days(80) }).obsolete).toEqual([]);
  });
});

it('a bundle that is not valid yet is planned for its time', () => {
  const later = bundle('new', { age: -3 });
  const made = plan([later], [stored('K')]);
  expect(outline(made)).toMatchObject({ changes: [], refused: { new: 'not_yet_valid' } });
  expect(made.dueAt).toBe(days(3));
  expect(result([later], [stored('K')], { now: days(3) })).toEqual(taken);
});

describe('a certificate of ours without a name', () => {
  const names = ['a.test'];
  const fresh = bundle('new', { ...newer, names, create: true });
  const empty = (facts: Parameters<typeof stored>[1] = {}) => ours('new', { names, snis: [], ...facts });
  const other = stored('K', { names });
  const obsolete = (...args: Parameters<typeof plan>) => plan(...args).obsolete.map(({ id }) => id);

  it('is removed, also where its bundle is there and has no name to give it', () => {
    expect(obsolete([], [empty()])).toEqual([empty().id]);
    const made = plan([fresh], [empty(), other]);
    expect(made.obsolete.map(({ id }) => id)).toEqual([empty().id]);
    // It is not renewed before that.
    expect(outline(made).changes).toEqual(['K main <- new']);
  });

  it('stays where it gains a name, where a service shows it, and where it is not ours', () => {
    const made = plan([fresh], [empty()]);
    expect(made.obsolete).toEqual([]);
    expect(outline(made).changes).toEqual([`${empty().id} main <- new +a.test`]);
    expect(obsolete([], [empty({ clients: ['svc'] })])).toEqual([]);
    expect(obsolete([], [stored('K', { names, snis: [] })])).toEqual([]);
  });

  it('is not renewed by a bundle of the names of its leaf, which gets a certificate of its own', () => {
    const made = plan([fresh], [stored('E', { names, snis: [], owner: 'us' })]);
    expect(outline(made).changes).toEqual(['create new for a.test']);
    expect(made.obsolete).toMatchObject([{ id: 'E' }]);
  });
});

it('a name that an earlier change splits off moves on from where that puts it', () => {
  const [one, two] = [
    bundle('one', { ...newer, names: ['b.test'], create: true }),
    bundle('two', { ...newer, names: ['a.test'], create: true }),
  ];
  const kong = [ours('one', { names: ['a.test'] }), ours('two', { names: ['b.test'] })];
  const { changes } = plan([one, two], kong);
  const [first, second] = changes;
  expect(changes).toHaveLength(2);
  const split = first?.kind === 'update' ? first.split : undefined;
  expect(split?.snis).toEqual(['a.test']);
  expect(first?.moveSnis).toEqual([{ name: 'b.test', from: kong[1]?.id }]);
  expect(second?.moveSnis).toEqual([{ name: 'a.test', from: split?.id }]);
});

describe('a name that several tenants want, and nobody has', () => {
  const older = tenant('a/older', { createdAt: 50, age: 40, create: true });
  const younger = tenant('b/younger', { createdAt: 40, ...newer, create: true });

  it('waits as long as it is not known who is vouched for', () => {
    const made = plan([older, younger], [], { more: known(undefined, undefined) });
    expect(outline(made).changes).toEqual([]);
    expect(made.questions.map(({ kind }) => kind)).toEqual(['trusted', 'trusted']);
  });

  it('goes to the one that is vouched for', () => {
    const evidence = { isTrusted: ({ id }: SourcedBundle) => id === younger.id, isSameIssuer: () => false };
    const { changes } = outline(plan([older, younger], [], { more: { evidence } }));
    expect(changes).toEqual(['create kubernetes#b/younger for www.test']);
  });

  it('goes to the one that had it, after Kong was emptied', () => {
    const homes = new HomeBook();
    homes.note([{ certificate: stored('K', newer), half: 'main', places: [younger.id] }]);
    const { changes } = outline(plan([older, younger], [], { more: { ...known(false, false), homes } }));
    expect(changes).toEqual(['create kubernetes#b/younger for www.test']);
  });
});

it('a later bundle is not chosen over one whose signature is not checked yet', () => {
  const first = tenant('a/first', { createdAt: 50, ...newer });
  const second = tenant('b/second', { createdAt: 40, ...newer, chain: 'other', content: 'other' });
  const evidence = {
    isTrusted: ({ id }: SourcedBundle) => (id === second.id ? true : undefined),
    isSameIssuer: () => undefined,
  };
  expect(outline(plan([first, second], [stored('K')], { more: { evidence } })).changes).toEqual([]);
});

describe('a home', () => {
  const remembered = (certificate: StoredCertificate) => {
    const homes = new HomeBook();
    homes.note([{ certificate, half: 'main', places: ['new'] }]);
    return { homes };
  };

  it('whose renewal lost a name is refused where somebody else made the certificate', () => {
    const kong = stored('K', { names: ['a.test', 'b.test'] });
    const fresh = bundle('new', { ...newer, names: ['a.test'] });
    const made = plan([fresh], [kong], { more: remembered(kong) });
    expect(outline(made)).toMatchObject({ changes: [], refused: { new: 'names_not_covered' } });
    expect(made.dueAt).toBe(kong.main.leaf === null ? 0 : kong.main.leaf.notAfter - 60_000);
  });

  it('that went back to an older leaf is taken when what Kong has ends', () => {
    const kong = stored('K', { age: 10 });
    const made = plan([bundle('new', { age: 30 })], [kong], { more: remembered(kong) });
    expect(outline(made)).toMatchObject({ changes: [], refused: { new: 'older_than_stored' } });
    expect(made.dueAt).toBe(days(80) - 60_000);
  });
});
