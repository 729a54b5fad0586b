import { describe, expect, it, test } from 'vitest';
import type { CertificateStatus, HoldStatus, ReloaderStatus } from '../../../src/public';
import {
  certificate,
  conditionsOf,
  DAY_MS,
  inDays,
  iso,
  leafUntil,
  NOW,
  reloader,
} from '../../support/statuses';

const WARNING_DAYS = [30, 14, 7, 1];

const conditions = (
  certificates: CertificateStatus[],
  more: Partial<ReloaderStatus> = {},
  warningDays: readonly number[] = WARNING_DAYS,
) =>
  conditionsOf({ entry: 'e1', status: reloader({ certificates, ...more }), trouble: null }, warningDays, NOW);

const kinds = (...args: Parameters<typeof conditions>) => conditions(...args).map(({ kind }) => kind);

const refusalOf = (reason: 'key_mismatch' | 'not_served') => ({
  reason,
  message: '/certs/www.key does not belong to it',
  at: iso(NOW),
  is_standing: true,
});

it('nothing is wrong where everything is in sync', () => {
  expect(conditions([certificate()])).toEqual([]);
});

describe('the end of a certificate', () => {
  test.for<[days: number, life: number, level: string | null, severity: string | null]>([
    // A year: every level counts.
    [31, 365, null, null],
    [30, 365, '30', 'warning'],
    [14.5, 365, '30', 'warning'],
    [14, 365, '14', 'warning'],
    [7, 365, '7', 'critical'],
    [1, 365, '1', 'critical'],
    [0.1, 365, '1', 'critical'],
    // Renewed at 30 days: being there is no news, 14 is.
    [29.9, 90, null, null],
    [14, 90, '14', 'warning'],
    // Six days: only the last one counts.
    [3, 6, null, null],
    [0.9, 6, '1', 'critical'],
    // A day: none does; an overdue renewal is told.
    [0.3, 1, null, null],
  ])('in %d days of a life of %d days is told at the level %s', ([days, life, level, severity]) => {
    const found = conditions([certificate({ source: null, renewal_overdue: false }, days, life)]);
    expect(found.map((one) => [one.kind, one.labels['days'], one.severity])).toEqual(
      level === null ? [] : [['expiring', level, severity]],
    );
  });

  it('of what is served counts, whatever is stored', () => {
    const served = { ...certificate().served!, not_after: inDays(5) };
    const [found] = conditions([certificate({ served, state: 'unproven' })]);
    expect(found).toMatchObject({ kind: 'expiring', labels: { days: '7' }, facts: { days_left: 5 } });
  });

  it('of an old one is told at every level while the source has a new one, whose renewal is not due', () => {
    const old = leafUntil(inDays(29));
    const status = {
      ...certificate(),
      stored: old,
      served: null,
      state: 'refused',
      refusal: refusalOf('key_mismatch'),
    } as const;
    const [found] = conditions([status]);
    expect(found).toMatchObject({ kind: 'expiring', labels: { days: '30' } });
    expect(found?.description).toContain('/certs/www.key does not belong to it');
  });

  it.each([
    ['is over', -1],
    ['is now', 0],
  ])('that %s makes it expired and nothing else', (_, days) => {
    const [found, ...others] = conditions([certificate({}, days)]);
    expect(found).toMatchObject({ kind: 'expired', severity: 'critical', since: NOW + days * DAY_MS });
    expect(found?.summary).toContain('www.example.test has expired');
    expect(others).toEqual([]);
  });

  it('does not matter for what is not in Kong', () => {
    expect(
      kinds([certificate({ certificate_id: null, state: 'unused', stored: null, served: null }, -1)]),
    ).toEqual([]);
  });

  it('is told by the levels that are configured', () => {
    expect(kinds([certificate({ source: null }, 80, 365)], {}, [30])).toEqual([]);
    expect(kinds([certificate({ source: null }, 80, 365)], {}, [90])).toEqual(['expiring']);
  });
});

describe('a renewal', () => {
  test.for<[days: number, overdue: boolean]>([
    [30, false],
    [28, false],
    [27, true],
    [15, true],
  ])('with %d of 90 days left is overdue: %s', ([days, overdue]) => {
    expect(kinds([certificate({}, days)]).includes('renewal_overdue')).toBe(overdue);
  });

  it('is not missed where no source has anything: nobody renews it here', () => {
    expect(kinds([certificate({ source: null, state: 'no_source' }, 20)])).toEqual([]);
  });
});

