import { describe, expect, it, test } from 'vitest';
import { deterministicId, refusal } from '../../../src/model';
import { SETTLE_MS } from '../../../src/pass/findings';
import { issue } from '../../support/bundles';
import { eventsOf, passing } from '../../support/stages';

const days = (count: number) => new Date(Date.now() - count * 86_400_000);
const old = issue({ notBefore: days(30) });
const middle = issue({ notBefore: days(5) });
const fresh = issue({ notBefore: days(1) });

function renewed(options: Parameters<typeof passing>[0] = {}) {
  const stages = passing(options);
  stages.gateway.put('K', old);
  stages.source.put('www', fresh);
  return stages;
}

describe('a certificate that Kong does not serve though it was written', () => {
  it('is rolled back, and not tried again as it is', async () => {
    const { runner, gateway, verifier } = renewed();
    verifier.verdict = 'wrong';
    const report = await runner.pass('start');
    expect(eventsOf(report)).toEqual(['www: rolled back', 'www: refused as not_served']);
    expect(gateway.entities.get('K')).toMatchObject({ cert: old.chain, key: old.key });
    for (let poll = 0; poll < 3; poll++) expect(eventsOf(await runner.pass('poll'))).toEqual([]);
    expect(gateway.writes).toEqual(['K', 'restore K']);
  });

  it('is tried again when it was renewed once more', async () => {
    const { runner, source, verifier } = renewed();
    verifier.verdict = 'wrong';
    await runner.pass('start');
    verifier.verdict = 'served';
    source.put('www', issue({ notBefore: days(0.5) }));
    expect(eventsOf(await runner.pass('watch'))).toEqual(['www: swapped (served)']);
  });

  test.for(['trigger', 'command'] as const)(
    'is tried again when somebody asks for it (%s)',
    async (cause) => {
      const { runner, source, gateway, verifier } = renewed();
      verifier.verdict = 'wrong';
      await runner.pass('start');
      verifier.verdict = 'served';
      source.put('www', fresh);
      expect(eventsOf(await runner.pass(cause))).toEqual(['www: swapped (served)']);
      expect(gateway.entities.get('K')?.cert).toBe(fresh.chain);
    },
  );

  it('is tried again when somebody asks for it though no file and nothing in Kong changed', async () => {
    const { runner, verifier } = renewed();
    verifier.verdict = 'wrong';
    await runner.pass('start');
    verifier.verdict = 'served';
    expect(eventsOf(await runner.pass('trigger'))).toEqual(['www: swapped (served)']);
  });

  it('gives way to the next best bundle', async () => {
    const { runner, source, gateway, verifier } = renewed();
    source.put('second', middle);
    let proofs = 0;
    verifier.verdict = () => (proofs++ === 0 ? 'wrong' : 'served');
    expect(eventsOf(await runner.pass('start'))).toEqual([
      'www: rolled back',
      'second: swapped (served)',
      'www: refused as not_served',
    ]);
    expect(gateway.entities.get('K')?.cert).toBe(middle.chain);
  });

  it('is removed again where it was created', async () => {
    const { runner, source, gateway, verifier } = passing({ create: true });
    source.put('www', fresh);
    verifier.verdict = 'wrong';
    expect(eventsOf(await runner.pass('start'))).toEqual(['www: rolled back', 'www: refused as not_served']);
    expect(gateway.entities.size).toBe(0);
    expect(gateway.writes).toEqual([
      deterministicId('certificate', 'memory#www'),
      `restore ${deterministicId('certificate', 'memory#www')}`,
    ]);
  });

  it('stays where rollback is off, and the report says that it is wrong', async () => {
    const { runner, gateway, verifier } = renewed({ rollback: false });
    verifier.verdict = 'wrong';
    expect(eventsOf(await runner.pass('start'))).toEqual(['www: swapped (wrong)']);
    expect(gateway.entities.get('K')?.cert).toBe(fresh.chain);
  });

  it('stays where nobody could be asked: that says nothing about it', async () => {
    const { runner, gateway, verifier } = renewed();
    verifier.verdict = 'unreachable';
    expect(eventsOf(await runner.pass('start'))).toEqual(['www: swapped (unreachable)']);
    expect(gateway.entities.get('K')?.cert).toBe(fresh.chain);
    expect(eventsOf(await runner.pass('poll'))).toEqual([]);
  });

  it('because somebody else wrote to Kong meanwhile is written again and not refused', async () => {
    const { runner, gateway, verifier } = renewed();
    verifier.verdict = 'overwritten';
    const report = await runner.pass('start');
    expect(eventsOf(report)).toEqual(['www: failed: it is overwritten']);
    expect(report.unfinished).toBe('failed');
    gateway.put('K', old);
    verifier.verdict = 'served';
    expect(eventsOf(await runner.pass('retry'))).toEqual(['www: swapped (served)']);
  });

  it('is waited for only as long as Kong stores it', async () => {
    const { runner, gateway, verifier } = renewed();
    await runner.pass('start');
    const [asked] = verifier.asked;
    expect(await asked?.isStored()).toBe(true);
    gateway.put('K', old);
    expect(await asked?.isStored()).toBe(false);
    gateway.entities.delete('K');
    expect(await asked?.isStored()).toBe(false);
    gateway.certificates.readOne = () => Promise.reject(new Error('Kong is away'));
    expect(await asked?.isStored()).toBeNull();
  });

  it('is reported where it could not be rolled back', async () => {
    const { runner, gateway, verifier } = renewed();
    verifier.verdict = 'wrong';
    gateway.restoreError = new Error('Kong is away');
    const report = await runner.pass('start');
    expect(eventsOf(report)[0]).toBe('www: not put back');
    expect(report.events[0]?.outcome).toMatchObject({ kind: 'rolled_back', restored: false });
    expect(report.unfinished).toBe('failed');
  });

  it('is rolled back as soon as that works', async () => {
    const { runner, gateway, verifier } = renewed();
    verifier.verdict = 'wrong';
    gateway.restoreError = new Error('Kong is away');
    await runner.pass('start');
    const second = await runner.pass('retry');
    expect(eventsOf(second)).toEqual(['www: failed: the previous one could not be restored: Kong is away']);
    expect(second.unfinished).toBe('failed');
    gateway.restoreError = null;
    expect(eventsOf(await runner.pass('retry'))).toEqual(['www: rolled back', 'www: refused as not_served']);
    expect(gateway.entities.get('K')).toMatchObject({ cert: old.chain, key: old.key });
    const { unfinished, events } = await runner.pass('poll');
    expect({ unfinished, events }).toEqual({ unfinished: 'no', events: [] });
  });

  it('is not rolled back any more where another writer has replaced it', async () => {
    const { runner, gateway, verifier } = renewed();
    verifier.verdict = 'wrong';
    gateway.restoreError = new Error('Kong is away');
    await runner.pass('start');
    gateway.restoreError = null;
    gateway.put('K', middle);
    await runner.pass('retry');
    expect(gateway.entities.get('K')?.cert).toBe(middle.chain);
    expect(gateway.writes).toEqual(['K']);
  });

  it.for([
    ['has expired', { notBefore: days(90), notAfter: days(1) }],
    ['is not valid yet', { notBefore: days(-1) }],
  ] as const)(
    'stays where the previous one %s: nothing is rolled back to something worse',
    async ([why, dates]) => {
      const { runner, source, gateway, verifier } = passing({ allowDowngrade: true });
      gateway.put('K', issue(dates));
      source.put('www', fresh);
      verifier.verdict = 'wrong';
      const { events } = await runner.pass('start');
      expect(events.map(({ outcome }) => outcome)).toMatchObject([
        {
          kind: 'swapped',
          proof: { verdict: 'wrong', detail: expect.stringContaining(`the previous one ${why}`) as string },
        },
      ]);
      expect(gateway.entities.get('K')?.cert).toBe(fresh.chain);
      expect(eventsOf(await runner.pass('poll'))).toEqual([]);
    },
  );

  it('stays where something else answered for its names before the write as well', async () => {
    const { runner, gateway, verifier } = renewed();
    verifier.verdict = 'another';
    expect(eventsOf(await runner.pass('start'))).toEqual(['www: swapped (another)']);
    expect(gateway.entities.get('K')?.cert).toBe(fresh.chain);
    expect(gateway.writes).toEqual(['K']);
  });

  it('does not pull the good ones of the same batch down with it', async () => {
    const { runner, source, gateway, verifier } = renewed();
    const api = issue({ names: ['api.example.test'] });
    gateway.put('A', issue({ names: ['api.example.test'], notBefore: days(30) }), {
      snis: ['api.example.test'],
    });
    source.put('api', api);
    verifier.verdict = ({ snis }) => (snis.includes('www.example.test') ? 'wrong' : 'served');
    expect(eventsOf(await runner.pass('start')).sort()).toEqual([
      'api: swapped (served)',
      'www: refused as not_served',
      'www: rolled back',
    ]);
    expect(gateway.entities.get('A')?.cert).toBe(api.chain);
    expect(gateway.entities.get('K')?.cert).toBe(old.chain);
  });
});

