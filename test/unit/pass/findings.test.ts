import { describe, expect, it, test } from 'vitest';
import { refusal, REASONS, type Change, type Reason, type Refusal } from '../../../src/model';
import { Findings, SETTLE_MS } from '../../../src/pass/findings';
import { bundle, NOW, stored } from '../../support/plans';

const known = bundle('www');
const bundles = { get: (id: string) => (id === known.id ? known : null) };
const passing: Reason[] = [
  'unreadable',
  'incomplete',
  'missing_certificate',
  'missing_key',
  'key_mismatch',
  'chain_broken',
  'unsupported_format',
];
const lasting = (Object.keys(REASONS) as Reason[]).filter((reason) => !passing.includes(reason));

/** Findings with a clock of their own. */
function findings() {
  let now = NOW;
  const found = new Findings(() => now);
  return {
    found,
    advance: (ms: number) => (now += ms),
    /** Bundles that are reported with these refusals. */
    report: (refused: Record<string, Refusal>) => {
      found.refusals(new Map(Object.entries(refused)), bundles);
      return found.take().events.map(({ bundle: id }) => id);
    },
  };
}

const update = (certificate: string, of = known): Change => ({
  kind: 'update',
  bundle: of,
  certificate: stored(certificate),
  half: 'main',
  isOfController: false,
  addSnis: [],
});

describe('a refusal', () => {
  it('of another content for the same reason is reported again, and stands since the first', () => {
    const { found, advance } = findings();
    const refused = new Map([['www', refusal('ca_as_leaf', 'no')]]);
    const report = (content: string) => {
      found.refusals(refused, { get: () => ({ ...known, content }) });
      return found.take().events.length;
    };
    expect([report('one'), report('one')]).toEqual([1, 0]);
    advance(1_000);
    expect([report('two'), report('two')]).toEqual([1, 0]);
    expect(found.standing('www')?.since).toBe(NOW);
  });

  test.for(lasting)('as %s is reported at once, and once', (reason) => {
    const { found, report } = findings();
    const why = refusal(reason, 'no');
    expect(report({ www: why })).toEqual(['www']);
    expect(found.settling).toBe(false);
    expect(report({ www: why })).toEqual([]);
  });

  test.for(passing)(
    'as %s may only mean that files are being written: it is reported when it stays',
    (reason) => {
      const { found, report, advance } = findings();
      const why = refusal(reason, 'no');
      expect(report({ www: why })).toEqual([]);
      expect(found.settling).toBe(true);
      advance(SETTLE_MS - 1);
      expect(report({ www: why })).toEqual([]);
      expect(found.settling).toBe(true);
      advance(1);
      expect(report({ www: why })).toEqual(['www']);
      expect(found.settling).toBe(false);
      advance(SETTLE_MS * 100);
      expect(report({ www: why })).toEqual([]);
    },
  );

  it('that goes away in time is never reported', () => {
    const { found, report, advance } = findings();
    report({ www: refusal('incomplete', 'cut off') });
    advance(SETTLE_MS / 2);
    expect(report({})).toEqual([]);
    expect(found.settling).toBe(false);
  });

  it('that changes its words waits anew', () => {
    const { report, advance } = findings();
    report({ www: refusal('incomplete', 'cut off') });
    advance(SETTLE_MS);
    expect(report({ www: refusal('key_mismatch', 'other key') })).toEqual([]);
    advance(SETTLE_MS);
    expect(report({ www: refusal('key_mismatch', 'other key') })).toEqual(['www']);
  });

  it('is reported again after it had gone away', () => {
    const { report } = findings();
    const why = refusal('expired', 'expired');
    expect(report({ www: why })).toEqual(['www']);
    // Its end is an event, too.
    expect(report({})).toEqual(['www']);
    expect(report({})).toEqual([]);
    expect(report({ www: why })).toEqual(['www']);
  });

  it('of one bundle does not hide that of another', () => {
    const { report } = findings();
    const why = refusal('expired', 'expired');
    expect(report({ www: why, api: refusal('incomplete', 'cut off') })).toEqual(['www']);
    expect(report({ www: why, other: why })).toEqual(['other']);
  });

  it('tells what is known of the bundle, and does without where it was not understood', () => {
    const { found } = findings();
    const why = refusal('expired', 'no');
    found.refusals(
      new Map([
        ['www', why],
        ['unknown', why],
      ]),
      bundles,
    );
    const { fingerprint, notAfter, names } = known.leaf;
    expect(found.take().events).toEqual([
      {
        bundle: 'www',
        location: '/certs/www',
        fingerprint,
        notAfter,
        snis: names,
        outcome: { kind: 'refused', refusal: why },
      },
      {
        bundle: 'unknown',
        location: 'unknown',
        fingerprint: null,
        notAfter: null,
        snis: [],
        outcome: { kind: 'refused', refusal: why },
      },
    ]);
  });
});

