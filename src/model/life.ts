import type { LifeLevel } from './standing';

const DAY_MS = 86_400_000;
/** Share of its life after which a certificate is to be renewed, as cert-manager and certbot do by default. */
const RENEWAL_SHARE = 2 / 3;
/** Share of the time between the renewal time and the end: after it a renewal is late. */
const LATE_SHARE = 1 / 10;
/** Share of the same time, counted from the end: within it a leaf ends soon, and then it is critical. */
const SOON_SHARE = 1 / 2;
const CRITICAL_SHARE = 1 / 4;
/** Among days set by hand: from here on it needs attention outside of office hours. */
const CRITICAL_DAYS = 7;
/** Assumed life of a leaf whose beginning is unknown. */
const USUAL_LIFE_MS = 90 * DAY_MS;

/** All times are milliseconds since the epoch. */
export interface LeafTimes {
  /** Null: only the end is known. */
  notBefore: number | null;
  notAfter: number;
  /** When a newer leaf than the newest known one is due; null: unknown. */
  renewalAt: number | null;
}

/** How much of its life a leaf has left. */
export interface Life {
  level: LifeLevel;
  /** Time from which on it ends soon. */
  soonAt: number;
  criticalAt: number;
  /** The warning set by hand, in days, that is reached; null: none, or levels follow from the life alone. */
  days: number | null;
}

/** When a leaf is to be renewed for which no other time is known. */
export const usualRenewalAt = (notBefore: number, notAfter: number): number =>
  notBefore + (notAfter - notBefore) * RENEWAL_SHARE;

/** Time from which on a renewal that was due and has not come is late. */
export const renewalLateAt = (renewalAt: number, notAfter: number): number =>
  renewalAt + Math.max(0, notAfter - renewalAt) * LATE_SHARE;

/** Whether a renewal that was due has not come in time. */
export const isRenewalLate = (renewalAt: number, notAfter: number, now: number): boolean =>
  now >= renewalLateAt(renewalAt, notAfter);

/**
 * How much life is left, as a share of the time that there is for a renewal: a leaf of a day warns hours before its
 * end, one of a year months before. The one place that decides it for status, page, command line, metrics and
 * alerts.
 * @param warningDays days before the end set by hand; those before the renewal time do not count, and if none
 * counts the life decides
 */
export function lifeOf(leaf: LeafTimes, now: number, warningDays: readonly number[] = []): Life {
  const { notAfter, renewalAt } = leaf;
  const notBefore = leaf.notBefore ?? notAfter - USUAL_LIFE_MS;
  // A renewal time after the end is about a newer leaf.
  const isOwn = renewalAt !== null && renewalAt < notAfter && renewalAt > notBefore;
  const dueAt = isOwn ? renewalAt : usualRenewalAt(notBefore, notAfter);
  const before = (share: number) => notAfter - (notAfter - dueAt) * share;
  const counting =
    warningDays.length === 0
      ? warningDays
      : warningDays.filter(
          (days) => renewalAt === null || renewalAt >= notAfter || notAfter - days * DAY_MS > renewalAt,
        );
  const urgent = counting.filter((days) => days <= CRITICAL_DAYS);
  const isByHand = counting.length > 0;
  const soonAt = isByHand ? notAfter - Math.max(...counting) * DAY_MS : before(SOON_SHARE);
  const criticalAt = !isByHand
    ? before(CRITICAL_SHARE)
    : urgent.length === 0
      ? notAfter
      : notAfter - Math.max(...urgent) * DAY_MS;
  const reached = counting.filter((days) => notAfter - now <= days * DAY_MS);
  const level: LifeLevel =
    now >= notAfter
      ? 'expired'
      : now >= criticalAt
        ? 'critical'
        : now >= soonAt
          ? 'ends_soon'
          : now >= dueAt
            ? 'renewal_due'
            : 'fresh';
  return { level, soonAt, criticalAt, days: reached.length === 0 ? null : Math.min(...reached) };
}
