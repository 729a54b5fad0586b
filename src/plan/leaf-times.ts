import type { CertificateInfo } from '../model';

type Validity = Pick<CertificateInfo, 'notBefore' | 'notAfter'>;

/** A present certificate counts as expired this much earlier, so that no client sees it expired. */
const MARGIN_MS = 60_000;

const lifetime = ({ notBefore, notAfter }: Validity) => notAfter - notBefore;

/** When a certificate in Kong may be replaced by any (milliseconds since the epoch). */
export const endOf = (leaf: Validity): number => leaf.notAfter - Math.min(MARGIN_MS, lifetime(leaf) / 100);

/** When a renewal is due: after two thirds of its life, as cert-manager and certbot do by default. */
export const dueOf = (leaf: Validity): number => leaf.notBefore + (lifetime(leaf) * 2) / 3;

/** When a renewal is so late that its place seems abandoned: a sixth of its life is left. */
export const overdueOf = (leaf: Validity): number => leaf.notAfter - lifetime(leaf) / 6;

/** Whether its renewal is late. */
export const isLate = (leaf: Validity, now: number): boolean => overdueOf(leaf) <= now;

/** Valid neither later from nor longer until, and not equal. */
export const isOlder = (a: Validity, b: Validity): boolean =>
  a.notBefore <= b.notBefore && a.notAfter <= b.notAfter && !hasSameDates(a, b);

const hasSameDates = (a: Validity, b: Validity) => a.notBefore === b.notBefore && a.notAfter === b.notAfter;
