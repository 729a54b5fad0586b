import { describe, expect, it } from 'vitest';
import { refusal, type Change, type Nudger, type Refusal } from '../../../src/model';
import { Takeover, type TakeoverOptions } from '../../../src/pass/takeover';
import { bundle, NOW, stored } from '../../support/plans';

const GRACE_MS = 60_000;
const secret = { uid: 'K', namespace: 'web', name: 'www-tls' };

const change = (more: Partial<Change & { kind: 'update' }> = {}): Change => ({
  kind: 'update',
  bundle: bundle('www', { age: 5, secret }),
  certificate: stored('K', { owner: 'ingress_controller' }),
  half: 'main',
  isOfController: true,
  addSnis: [],
  ...more,
});

/** Judges a change at seconds after NOW. */
function takeover(
  options: Partial<TakeoverOptions> = {},
  answer: string | Refusal = 'annotated Ingress web/www',
) {
  const nudges: string[] = [];
  const nudger: Nudger = {
    nudge: ({ namespace, name }) => {
      nudges.push(`${namespace}/${name}`);
      return Promise.resolve(answer);
    },
  };
  const decisions = new Takeover({ mode: 'force', graceMs: GRACE_MS, nudger, ...options });
  const said: string[] = [];
  const at = async (seconds: number, what = change()) => {
    const decision = await decisions.decide(what, NOW + seconds * 1000, (detail) => said.push(detail));
    if (decision.kind === 'wait') return `wait until ${(decision.at - NOW) / 1000}`;
    return decision.kind === 'refuse' ? decision.why.reason : decision.kind;
  };
  return { at, nudges, said, decisions };
}

describe('a certificate that is not the ingress controller’s', () => {
  it('is written at once, in every mode', async () => {
    for (const mode of ['observe', 'nudge', 'force'] as const) {
      const { at } = takeover({ mode });
      expect(await at(0, change({ isOfController: false }))).toBe('write');
      expect(await at(0, { kind: 'create', bundle: bundle('www'), id: 'K', snis: [] })).toBe('write');
    }
  });
});

describe('a certificate of the ingress controller', () => {
  it('is left to it for the grace, and then written (force)', async () => {
    const { at, nudges } = takeover();
    expect(await at(0)).toBe('wait until 60');
    expect(await at(59)).toBe('wait until 60');
    expect(await at(60)).toBe('write');
    expect(nudges).toEqual([]);
  });

  it('is written at once where there is no grace', async () => {
    expect(await takeover({ graceMs: 0 }).at(0)).toBe('write');
  });

  it('is only reported after the grace (observe)', async () => {
    const { at, nudges } = takeover({ mode: 'observe' });
    expect(await at(0)).toBe('wait until 60');
    expect(await at(60)).toBe('managed_elsewhere');
    expect(nudges).toEqual([]);
  });

  it('has its controller nudged once, which gets its grace again (nudge)', async () => {
    const { at, nudges, said } = takeover({ mode: 'nudge' });
    expect(await at(0)).toBe('wait until 60');
    expect(await at(60)).toBe('wait until 120');
    expect(await at(100)).toBe('wait until 120');
    expect(await at(120)).toBe('managed_elsewhere');
    expect(nudges).toEqual(['web/www-tls']);
    expect(said).toEqual(['annotated Ingress web/www']);
  });

  it('is refused where there is nobody to nudge or no Secret to do it with', async () => {
    const nobody = takeover({ mode: 'nudge', nudger: null, graceMs: 0 });
    expect(await nobody.at(0)).toBe('managed_elsewhere');
    const { at, nudges } = takeover({ mode: 'nudge', graceMs: 0 });
    expect(await at(0, change({ bundle: bundle('www', { age: 5 }) }))).toBe('managed_elsewhere');
    expect(nudges).toEqual([]);
  });

  it('is refused with the reason why the nudge did not work, and nudged again later', async () => {
    const { at, nudges } = takeover({ mode: 'nudge', graceMs: 0 }, refusal('forbidden', 'may not patch'));
    expect(await at(0)).toBe('forbidden');
    expect(await at(10)).toBe('forbidden');
    expect(nudges).toHaveLength(2);
  });

  it('gets its whole grace anew for the next renewal', async () => {
    const { at } = takeover();
    await at(0);
    expect(await at(50, change({ bundle: bundle('www', { age: 1, secret }) }))).toBe('wait until 110');
  });

  it('gets its whole grace anew after it had taken the one before', async () => {
    const { at, decisions } = takeover();
    await at(0);
    decisions.keep([]);
    expect(await at(60)).toBe('wait until 120');
  });

  it('does not get more time where the clock is set back', async () => {
    const { at } = takeover();
    expect(await at(3_600)).toBe('wait until 3660');
    expect(await at(0)).toBe('wait until 60');
    expect(await at(60)).toBe('write');
  });

  it('counts the time that an earlier run saw', async () => {
    const saved: [string, number][] = [];
    const differences = {
      load: () => new Map([['K main', { chain: change().bundle.chain, since: NOW, nudgedAt: null }]]),
      save: (open: ReadonlyMap<string, { since: number }>) =>
        void saved.push(...[...open].map(([id, { since }]): [string, number] => [id, since])),
    };
    const { at, decisions } = takeover({ differences });
    expect(await at(61)).toBe('write');
    decisions.keep([change()]);
    expect(saved).toEqual([['K main', NOW]]);
  });

  it('keeps its time while the difference stands', async () => {
    const { at, decisions } = takeover();
    await at(0);
    decisions.keep([change()]);
    expect(await at(60)).toBe('write');
  });

  it('gets one grace for each of its twins, not one after the other', async () => {
    const { at } = takeover();
    const twin = change({ half: 'alt', bundle: bundle('rsa', { age: 5, keyType: 'rsa', secret }) });
    await at(0);
    await at(0, twin);
    expect(await at(60)).toBe('write');
    expect(await at(60, twin)).toBe('write');
  });
});
