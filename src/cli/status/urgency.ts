import type { CertificateState } from '../../model';
import type { CertificateStatus, ReloaderStatus, StatusReport } from '../../public';

/** What stands in the way, worst first. */
const RANK: Record<CertificateState, number> = {
  not_served: 1,
  refused: 2,
  pending: 4,
  unproven: 5,
  no_source: 6,
  in_sync: 6,
  unused: 7,
};

/** Days before the end from which on a certificate counts as expiring. */
export const EXPIRING_DAYS = 14;

export const isExpiring = ({ days_left: days, state }: CertificateStatus): boolean =>
  days !== null && days < EXPIRING_DAYS && state !== 'unused';

const isExpired = (certificate: CertificateStatus) =>
  isExpiring(certificate) && (certificate.days_left ?? 0) < 0;

/** Lower is more urgent: expired, then what differs, then what ends soonest. */
function rank(certificate: CertificateStatus): number {
  if (isExpired(certificate)) return 0;
  const own = RANK[certificate.state];
  return own > 3 && (isExpiring(certificate) || certificate.renewal_overdue) ? 3 : own;
}

export function byUrgency(certificates: readonly CertificateStatus[]): CertificateStatus[] {
  return [...certificates].sort(
    (a, b) => rank(a) - rank(b) || (a.days_left ?? Infinity) - (b.days_left ?? Infinity),
  );
}

/** Nothing to do for anybody. */
const isWell = (certificate: CertificateStatus): boolean => rank(certificate) > 4;

const isReloaderWell = ({ last_pass: pass, sources, certificates }: ReloaderStatus): boolean =>
  (pass === null || pass.error === null) && sources.every(({ up }) => up) && certificates.every(isWell);

export const isAllWell = ({ kong, reloaders }: StatusReport): boolean =>
  kong !== null && reloaders.length > 0 && reloaders.every(isReloaderWell);