describe('a change that would be made', () => {
  const events = (found: Findings) =>
    found
      .take()
      .events.map(({ outcome }) => (outcome.kind === 'would_change' ? outcome.certificate : outcome.kind));

  it('is said once', () => {
    const { found } = findings();
    found.wouldChange([update('K')]);
    found.wouldChange([update('K')]);
    expect(events(found)).toEqual(['K']);
  });

  it('is said again when the bundle was renewed once more', () => {
    const { found } = findings();
    found.wouldChange([update('K')]);
    found.wouldChange([update('K', bundle('www', { age: 1 }))]);
    expect(events(found)).toEqual(['K', 'K']);
  });

  it('is said once for each of two certificates that one bundle serves', () => {
    const { found } = findings();
    for (let pass = 0; pass < 3; pass++) {
      found.wouldChange([update('K1'), update('K2')]);
      found.refusals(new Map(), bundles);
    }
    expect(events(found)).toEqual(['K1', 'K2']);
  });

  it('is said once although the same bundle is refused for another certificate', () => {
    const { found } = findings();
    for (let pass = 0; pass < 3; pass++) {
      found.wouldChange([update('K')]);
      found.refusals(new Map([['www', refusal('managed_elsewhere', 'no')]]), bundles);
    }
    expect(events(found)).toEqual(['K', 'refused']);
  });

  it('tells whether a certificate would be created', () => {
    const { found } = findings();
    found.wouldChange([{ kind: 'create', bundle: known, id: 'new', snis: ['www.test'] }]);
    expect(found.take().events[0]).toMatchObject({
      snis: ['www.test'],
      outcome: { kind: 'would_change', certificate: 'new', created: true },
    });
  });
});

describe('an event', () => {
  it('is handed over once', () => {
    const { found } = findings();
    found.failed(update('K'), 'no answer', 'away');
    expect(found.take()).toMatchObject({ failed: true, events: [{ bundle: 'www', snis: ['www.test'] }] });
    expect(found.take()).toEqual({ failed: false, events: [] });
  });

  it('is one event for each error of a write, not one for each try', () => {
    const { found } = findings();
    const tries = (...errors: string[]) =>
      errors.map((error) => {
        found.failed(update('K'), error, 'forbidden');
        found.keepFailures([update('K')]);
        const { failed, events } = found.take();
        return [failed, events.length];
      });
    expect(tries('403', '403', '405', '403')).toEqual([
      [true, 1],
      [true, 0],
      [true, 1],
      [true, 1],
    ]);
    expect(found.failure('K', 'main')).toMatchObject({ error: '403', failure: 'forbidden', since: NOW });
    found.keepFailures([]);
    expect(found.failure('K', 'main')).toBeUndefined();
    expect(tries('403')).toEqual([[true, 1]]);
  });

  it('is no failure when it is a swap', () => {
    const { found } = findings();
    found.happened(update('K'), { kind: 'swapped', certificate: 'K', how: 'swapped', proof: null });
    expect(found.take().failed).toBe(false);
  });
});

describe('an error of a source', () => {
  it('is said when it begins and when it begins again', () => {
    const { found } = findings();
    const error = { source: 'directory:/certs', refusal: refusal('unreadable', 'it does not exist (yet)') };
    expect(found.newSourceErrors([error]).sourceErrors).toEqual([error]);
    expect(found.newSourceErrors([error]).sourceErrors).toEqual([]);
    expect(found.newSourceErrors([], true).sourceErrors, 'a look at other sources').toEqual([]);
    expect(found.newSourceErrors([error]).sourceErrors).toEqual([]);
    expect(found.newSourceErrors([])).toEqual({ sourceErrors: [], mendedSources: [error.source] });
    expect(found.newSourceErrors([error]).sourceErrors).toEqual([error]);
  });

  it('is told apart by source and by words', () => {
    const { found } = findings();
    const why = refusal('unreadable', 'gone');
    found.newSourceErrors([{ source: 'a', refusal: why }]);
    const others = [
      { source: 'b', refusal: why },
      { source: 'a', refusal: refusal('unreadable', 'permission denied') },
    ];
    expect(found.newSourceErrors([{ source: 'a', refusal: why }, ...others]).sourceErrors).toEqual(others);
  });
});
