import { describe, expect, it, test } from 'vitest';
import type { LifeLevel } from '../../../src/model';
import {
  troublesOf,
  urgencyOf,
  type CertificateStatus,
  type NodeCertificatesStatus,
  type NodeFileStatus,
  type ReloaderStatus,
} from '../../../src/public';
import { certificate, inDays, reloader } from '../../support/statuses';

const kong = { admin_url: 'http://127.0.0.1:8001', mode: 'database' } as const;
const report = (certificates: CertificateStatus[], more: Partial<ReloaderStatus> = {}) => ({
  version: '1',
  generated_at: inDays(0),
  started_at: inDays(0),
  kong,
  waiting: null,
  reloaders: [reloader({ certificates, ...more })],
});
const failing = (kind: 'forbidden' | 'away') =>
  certificate({ state: 'pending', write_failure: { kind, message: 'Kong answered 403', since: inDays(0) } });

const own = (location: string, expiry: LifeLevel, days: number): NodeFileStatus => ({
  uses: ['admin'],
  location,
  fingerprint_sha256: 'AA',
  not_after: inDays(days),
  served_sha256: null,
  served_not_before: null,
  served_not_after: null,
  expiry,
});
const node = (...files: NodeFileStatus[]): NodeCertificatesStatus => ({
  state: 'in_sync',
  mode: 'observe',
  files,
  reloaded_at: null,
  detail: '',
});

/** Of every certificate that has no other name. */
const WWW = ['www.example.test'];

describe('the verdict', () => {
  test.for<
    [what: string, certificates: CertificateStatus[], more: Partial<ReloaderStatus>, troubles: object[]]
  >([
    ['all is well', [certificate()], {}, []],
    [
      'one expired, which a late renewal is a part of',
      [certificate({}, -1)],
      {},
      [{ kind: 'expired', count: 1, names: WWW }],
    ],
    [
      'two end, the first is named',
      [certificate({}, 14), certificate({ snis: ['soon.example.test'] }, 5)],
      {},
      [
        {
          kind: 'ending',
          count: 2,
          names: ['soon.example.test', 'www.example.test'],
          first: inDays(5),
          is_critical: true,
        },
      ],
    ],
    ['one is late and nothing worse', [certificate({}, 24)], {}, [{ kind: 'overdue', count: 1, names: WWW }]],
    ['one waits', [certificate({ state: 'pending' })], {}, [{ kind: 'pending', count: 1, names: WWW }]],
    [
      'one would be written',
      [certificate({ state: 'pending' })],
      { mode: 'observe' },
      [{ kind: 'would_change', count: 1, names: WWW }],
    ],
    [
      'one cannot be written, which is more than waiting',
      [failing('forbidden'), certificate({ state: 'pending' })],
      {},
      [
        { kind: 'writes_fail', count: 1, names: WWW, detail: 'Kong answered 403' },
        { kind: 'pending', count: 1, names: WWW },
      ],
    ],
    [
      'what is not in Kong may expire',
      [certificate({ certificate_id: null, state: 'unused', stored: null }, -1)],
      {},
      [],
    ],
    [
      'a gateway that may not write, and why',
      [],
      { leader: { is_leader: false, holder: null, error: 'leases is forbidden' } },
      [{ kind: 'writes_nothing', entry: 'e1', detail: 'leases is forbidden' }],
    ],
    [
      "Kong's own certificates that end soon, the first to end first, those that do not left out",
      [certificate()],
      {
        node_certificates: node(
          own('/admin.crt', 'ends_soon', 9),
          own('/cluster.crt', 'critical', 3),
          own('/gui.crt', 'fresh', 60),
        ),
      },
      [
        {
          kind: 'own_ending',
          location: '/cluster.crt',
          uses: ['admin'],
          until: inDays(3),
          is_critical: true,
        },
        { kind: 'own_ending', location: '/admin.crt', uses: ['admin'], until: inDays(9), is_critical: false },
      ],
    ],
    [
      'files that Kong has not read, which nobody reloads it for',
      [certificate()],
      { node_certificates: { ...node(), state: 'reload_pending', detail: 'run kong reload' } },
      [{ kind: 'own_outdated', detail: 'run kong reload' }],
    ],
    [
      'nothing where a reload is just to come',
      [certificate()],
      { node_certificates: { ...node(), state: 'reload_pending', detail: '' } },
      [],
    ],
  ])('%s', ([, certificates, more, troubles]) => {
    expect(troublesOf(report(certificates, more))).toEqual(troubles);
  });

  it('names three, and says that there are more', () => {
    const expired = ['a', 'b', 'c', 'd'].map((name) => certificate({ snis: [`${name}.example.test`] }, -1));
    const [trouble] = troublesOf(
      report([...expired, certificate({ snis: ['a.example.test'], half: 'alt' }, -1)]),
    );
    expect(trouble).toEqual({
      kind: 'expired',
      count: 5,
      names: ['a.example.test', 'b.example.test', 'c.example.test'],
    });
  });

  it('begins with a Kong that is away', () => {
    const away = { ...report([certificate({}, -1)]), kong: null, waiting: 'connection refused' };
    expect(troublesOf(away)).toEqual([
      { kind: 'kong_away', detail: 'connection refused' },
      { kind: 'expired', count: 1, names: WWW },
    ]);
  });
});

it('the order is: expired, not served, critical, refused, ends soon or late, pending, unproven, quiet, unused', () => {
  const all = [
    certificate({}, -1),
    certificate({ state: 'not_served' }),
    certificate({}, 5),
    certificate({ state: 'refused' }),
    certificate({}, 14),
    certificate({ state: 'pending' }),
    certificate({ state: 'unproven' }),
    certificate(),
    certificate({ state: 'unused', certificate_id: null }, -9),
  ];
  const ranks = all.map(urgencyOf);
  expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
  expect(new Set(ranks).size).toBe(ranks.length);
});
