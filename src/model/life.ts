import type { LifeLevel } from './standing';

const DAY_MS = 86_400_000;
/** The share of its life after which a certificate is to be renewed, as cert-manager and certbot do by default. */
const RENEWAL_SHARE = 2 / 3;
/** Of the time between a renewal that is due and the end: whoever renews gets so much of it before it is late. */
const LATE_SHARE = 1 / 10;
/** Of the same time, before the end: from then on it ends soon, and then it is critical. */
const SOON_SHARE = 1 / 2;
const CRITICAL_SHARE = 1 / 4;
/** Of days that are set by hand: from here on it is no longer a matter for office hours. */
const CRITICAL_DAYS = 7;
/** The life of a leaf of which only the end was seen. */
const USUAL_LIFE_MS = 90 * DAY_MS;

/** All times are milliseconds since the epoch. */
export interface LeafTimes {
  /** Null: only the end is known. */
  notBefore: number | null;
  notAfter: number;
  /** When a newer one than the newest that is known should be there; null: not known. */
  renewalAt: number | null;
}

/** How much of its life a certificate has left. */
export interface Life {
  level: LifeLevel;
  /** From then on it ends soon. */
  soonAt: number;
  criticalAt: number;
  /** The warning that was set by hand in days and is reached; null: none is, or levels follow from the life alone. */
  days: number | null;
}

/** When a leaf is to be renewed that nobody says another time for. */
export const usualRenewalAt = (notBefore: number, notAfter: number): number =>
  notBefore + (notAfter - notBefore) * RENEWAL_SHARE;

/** From when on a renewal that was due and has not come is late. */
export const renewalLateAt = (renewalAt: number, notAfter: number): number =>
  renewalAt + Math.max(0, notAfter - renewalAt) * LATE_SHARE;

/** Whether a renewal that was due has not come although there was time for it. */
export const isRenewalLate = (renewalAt: number, notAfter: number, now: number): boolean =>
  now >= renewalLateAt(renewalAt, notAfter);

/**
 * How much is left, as a share of the time that there is for a renewal: a leaf of a day warns hours before its end and
 * one of a year months before. The one place that decides it for status, page, command line, metrics and alerts.
 * @param warningDays days before the end that are set by hand; those that fall before a renewal is due do not count,
 *   and where none counts the life decides
 */
export function lifeOf(leaf: LeafTimes, now: number, warningDays: readonly number[] = []): Life {
  const { notAfter, renewalAt } = leaf;
  const notBefore = leaf.notBefore ?? notAfter - USUAL_LIFE_MS;
  // A time after its end is about a newer leaf.
  const isOwn = renewalAt !== null && renewalAt < notAfter && renewalAt > notBefore;
  const dueAt = isOwn ? renewalAt : usualRenewalAt(notBefore, notAfter);
  const before = (share: number) => notAfter - (notAfter - dueAt) * share;
  const counting = warningDays.filter(
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
