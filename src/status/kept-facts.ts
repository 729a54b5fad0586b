import { NO_REACH } from '../certificates';
import {
  CERTIFICATE_STATES,
  FAILURE_KINDS,
  REASONS,
  type CertificateInfo,
  type SourcedBundle,
  type StoredHalf,
} from '../model';
import {
  isCount,
  isFlag,
  isText,
  isTime,
  listOf,
  oneOf,
  orAbsent,
  orNull,
  recordOf,
  type Shape,
} from '../common/shape';
import type { CertificateFacts } from './facts';

/** Further facts about one certificate, which books of the process know. */
export interface FactsBeside {
  /** Id of the source of its bundle; empty: none. */
  source: string;
  /** Start of its state; milliseconds since the epoch. */
  since: number;
  /** Its last swap; null: none is known. */
  swappedAt: number | null;
}

/** Facts about one certificate, as a file keeps them for the next process: public ones, and no text of a certificate. */
export interface KeptFacts extends FactsBeside {
  facts: CertificateFacts;
}

const isLeaf = recordOf({
  fingerprint: isText,
  serial: isText,
  notBefore: isTime,
  notAfter: isTime,
  names: listOf(isText),
  ips: orAbsent(listOf(isText)),
  keyType: oneOf({ rsa: 0, ec: 0, ed25519: 0, other: 0 }),
  keyBits: isCount,
  /** DER of the issuer's name, in base64. */
  issuer: orAbsent(isText),
});

const isHalf = oneOf({ main: 0, alt: 0 });
const isWhy = recordOf({ reason: oneOf(REASONS), message: isText });

/** The shape of a line that is read again: the length of texts and the range of times are limited. */
export const isKeptRow = recordOf({
  id: orNull(isText),
  half: isHalf,
  snis: listOf(isText),
  owner: oneOf({ us: 0, ingress_controller: 0, other: 0 }),
  stored: orNull(recordOf({ chain: isText, leaf: orNull(isLeaf) })),
  /** Its leaf is left out where it is the stored one. */
  bundle: orNull(
    recordOf({ id: isText, location: isText, leaf: orAbsent(isLeaf), renewalAt: orAbsent(isTime) }),
  ),
  bundleId: orNull(isText),
  source: isText,
  seen: orAbsent(
    recordOf({
      verdict: oneOf({ served: 0, wrong: 0, another: 0, unreachable: 0 }),
      expected: isText,
      fingerprint: orNull(isText),
      notAfter: orNull(isTime),
      at: isTime,
      detail: isText,
    }),
  ),
  state: oneOf(CERTIFICATE_STATES),
  since: isTime,
  swappedAt: orNull(isTime),
  refusal: orNull(recordOf({ why: isWhy, since: isTime })),
  isStanding: isFlag,
  failure: orNull(recordOf({ error: isText, failure: oneOf(FAILURE_KINDS), since: isTime })),
  hold: orNull(
    recordOf({
      kind: oneOf({ pinned: 0, frozen: 0, approval: 0 }),
      until: orNull(isTime),
      detail: isText,
    }),
  ),
  dropped: listOf(isText),
  note: orNull(isText),
});

type Row = typeof isKeptRow extends Shape<infer T> ? T : never;
type Leaf = NonNullable<NonNullable<Row['stored']>['leaf']>;

/** The facts of one certificate as a line of JSON. */
export function keptRow(facts: CertificateFacts, beside: FactsBeside): Row {
  const { certificate, half, stored, bundle, bundleId, seen, state } = facts;
  const { refusal, isStanding, failure, hold, dropped, note } = facts;
  const storedLeaf = stored?.leaf == null ? null : leafRow(stored.leaf, stored.reach.issuers[0]);
  return {
    id: certificate?.id ?? null,
    half,
    snis: certificate?.snis ?? [],
    owner: certificate?.owner ?? 'other',
    stored: stored === null ? null : { chain: stored.chain, leaf: storedLeaf },
    bundle:
      bundle === null
        ? null
        : {
            id: bundle.id,
            location: bundle.location,
            leaf:
              bundle.leaf === stored?.leaf || bundle.leaf.fingerprint === storedLeaf?.fingerprint
                ? undefined
                : leafRow(bundle.leaf, bundle.reach.issuers[0]),
            renewalAt: bundle.renewalAt,
          },
    bundleId,
    seen,
    state,
    refusal,
    isStanding,
    failure,
    hold,
    dropped,
    note,
    ...beside,
  };
}

const leafRow = (
  { fingerprint, serial, notBefore, notAfter, names, ips, keyType, keyBits, issuer }: CertificateInfo,
  issuedBy: string | undefined,
): Leaf => ({
  ...{ fingerprint, serial, notBefore, notAfter, keyType, keyBits },
  names,
  ips,
  issuer: issuerText(issuedBy ?? issuer),
});

/** The issuer of the last call: most leaves of a Kong have the same one. */
let latest = { name: '', text: '' };

function issuerText(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  if (name !== latest.name) latest = { name, text: Buffer.from(name, 'latin1').toString('base64') };
  return latest.text;
}

/** @returns null where it is no such row */
export function keptFacts(row: unknown): KeptFacts | null {
  if (!isKeptRow(row)) return null;
  const { id, half, snis, owner, bundleId, seen, state, source, since, swappedAt } = row;
  const { refusal, isStanding, failure, hold, dropped, note } = row;
  const stored = row.stored === null ? null : halfOf(row.stored.chain, row.stored.leaf);
  const certificate =
    id === null
      ? null
      : {
          id,
          snis,
          owner,
          secret: null,
          main: stored ?? halfOf('', null),
          alt: half === 'alt' ? stored : null,
        };
  const leaf = row.bundle?.leaf ?? row.stored?.leaf ?? null;
  const bundle = row.bundle === null || leaf === null ? null : bundleOf(row.bundle, leaf);
  return {
    facts: {
      ...{ certificate, half, stored, bundle, bundleId, seen, state },
      ...{ refusal, isStanding, failure, hold, dropped, note },
    },
    ...{ source, since, swappedAt },
  };
}

const halfOf = (chain: string, leaf: Leaf | null): StoredHalf => ({
  content: chain,
  chain,
  leaf: leaf === null ? null : infoOf(leaf),
  reach: NO_REACH,
  vaultReference: false,
});

const bundleOf = ({ id, location, renewalAt }: NonNullable<Row['bundle']>, leaf: Leaf): SourcedBundle => ({
  ...{ id, name: id, location, content: '', rawChain: '', chain: '', chainLength: 1, create: false },
  reach: NO_REACH,
  leaf: infoOf(leaf),
  ...(renewalAt === undefined ? {} : { renewalAt }),
});

const infoOf = ({ ips, issuer, ...leaf }: Leaf): CertificateInfo => ({
  ...leaf,
  ...(ips === undefined ? {} : { ips }),
  ...(issuer === undefined ? {} : { issuer: Buffer.from(issuer, 'base64').toString('latin1') }),
  signature: 'other',
  isCa: false,
});