describe('a write that fails', () => {
  it('is reported and tried again at the next pass', async () => {
    const { runner, gateway } = renewed();
    gateway.outcomes.set('K', new Error('no answer'));
    const report = await runner.pass('start');
    expect(eventsOf(report)).toEqual(['www: failed: no answer']);
    expect(report.unfinished).toBe('failed');
    gateway.outcomes.clear();
    expect(eventsOf(await runner.pass('retry'))).toEqual(['www: swapped (served)']);
    expect(await runner.pass('poll')).toMatchObject({ events: [], unfinished: 'no' });
  });

  it('is not tried twice in one pass', async () => {
    const { runner, source, gateway } = renewed();
    gateway.batchSize = 1;
    gateway.outcomes.set('K', new Error('no answer'));
    source.put('www', fresh);
    expect((await runner.pass('start')).events).toHaveLength(1);
  });

  it('because Kong refuses it is tried again only when something changed', async () => {
    const { runner, source, gateway } = renewed();
    gateway.outcomes.set('K', refusal('refused_by_kong', 'Kong answered 400'));
    expect(eventsOf(await runner.pass('start'))).toEqual(['www: refused as refused_by_kong']);
    gateway.outcomes.clear();
    expect(eventsOf(await runner.pass('poll'))).toEqual([]);
    source.put('www', issue({ notBefore: days(0.5) }));
    expect(eventsOf(await runner.pass('poll'))).toEqual(['www: swapped (served)']);
  });

  it('because Kong refuses it is tried again when Kong changed', async () => {
    const { runner, gateway } = renewed();
    gateway.outcomes.set('K', refusal('sni_taken', 'it belongs to another one'));
    await runner.pass('start');
    gateway.outcomes.clear();
    gateway.put('K', old);
    expect(eventsOf(await runner.pass('poll'))).toEqual(['www: swapped (served)']);
  });
});

