import { describe, expect, it } from 'vitest';
import { HomeBook, type PlanInput } from '../../../src/plan';
import { bundle, checkPlan, ours, outline, plan, stored, tenant, type PlanCase } from '../../support/plans';

/** Knowledge about an ingress controller on this Kong. */
const beside = (more: Partial<NonNullable<PlanInput['controller']>> = {}) => ({
  more: {
    controller: { isThere: true, asked: null, keepsOthers: true, certificates: new Set<string>(), ...more },
  },
});
const asked = (...names: string[]) => new Map(names.map((name) => [name, 'shop/www']));

const www = tenant('shop/www', { create: true });
const explicit = tenant('shop/www', { create: true, createIsExplicit: true });
const file = bundle('www.crt', { create: true });
const insisting = bundle('www.crt', { create: true, createIsExplicit: true });
const star = bundle('default', { create: true, snis: ['*'] });

const cases: PlanCase[] = [
  { name: 'a Secret gets nothing', bundles: [www], options: beside(), unused: [www.id] },
  { name: 'a file gets nothing', bundles: [file], options: beside(), unused: [file.id] },
  { name: 'the default certificate is not promoted', bundles: [star], options: beside(), unused: [star.id] },
  {
    name: 'who says so in so many words gets what nothing asks for',
    bundles: [insisting],
    options: beside({ asked: new Map() }),
    changes: ['create www.crt for www.test'],
  },
  {
    name: 'who says so in so many words does not get what an Ingress asks for',
    bundles: [insisting],
    options: beside({ asked: asked('www.test') }),
    unused: [insisting.id],
  },
  {
    name: 'a Secret gets nothing where it is not known who asks for it',
    bundles: [explicit],
    options: beside(),
    unused: [explicit.id],
  },
  {
    name: 'nothing is made where every post of the controller would remove it',
    bundles: [insisting],
    options: beside({ asked: new Map(), keepsOthers: false }),
    unused: [insisting.id],
  },
  {
    name: 'a name of ours that an Ingress asks for goes to the certificate that the controller would make',
    bundles: [www],
    kong: [ours(www.id)],
    options: beside({ asked: asked('www.test') }),
    changes: [`create ${www.id} for  www.test from ${ours(www.id).id}`],
    inSync: { [www.id]: [ours(www.id).id] },
  },
  {
    name: 'a name of ours that nothing asks for stays',
    bundles: [www],
    kong: [ours(www.id)],
    options: beside({ asked: asked('other.test') }),
    inSync: { [www.id]: [ours(www.id).id] },
  },
];

describe('beside an ingress controller', () => {
  it.for(cases)('$name', (one) => checkPlan(one));

  it('a certificate of ours that has handed over its last name is removed', () => {
    const empty = ours(www.id, { snis: [] });
    const its = stored(www.secret?.uid ?? '', { owner: 'ingress_controller' });
    const made = plan([www], [empty, its], beside({ asked: asked('www.test') }));
    expect(outline(made).changes).toEqual([]);
    expect(made.obsolete.map(({ id }) => id)).toEqual([empty.id]);
  });

  it('a certificate that is not created is reported with the resource that should request it', () => {
    expect([...plan([www, star], [], beside()).notes.values()]).toEqual([
      expect.stringMatching(/www\.test .*; refer to Secret shop\/www in an Ingress or Gateway$/),
      expect.stringMatching(
        /\* .*; put it into a Secret that a Gateway listener without a hostname refers to$/,
      ),
    ]);
  });

  it('a certificate of ours that may block the controller is named where nobody can see who asks for its names', () => {
    const noted = (bundle: typeof www, more: Parameters<typeof beside>[0] = {}) =>
      plan([bundle], [ours(bundle.id)], beside(more)).notes.get(bundle.id);
    expect(noted(www)).toMatch(/holds www\.test: .* needs list and watch on ingresses/);
    expect(noted(www, { asked: new Map() }), 'it can be seen that nothing does').toBeUndefined();
    expect(noted(www, { keepsOthers: false }), 'without a database nothing blocks').toBeUndefined();
    expect(noted(file), 'no right would help').toBeUndefined();
  });

  it('a certificate that a restarted controller stripped of its SNIs gets back those that nobody else has', () => {
    const names = ['www.test', 'also.test', 'given.test', 'gone.test'];
    const secret = tenant('shop/www', { names: names.slice(0, 3) });
    const homes = new HomeBook();
    homes.note([{ certificate: stored('before', { names }), half: 'main', places: [secret.id] }]);
    const outcome = (
      id: string,
      more: Parameters<typeof beside>[0] = {},
      facts: Parameters<typeof stored>[1] = {},
    ) => {
      const its = {
        owner: 'ingress_controller',
        secret: 'shop/www',
        names: names.slice(0, 3),
        snis: [],
      } as const;
      const kong = [stored(id, { ...its, ...facts }), stored('other', { names: ['given.test'] })];
      const { more: input } = beside({ keepsOthers: false, ...more });
      return plan([secret], kong, { more: { ...input, homes } }).changes;
    };
    const addSnis = ['www.test', 'also.test'];
    expect(outcome('new')).toMatchObject([{ kind: 'update', isOfController: true, addSnis }]);
    expect(outcome('new', {}, { age: 50 }), 'together with a renewal').toMatchObject([{ addSnis }]);
    expect(outcome(secret.secret?.uid ?? ''), 'it is as the controller makes it').toEqual([]);
    expect(outcome('new', {}, { clients: ['service'] }), 'it is for clients').toEqual([]);
    expect(outcome('new', { keepsOthers: true }), 'a name of ours could block the controller').toEqual([]);
  });
});
