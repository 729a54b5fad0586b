import { expect, test } from 'vitest';
import { refusal, type CaCertificate, type Refusal, type StoredCa } from '../../../src/model';
import { planTrust, type TrustedBundle, type TrustedCa } from '../../../src/trust/plan';

const NOW = Date.parse('2026-06-01T00:00:00Z');
const DAY = 86_400_000;
const TAGS = ['ours', 'ours-a'] as const;

/** A CA `subject/key@age`: how many days ago its certificate was issued; it lasts 1,000 days. */
function ca(text: string, problem: Refusal | null = null, more: Partial<TrustedCa> = {}): TrustedCa {
  const [identity = '', age = '10'] = text.split('@');
  const notBefore = NOW - Number(age) * DAY;
  return {
    ...{ location: 'bundle.pem', pem: text, digest: text, fingerprint: text, identity, problem },
    isSelfSigned: true,
    ...{ subject: identity.split('/')[0] ?? '', notBefore, notAfter: notBefore + 1000 * DAY },
    ...more,
  };
}

const stored = (id: string, text: string, tags: readonly string[] = TAGS): StoredCa => ({
  ...{ id, digest: text, certificate: ca(text), tags },
});
const holding = (...texts: string[]): Partial<TrustedBundle> => ({
  certificates: texts.map((text) => ca(text)),
});

/** A tenant's object with this text. */
const tenant = (object: string, text: string): Partial<TrustedBundle> => ({
  certificates: [ca(text, null, { object })],
});

interface Case {
  name: string;
  bundles: Partial<TrustedBundle>[];
  kong?: StoredCa[];
  allowDowngrade?: boolean;
  changes?: string[];
  gone?: string[];
  refused?: string[];
  inSync?: number;
}