describe('a Kong that cannot be asked what it stores', () => {
  it('makes the pass fail, and what was read meanwhile is not lost', async () => {
    const { runner, gateway } = renewed();
    gateway.refreshError = new Error('Kong is away');
    await expect(runner.pass('start')).rejects.toThrow('Kong is away');
    gateway.refreshError = null;
    expect(eventsOf(await runner.pass('retry'))).toEqual(['www: swapped (served)']);
  });

  it('is asked once for a renewal that came while it was away', async () => {
    const { runner, source, gateway } = renewed();
    await runner.pass('start');
    const newest = issue({ notBefore: days(0.5) });
    source.put('www', newest);
    gateway.refreshError = new Error('Kong is away');
    await expect(runner.pass('watch')).rejects.toThrow('Kong is away');
    gateway.refreshError = null;
    expect(eventsOf(await runner.pass('retry'))).toEqual(['www: swapped (served)']);
    expect(gateway.entities.get('K')?.cert).toBe(newest.chain);
  });
});

describe('files that change between the decision and the write', () => {
  it('are not written half old and half new: the next pass takes them whole', async () => {
    const { runner, source, gateway } = renewed();
    const newest = issue({ notBefore: days(0.5) });
    let reads = 0;
    source.onRead = () => {
      if (++reads === 2) source.put('www', newest);
    };
    const first = await runner.pass('start');
    expect(gateway.entities.get('K')?.cert).toBe(old.chain);
    expect(eventsOf(first)).toEqual([]);
    expect(eventsOf(await runner.pass('watch'))).toEqual(['www: swapped (served)']);
    expect(gateway.entities.get('K')?.cert).toBe(newest.chain);
  });

  test.for([
    ['cannot be read', refusal('unreadable', '/certs/www cannot be read: it does not exist (yet)')],
    ['have no key', { cert: fresh.chain, key: '' }],
    ['are empty', { cert: '', key: '' }],
    ['have their key in the place of the certificate', { cert: fresh.key, key: fresh.key }],
  ] as const)('and %s for a moment are swapped once they are back as they were', async ([, trouble]) => {
    const { runner, source, gateway, clock } = renewed();
    let reads = 0;
    source.onRead = () => {
      if (++reads === 2) source.put('www', trouble);
    };
    await runner.pass('start');
    source.put('www', fresh);
    for (let poll = 0; poll < 3; poll++) {
      clock.now += SETTLE_MS;
      await runner.pass('poll');
    }
    expect(gateway.entities.get('K')?.cert).toBe(fresh.chain);
  });
});