describe('a state', () => {
  it('of a refused bundle is told with its reason and what to do', () => {
    const [found] = conditions([certificate({ state: 'refused', refusal: refusalOf('key_mismatch') })]);
    expect(found).toMatchObject({
      kind: 'refused',
      severity: 'warning',
      labels: { certificate_id: 'c1', half: 'main', sni: 'www.example.test', reason: 'key_mismatch' },
      facts: { reason: 'key_mismatch', location: '/certs/www.crt' },
      description: '/certs/www.key does not belong to it',
    });
  });

  it('of a refused bundle that is not in Kong is told by its location', () => {
    const status = {
      certificate_id: null,
      stored: null,
      served: null,
      state: 'refused',
      refusal: refusalOf('key_mismatch'),
    } as const;
    expect(conditions([certificate(status)])).toMatchObject([
      { kind: 'refused', key: 'refused /certs/www.crt key_mismatch', labels: { location: '/certs/www.crt' } },
    ]);
  });

  it('of what Kong did not serve is a rollback', () => {
    expect(conditions([certificate({ state: 'refused', refusal: refusalOf('not_served') })])).toMatchObject([
      {
        kind: 'rolled_back',
        severity: 'critical',
        summary:
          'the new certificate for www.example.test from /certs/www.crt was rolled back: Kong did not serve it',
      },
    ]);
  });

  it.each([
    ['not_served', ['not_served']],
    ['pending', ['out_of_sync']],
    ['unproven', []],
    ['no_source', []],
    ['unused', []],
  ] as const)('%s is told as %j', (state, told) => {
    expect(kinds([certificate({ state })])).toEqual(told);
  });

  it('is told of an entry that only observes as well, and why nobody writes it', () => {
    const [found] = conditions([certificate({ state: 'pending' })], { mode: 'observe' });
    expect(found?.kind).toBe('out_of_sync');
    expect(found?.summary).toMatch(/^www\.example\.test is out of step: .*this entry only observes/);
  });

  it('of a write that Kong forbids is told once for all of them, by name', () => {
    const failing = (id: string, kind: 'forbidden' | 'away') =>
      certificate({
        certificate_id: id,
        snis: [`${id}.example.test`],
        state: 'pending',
        note: 'it is not written: Kong answered 403',
        write_failure: { kind, message: 'Kong answered 403: the token may only read', since: inDays(-1) },
      });
    expect(conditions(['a', 'b', 'c', 'd'].map((id) => failing(id, 'forbidden')))).toMatchObject([
      {
        kind: 'writes_forbidden',
        severity: 'critical',
        since: NOW - DAY_MS,
        summary:
          'Kong forbids writes (entry e1): a.example.test, b.example.test, c.example.test and 1 more cannot be renewed',
        description: 'Kong answered 403: the token may only read',
      },
    ]);
    expect(conditions([failing('a', 'away')])).toMatchObject([
      { kind: 'out_of_sync', description: 'it is not written: Kong answered 403' },
    ]);
  });
});

it('a source that cannot be checked is told with its reason', () => {
  const error = { reason: 'unreadable', message: '/certs is gone', since: inDays(-1) } as const;
  const sources = [{ id: 'directory:/certs', up: false, bundles: 0, error }];
  expect(conditions([], { sources })).toMatchObject([
    {
      kind: 'source_down',
      since: NOW - DAY_MS,
      labels: { source: 'directory:/certs' },
      description: '/certs is gone',
    },
  ]);
});

it('passes that cannot be made are told, whatever is known of the certificates', () => {
  const trouble = { message: 'connection refused', since: NOW };
  for (const status of [null, reloader()]) {
    expect(conditionsOf({ entry: 'e1', status, trouble }, WARNING_DAYS, NOW)).toMatchObject([
      { kind: 'passes_failing', severity: 'critical', description: 'connection refused' },
    ]);
  }
});

