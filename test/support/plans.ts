import { hash } from 'node:crypto';
import { expect } from 'vitest';
import {
  deterministicId,
  type CertificateInfo,
  type Reach,
  type Refusal,
  type SourcedBundle,
  type StoredCertificate,
  type StoredHalf,
} from '../../src/model';
import { makePlan, type PlanInput } from '../../src/plan';

export const NOW = Date.parse('2026-06-01T00:00:00Z');
const DAY_MS = 86_400_000;

/** Facts of a leaf. `age` is in days: how long before NOW it was issued; it lasts 90 days from then. */
export interface LeafFacts {
  names?: readonly string[];
  age?: number;
  keyType?: 'rsa' | 'ec' | 'ed25519';
  /** Default: one CA for all. `self`: it is self-signed. */
  issuer?: string;
}

export function leafOf({
  names = ['www.test'],
  age = 10,
  keyType = 'ec',
  issuer = 'CA',
}: LeafFacts): CertificateInfo {
  const notBefore = NOW - age * DAY_MS;
  return {
    fingerprint: `${names.join(' ')} of ${age} ${keyType}${issuer === 'CA' ? '' : ` by ${issuer}`}`,
    serial: '01',
    notBefore,
    notAfter: notBefore + 90 * DAY_MS,
    names,
    keyType,
    keyBits: keyType === 'rsa' ? 2048 : 256,
    signature: 'other',
    isCa: false,
    issuer: issuer === 'self' ? `self ${names.join(' ')}` : issuer,
    isSelfIssued: issuer === 'self',
  };
}

/** Of a chain whose root stood with it. */
export const ROOTED: Reach = {
  issuers: ['CA', 'Root'],
  certificates: [new Uint8Array(1)],
  hasRoot: true,
  isPublished: false,
};

const digestOf = ({ fingerprint }: CertificateInfo, kind: string) =>
  hash('sha256', `${kind}: ${fingerprint}`, 'base64url');

/** A bundle that was understood, made of facts alone. */
export function bundle(id: string, facts: LeafFacts & Partial<SourcedBundle> = {}): SourcedBundle {
  const leaf = leafOf(facts);
  return {
    id,
    location: facts.location ?? `/certs/${id}`,
    create: facts.create ?? false,
    content: facts.content ?? digestOf(leaf, 'content'),
    chain: facts.chain ?? digestOf(leaf, 'chain'),
    rawChain: facts.rawChain ?? facts.chain ?? digestOf(leaf, 'chain'),
    chainLength: facts.chainLength ?? 2,
    reach: facts.reach ?? ROOTED,
    ...(facts.openEnd === undefined ? {} : { openEnd: facts.openEnd }),
    ...(facts.isCompleted === undefined ? {} : { isCompleted: facts.isCompleted }),
    leaf: facts.leaf ?? leaf,
    ...pick(facts, ['secret', 'hosts', 'snis', 'order', 'ownership', 'createIsExplicit']),
  };
}

function pick<T extends object, K extends keyof T>(facts: T, keys: readonly K[]): Partial<Pick<T, K>> {
  return Object.fromEntries(
    keys.flatMap((key) => (facts[key] === undefined ? [] : [[key, facts[key]]])),
  ) as Partial<Pick<T, K>>;
}

/** A Secret of a namespace where every tenant may put one; `createdAt` in days before NOW. */
export function tenant(
  place: string,
  { createdAt = 100, ...facts }: LeafFacts & Partial<SourcedBundle> & { createdAt?: number } = {},
): SourcedBundle {
  const [namespace = '', name = ''] = place.split('/');
  const secret = { uid: `uid of ${place}`, namespace, name, createdAt: NOW - createdAt * DAY_MS };
  return bundle(`kubernetes#${place}`, { secret, ownership: 'tenants', ...facts });
}

/** Kong's half after a bundle of the same facts was written. */
export function half(facts: LeafFacts & Partial<StoredHalf> = {}): StoredHalf {
  const leaf = leafOf(facts);
  return {
    content: facts.content ?? digestOf(leaf, 'content'),
    chain: facts.chain ?? digestOf(leaf, 'chain'),
    leaf: facts.leaf === undefined ? leaf : facts.leaf,
    reach: facts.reach ?? ROOTED,
    vaultReference: facts.vaultReference ?? false,
  };
}

export function stored(id: string, facts: LeafFacts & Partial<StoredCertificate> = {}): StoredCertificate {
  return {
    id,
    snis: facts.snis ?? facts.names ?? ['www.test'],
    owner: facts.owner ?? 'other',
    secret: facts.secret ?? null,
    main: facts.main ?? half(facts),
    alt: facts.alt ?? null,
    ...pick(facts, ['clients', 'isPrevious']),
  };
}

/** The certificate that was created for a bundle earlier. */
export const ours = (bundleId: string, facts: Parameters<typeof stored>[1] = {}): StoredCertificate =>
  stored(deterministicId('certificate', bundleId), { owner: 'us', ...facts });

export interface PlanOptions {
  now?: number;
  allowDowngrade?: boolean;
  barred?: Record<string, Refusal>;
  broken?: readonly SourcedBundle[];
  more?: Partial<PlanInput>;
}

export function plan(
  bundles: readonly SourcedBundle[],
  certificates: readonly StoredCertificate[],
  { now = NOW, allowDowngrade = false, barred = {}, broken = [], more = {} }: PlanOptions = {},
) {
  return makePlan({
    bundles,
    certificates: new Map(certificates.map((certificate) => [certificate.id, certificate])),
    now,
    allowDowngrade,
    broken,
    barred: new Map(Object.entries(barred)),
    ...more,
  });
}

/** A plan in one line for each thing, to compare it as a table. */
export function outline(made: ReturnType<typeof plan>) {
  return {
    changes: made.changes.map((change) => {
      const moved = (change.moveSnis ?? []).map(({ name, from }) => ` ${name} from ${from}`);
      if (change.kind === 'create')
        return [`create ${change.bundle.id} for ${change.snis.join(' ')}`, ...moved].join('');
      const left = (change.split?.snis ?? []).map((sni) => ` -${sni}`);
      const added = change.addSnis.map((sni) => ` +${sni}`);
      return [
        `${change.certificate.id} ${change.half} <- ${change.bundle.id}`,
        ...left,
        ...added,
        ...moved,
      ].join('');
    }),
    refused: Object.fromEntries([...made.refused].map(([id, { reason }]) => [id, reason])),
    inSync: Object.fromEntries(made.inSync),
    unused: made.unused,
  };
}

/** Bundles and what Kong has, and what the plan for them looks like. */
export interface PlanCase {
  name: string;
  bundles: SourcedBundle[];
  /** Default: Kong has no certificate. */
  kong?: StoredCertificate[];
  options?: PlanOptions;
  changes?: string[];
  refused?: Record<string, string>;
  inSync?: Record<string, string[]>;
  unused?: string[];
}

/** The order in which sources and Kong list things decides nothing, so both orders are planned. */
export function checkPlan({
  bundles,
  kong = [],
  options,
  changes = [],
  refused = {},
  inSync = {},
  unused = [],
}: PlanCase) {
  const expected = { changes, refused, inSync, unused };
  expect(outline(plan(bundles, kong, options))).toEqual(expected);
  const turned = outline(plan([...bundles].reverse(), [...kong].reverse(), options));
  expect(sorted(turned)).toEqual(sorted(expected));
}

const sorted = <T extends { changes: string[]; unused: string[] }>({ changes, unused, ...rest }: T) => ({
  ...rest,
  changes: [...changes].sort(),
  unused: [...unused].sort(),
});