test.for<Case>([
  { name: 'a CA that Kong does not have is created', bundles: [holding('A/1')], changes: ['create A/1'] },
  {
    name: 'a CA that Kong has is in step, whoever put it there',
    bundles: [holding('A/1')],
    kong: [stored('K', 'A/1', [])],
    inSync: 1,
  },
  {
    name: 'a renewed certificate of the same subject and key gets the entity, whoever made it',
    bundles: [holding('A/1@3')],
    kong: [stored('K', 'A/1@9', [])],
    changes: ['update K A/1@3'],
  },
  {
    name: 'a CA that replaces one of its subject in the bundle gets the entity, so that references hold',
    bundles: [holding('A/2')],
    kong: [stored('K', 'A/1')],
    changes: ['update K A/2'],
  },
  {
    name: 'a CA with a new key leaves alone what somebody else made',
    bundles: [holding('A/2')],
    kong: [stored('K', 'A/1', [])],
    changes: ['create A/2'],
  },
  {
    name: 'a new key beside the old one is created, and the old one stays',
    bundles: [holding('A/1', 'A/2')],
    kong: [stored('K', 'A/1')],
    changes: ['create A/2'],
    inSync: 1,
  },
  {
    name: 'of two certificates of one CA the newer is taken',
    bundles: [holding('A/1@9', 'A/1@3')],
    changes: ['create A/1@3'],
  },
  {
    name: 'an older certificate than Kong has is refused',
    bundles: [holding('A/1@9')],
    kong: [stored('K', 'A/1@3')],
    refused: ['older_than_stored'],
  },
  {
    name: 'an older certificate is taken where that is allowed',
    bundles: [holding('A/1@9')],
    kong: [stored('K', 'A/1@3')],
    allowDowngrade: true,
    changes: ['update K A/1@9'],
  },
  {
    name: 'a CA that left a bundle that was read whole is gone',
    bundles: [holding('A/1')],
    kong: [stored('K', 'A/1'), stored('L', 'B/1')],
    gone: ['L'],
    inSync: 1,
  },
  {
    name: 'a bundle that could not be read whole takes nothing away',
    bundles: [{ ...holding('A/1'), isWhole: false }],
    kong: [stored('K', 'A/1'), stored('L', 'B/1')],
    inSync: 1,
  },
  { name: 'an empty bundle takes nothing away', bundles: [holding()], kong: [stored('L', 'B/1')] },
  {
    name: "another source's and other people's CAs are never gone",
    bundles: [holding('A/1')],
    kong: [stored('K', 'A/1'), stored('L', 'B/1', ['ours', 'ours-b']), stored('M', 'C/1', [])],
    inSync: 1,
  },
  {
    name: 'an unfit certificate is refused, stays where it is, and the others go on',
    bundles: [{ certificates: [ca('A/1', refusal('not_a_ca', 'a leaf')), ca('B/1@2000'), ca('C/1')] }],
    kong: [stored('L', 'B/1@2000')],
    changes: ['create C/1'],
    refused: ['not_a_ca', 'expired'],
  },
  {
    name: 'a CA that is valid from tomorrow on waits',
    bundles: [holding('A/1@-1')],
    refused: ['not_yet_valid'],
  },
  {
    name: 'a root that its own key did not sign replaces nothing that somebody else made',
    bundles: [{ certificates: [ca('A/1@3', null, { isSelfSigned: false })] }],
    kong: [stored('K', 'A/1@9', [])],
    changes: ['create A/1@3'],
  },
  {
    name: "a tenant's CA replaces nothing that somebody else made",
    bundles: [tenant('from-x', 'A/1@3')],
    kong: [stored('K', 'A/1@9', [])],
    changes: ['create A/1@3'],
  },
  {
    name: "a tenant's CA with another key does not get the entity of another tenant that is gone",
    bundles: [tenant('from-x', 'A/2')],
    kong: [stored('K', 'A/1', [...TAGS, 'from-y'])],
    changes: ['create A/2'],
    gone: ['K'],
  },
  {
    name: "a tenant's CA gets the entity that was made for its own object",
    bundles: [tenant('from-x', 'A/2')],
    kong: [stored('K', 'A/1', [...TAGS, 'from-x'])],
    changes: ['update K A/2'],
  },
  {
    name: "a tenant's newer certificate of a CA does not push out another tenant's",
    bundles: [
      { certificates: [ca('A/1@3', null, { object: 'from-x' }), ca('A/1@5', null, { object: 'from-y' })] },
    ],
    kong: [stored('K', 'A/1@9', [...TAGS, 'from-y'])],
    changes: ['create A/1@3', 'update K A/1@5'],
  },
  {
    name: 'two sources with one CA make one entity',
    bundles: [holding('A/1'), { ...holding('A/1'), source: 'b', tags: ['ours', 'ours-b'] }],
    changes: ['create A/1'],
  },
])('$name', ({ bundles, kong = [], allowDowngrade = false, ...rest }) => {
  const { name: _, ...expected } = rest;
  const plan = planTrust({
    bundles: bundles.map((bundle) => ({
      source: 'a',
      tags: TAGS,
      certificates: [],
      isWhole: true,
      ...bundle,
    })),
    stored: new Map(kong.map((entity) => [entity.id, entity])),
    now: NOW,
    allowDowngrade,
    refusedByKong: new Map(),
  });
  expect({
    changes: plan.changes.map((change) =>
      change.kind === 'create'
        ? `create ${change.ca.digest}`
        : `update ${change.id} ${(change as { ca: CaCertificate }).ca.digest}`,
    ),
    gone: plan.gone.map(({ id }) => id),
    refused: [...plan.refused.values()].map(({ reason }) => reason),
    inSync: plan.inSync,
  }).toEqual({ changes: [], gone: [], refused: [], inSync: 0, ...expected });
});

test('an id that another certificate of the CA has by now is not used again', () => {
  const plan = (kong: StoredCa[], ...texts: string[]) =>
    planTrust({
      bundles: [{ source: 'a', tags: TAGS, isWhole: true, certificates: texts.map((text) => ca(text)) }],
      stored: new Map(kong.map((entity) => [entity.id, entity])),
      now: NOW,
      allowDowngrade: false,
      refusedByKong: new Map(),
    }).changes[0];
  const first = plan([], 'A/1');
  const again = plan([stored(first?.id ?? '', 'A/2')], 'A/1@5', 'A/2');
  expect(again).toMatchObject({ kind: 'create', ca: { digest: 'A/1@5' } });
  expect(again?.id).not.toBe(first?.id);
});

test('an entity that is made for a tenant is tagged with its object, so that it is found again', () => {
  const { changes } = planTrust({
    bundles: [
      { source: 'a', tags: TAGS, isWhole: true, certificates: [ca('A/1', null, { object: 'from-x' })] },
    ],
    stored: new Map(),
    now: NOW,
    allowDowngrade: false,
    refusedByKong: new Map(),
  });
  expect(changes).toMatchObject([{ kind: 'create', tags: [...TAGS, 'from-x'] }]);
});