describe('observing what one bundle would do to two certificates', () => {
  it('says each of the two once', async () => {
    const { runner, source, gateway } = passing({ observe: true });
    const wildcard = issue({ names: ['*.example.test'] });
    gateway.put('A', issue({ names: ['a.example.test'], notBefore: days(30) }), { snis: ['a.example.test'] });
    gateway.put('B', issue({ names: ['b.example.test'], notBefore: days(30) }), { snis: ['b.example.test'] });
    source.put('wildcard', wildcard);
    expect((await runner.pass('start')).events).toHaveLength(2);
    gateway.put('unrelated', old, { snis: [] });
    expect((await runner.pass('poll')).events).toEqual([]);
  });
});

describe('a bundle that the machine or its source does not let be read', () => {
  it.for(['unreadable', 'unreachable', 'forbidden'] as const)(
    'is read again at the next poll though its source sees no change (%s)',
    async (reason) => {
      const { runner, source, gateway, clock } = passing();
      gateway.put('K', old);
      source.put('www', refusal(reason, 'too many open files'));
      await runner.pass('start');
      clock.now += SETTLE_MS;
      await runner.pass('retry');
      source.change('www', fresh);
      expect(eventsOf(await runner.pass('poll'))).toEqual(['www: swapped (served)']);
      const { reads } = source;
      await runner.pass('poll');
      expect(source.reads).toBe(reads);
    },
  );

  it('is taken for what it was while its source cannot be asked', async () => {
    const { runner, source, gateway } = passing();
    gateway.put('K', old);
    source.put('www', fresh);
    await runner.pass('start');
    source.put('www', refusal('unreachable', 'no answer'));
    expect(await runner.pass('poll')).toMatchObject({ inSync: 1, refused: 0, events: [] });
    const newest = issue({ notBefore: days(0.5) });
    source.change('www', newest);
    expect(eventsOf(await runner.pass('poll'))).toEqual(['www: swapped (served)']);
  });
});

describe('a source that sees no change by its own signs', () => {
  const scans = (stages: ReturnType<typeof passing>) => {
    const whole: (boolean | undefined)[] = [];
    const scan = stages.source.scan.bind(stages.source);
    stages.source.scan = (_touched?: ReadonlySet<string>, options?: { whole?: boolean }) => {
      whole.push(options?.whole);
      return scan();
    };
    return whole;
  };

  it('is asked for everything where somebody asks for a pass, and not at each poll', async () => {
    const stages = renewed();
    const whole = scans(stages);
    for (const cause of ['start', 'poll', 'trigger', 'command', 'poll'] as const)
      await stages.runner.pass(cause);
    expect(whole).toEqual([false, false, true, true, false]);
  });

  it('is asked for everything once a renewal should be there', async () => {
    const stages = passing();
    const whole = scans(stages);
    stages.source.put('www', issue({ notBefore: days(70), notAfter: days(-20) }));
    await stages.runner.pass('start');
    await stages.runner.pass('poll');
    stages.source.put('www', fresh);
    await stages.runner.pass('poll');
    await stages.runner.pass('poll');
    expect(whole).toEqual([false, true, true, false]);
  });
});
