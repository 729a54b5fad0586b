import { isoTime } from '../common/time';
import { asSnis, fingerprintOf } from '../certificates';
import {
  isRenewalLate,
  lifeOf,
  usualRenewalAt,
  type CertificateInfo,
  type LeafTimes,
  type ServedObservation,
  type SourcedBundle,
  type StoredHalf,
} from '../model';
import type { CertificateStatus, LeafStatus, ServedStatus } from '../public';
import type { CertificateFacts } from './facts';

const DAY_MS = 86_400_000;

/** Kong keys its pool of upstream connections by the certificate's id, which a renewal does not change. */
const NO_SNI =
  'it has no SNI: services may show it to their upstreams (client_certificate). New connections to upstreams use the ' +
  'stored one; those that are kept alive keep the previous one until they close (upstream_keepalive_idle_timeout, ' +
  'upstream_keepalive_max_requests)';

export interface StatusContext {
  /** Milliseconds since the epoch. */
  now: number;
  /** Days before an expiry set by hand as warnings. */
  warningDays: readonly number[];
  /** Note for each pending certificate. */
  pendingNote: string | null;
  sourceOf: (bundleId: string) => string;
  since: (facts: CertificateFacts) => number | undefined;
  swappedAt: (facts: CertificateFacts) => number | undefined;
}

/** The JSON of one certificate. */
export function certificateStatus(facts: CertificateFacts, context: StatusContext): CertificateStatus {
  const { certificate, half, stored, bundle, seen, state, refusal, isStanding, dropped } = facts;
  const { now } = context;
  const swappedAt = context.swappedAt(facts);
  const renewal = renewalOf(facts);
  const ending = endingLeaf(facts, renewal);
  const storedLeaf = stored?.leaf == null ? null : leafStatus(stored.leaf);
  return {
    certificate_id: certificate?.id ?? null,
    half,
    snis: certificate?.snis ?? (dropped.length > 0 ? dropped : asSnis(bundle?.leaf.names ?? [])),
    owner: certificate?.owner ?? null,
    state,
    since: isoTime(context.since(facts) ?? now),
    source: bundle === null ? null : sourceStatus(bundle, stored, storedLeaf, context),
    stored: storedLeaf,
    served: seen === undefined ? null : servedStatus(seen, stored, storedLeaf),
    refusal:
      refusal === null
        ? null
        : {
            ...refusal.why,
            at: isoTime(refusal.since),
            is_standing: isStanding,
          },
    dropped: dropped.length > 0,
    write_failure:
      facts.failure === null
        ? null
        : {
            kind: facts.failure.failure,
            message: facts.failure.error,
            since: isoTime(facts.failure.since),
          },
    expires_at: ending === null ? null : isoTime(ending.notAfter),
    expiry: ending === null ? null : lifeOf(ending, now, context.warningDays).level,
    days_left: ending === null ? null : Math.floor((ending.notAfter - now) / DAY_MS),
    renewal_due_at: renewal === null ? null : isoTime(renewal.at),
    renewal_overdue: renewal !== null && isRenewalLate(renewal.at, renewal.notAfter, now),
    last_swap_at: swappedAt === undefined ? null : isoTime(swappedAt),
    ...(facts.hold === null
      ? {}
      : {
          hold: {
            kind: facts.hold.kind,
            until: facts.hold.until === null ? null : isoTime(facts.hold.until),
            detail: facts.hold.detail,
          },
        }),
    note:
      facts.hold?.detail ??
      (facts.failure === null ? null : `it is not written: ${facts.failure.error}`) ??
      (state === 'pending' ? context.pendingNote : null) ??
      facts.note ??
      (certificate?.snis.length === 0 ? NO_SNI : null),
  };
}

/** The leaf whose expiry counts: the served one, else the stored one, else the source's. */
export function endingLeaf(facts: CertificateFacts, renewal: Renewal | null): LeafTimes | null {
  const { stored, bundle, seen } = facts;
  const renewalAt = renewal?.at ?? null;
  const served = seen === undefined ? null : servedNotAfter(seen, stored);
  const leaf = stored?.leaf ?? bundle?.leaf ?? null;
  if (served !== null && served !== stored?.leaf?.notAfter) {
    return { notBefore: null, notAfter: served, renewalAt };
  }
  return leaf === null ? null : { notBefore: leaf.notBefore, notAfter: leaf.notAfter, renewalAt };
}

/** When a newer leaf than the newest known one should appear, and when that one expires. */
export interface Renewal {
  at: number;
  notAfter: number;
}

export function renewalOf({ stored, bundle }: CertificateFacts): Renewal | null {
  const [kept, given] = [stored?.leaf ?? null, bundle?.leaf ?? null];
  const newest = kept !== null && (given === null || kept.notBefore >= given.notBefore) ? kept : given;
  if (newest === null) return null;
  const { notBefore, notAfter } = newest;
  const asked = bundle?.renewalAt;
  // A fingerprint is written out each time; of 10,000 leaves most are one object with the bundle's.
  const isKnown = asked !== undefined && (newest === given || newest.fingerprint === given?.fingerprint);
  return { at: isKnown ? asked : usualRenewalAt(notBefore, notAfter), notAfter };
}

/** Expiry of the served leaf; null where unknown. */
export function servedNotAfter(seen: ServedObservation, stored: StoredHalf | null): number | null {
  if (seen.verdict !== 'served') return seen.notAfter;
  return seen.expected === stored?.chain ? (stored.leaf?.notAfter ?? null) : null;
}

function servedStatus(
  seen: ServedObservation,
  stored: StoredHalf | null,
  storedLeaf: LeafStatus | null,
): ServedStatus {
  const isStored = seen.verdict === 'served' && seen.expected === stored?.chain;
  const notAfter = servedNotAfter(seen, stored);
  return {
    fingerprint_sha256:
      seen.verdict !== 'served'
        ? seen.fingerprint
        : isStored && storedLeaf !== null
          ? storedLeaf.fingerprint_sha256
          : fingerprintOf(seen.expected.split('.', 1)[0] ?? ''),
    not_after:
      isStored && storedLeaf !== null ? storedLeaf.not_after : notAfter === null ? null : isoTime(notAfter),
    checked_at: isoTime(seen.at),
    verdict: seen.verdict,
    detail: seen.detail,
  };
}

function sourceStatus(
  bundle: SourcedBundle,
  stored: StoredHalf | null,
  storedLeaf: LeafStatus | null,
  { sourceOf }: StatusContext,
): NonNullable<CertificateStatus['source']> {
  const { leaf } = bundle;
  // Most leaves are the same object, and comparing is cheaper than writing one out.
  const isSame = storedLeaf !== null && (leaf === stored?.leaf || bundle.content === stored?.content);
  const { fingerprint_sha256, serial, not_before, not_after } = isSame ? storedLeaf : leafStatus(leaf);
  return {
    source: sourceOf(bundle.id),
    location: bundle.location,
    fingerprint_sha256,
    serial,
    not_before,
    not_after,
  };
}

function leafStatus({ fingerprint, serial, notBefore, notAfter }: CertificateInfo): LeafStatus {
  return {
    fingerprint_sha256: fingerprint,
    serial,
    not_before: isoTime(notBefore),
    not_after: isoTime(notAfter),
  };
}