describe("a certificate of Kong's own", () => {
  const DAY = 86_400_000;
  const of = (days: number, inFile = days) => {
    const at = (count: number) => new Date(NOW + count * DAY).toISOString();
    const file = {
      uses: ['admin', 'status'],
      location: '/etc/kong/admin.crt',
      fingerprint_sha256: null,
      not_after: at(inFile),
      served_sha256: null,
      served_not_before: at(days - 90),
      served_not_after: at(days),
    };
    const group = {
      mode: 'observe',
      state: 'in_sync',
      files: [file],
      reloaded_at: null,
      detail: '',
    } as const;
    const status = {
      mode: 'apply',
      sources: [],
      certificates: [],
      is_current: true,
      node_certificates: group,
    } as const;
    return conditionsOf({ entry: 'e', status, trouble: null }, [], NOW);
  };

  it('is told of when it comes near its end, more urgently when it has come', () => {
    expect(of(80)).toEqual([]);
    expect(of(10)).toMatchObject([{ kind: 'node_expiring', severity: 'warning' }]);
    const [expired] = of(-1);
    expect(expired).toMatchObject({ severity: 'critical', labels: { level: 'expired' } });
    expect(expired?.summary).toBe("/etc/kong/admin.crt (Kong's own, for admin, status) has expired");
  });

  it('says whether the file has a newer one, which a reload would bring', () => {
    expect(of(1, 90)[0]?.description).toContain('Kong reads it when it is reloaded');
    expect(of(1)[0]?.description).toBe('The file has no newer one.');
  });
});

describe('a renewal that is held back', () => {
  const heldBy = (kind: HoldStatus['kind'], days = 60) =>
    certificate({ state: 'pending', hold: { kind, until: null, detail: `it is ${kind}` } }, days);

  it.each(['pinned', 'approval'] as const)('is told whenever a person has to decide (%s)', (kind) => {
    expect(conditions([heldBy(kind)], {}, [])).toMatchObject([
      {
        kind: 'held',
        severity: 'warning',
        labels: { reason: kind },
        summary: `a renewal of www.example.test is held back: it is ${kind}`,
      },
    ]);
  });

  it('is critical once what Kong has is', () => {
    const found = conditions([heldBy('pinned', 5)], {}, []).find(({ kind }) => kind === 'held');
    expect(found?.severity).toBe('critical');
  });

  it('by a freeze is told near its end alone', () => {
    expect(kinds([heldBy('frozen')], {}, [])).toEqual([]);
    expect(kinds([heldBy('frozen', 14)], {}, [])).toContain('held');
  });
});

describe('the files that Kong itself reads', () => {
  const file = (days: number, more: object = {}) => ({
    location: '/etc/kong/default.crt',
    fingerprint_sha256: 'AA',
    not_after: inDays(80),
    served_without_sni_sha256: 'BB',
    served_not_before: inDays(days - 90),
    served_not_after: inDays(days),
    ...more,
  });
  const byDefault = (state: DefaultState, ...files: ReturnType<typeof file>[]) => ({
    default_certificate: { state, files, reloaded_at: null, detail: 'Kong was not reloaded' },
  });
  type DefaultState = NonNullable<ReloaderStatus['default_certificate']>['state'];

  it('is told near the end of what clients without SNI get, and that the file has a newer one', () => {
    expect(conditions([certificate()], byDefault('in_sync', file(60)), [])).toEqual([]);
    const [found] = conditions([certificate()], byDefault('in_sync', file(7)), []);
    expect(found).toMatchObject({ kind: 'default_expiring', severity: 'critical' });
    expect(found?.description).toContain('The file has a newer one');
    // No handshake has observed the served certificate.
    const unseen = file(7, { served_without_sni_sha256: null });
    expect(conditions([certificate()], byDefault('unknown', unseen), [])).toEqual([]);
  });

  it.each(['reload_pending', 'refused'] as const)('is told while it is not what Kong has (%s)', (state) => {
    expect(conditions([certificate()], byDefault(state, file(60)), [])).toMatchObject([
      { kind: 'reload_pending', severity: 'warning', description: 'Kong was not reloaded' },
    ]);
    expect(kinds([certificate()], { ...byDefault(state, file(60)), is_current: false }, [])).toEqual([]);
  });
});

it('a newer configuration that cannot be used is told', () => {
  const configuration = { message: 'sources[0].path: there is no such folder', since: NOW };
  const observed = { entry: 'e1', status: reloader(), trouble: null, configuration };
  expect(conditionsOf(observed, [], NOW)).toMatchObject([
    { kind: 'configuration', severity: 'warning', description: configuration.message, since: NOW },
  ]);
});
