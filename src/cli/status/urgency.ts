import { timeLeft } from '../../common/duration';
import type { CertificateState, LifeLevel } from '../../model';
import type { CertificateStatus, ReloaderStatus, StatusReport } from '../../public';
import { plural } from '../output';

/** How urgent a state is, worst first; null: nothing to do for anybody. */
const STATE_RANK: Record<CertificateState, number | null> = {
  not_served: 1,
  refused: 3,
  pending: 5,
  unproven: null,
  no_source: null,
  in_sync: null,
  unused: null,
};

const LIFE_RANK: Record<LifeLevel, number | null> = {
  expired: 0,
  critical: 2,
  ends_soon: 4,
  renewal_due: null,
  fresh: null,
};

const LATE_RANK = 4;
/** Of what needs nobody: how it stands is not known for sure, then all else, then what nothing in Kong asks for. */
const QUIET_RANK: Partial<Record<CertificateState, number>> = { unproven: 6, unused: 8 };

/** The level of its life that somebody should know of; null: none. What nothing in Kong asks for may expire. */
export function alarmingLife({ expiry, state }: CertificateStatus): LifeLevel | null {
  return expiry === null || state === 'unused' || LIFE_RANK[expiry] === null ? null : expiry;
}

/** Null: nothing to do for anybody. */
function urgency(certificate: CertificateStatus): number | null {
  const life = alarmingLife(certificate);
  const ranks = [
    STATE_RANK[certificate.state],
    life === null ? null : LIFE_RANK[life],
    certificate.renewal_overdue && certificate.state !== 'unused' ? LATE_RANK : null,
  ].filter((rank) => rank !== null);
  return ranks.length === 0 ? null : Math.min(...ranks);
}

export function byUrgency(certificates: readonly CertificateStatus[]): CertificateStatus[] {
  const rank = (one: CertificateStatus) => urgency(one) ?? QUIET_RANK[one.state] ?? 7;
  const end = ({ expires_at: at }: CertificateStatus) => (at === null ? Infinity : Date.parse(at));
  return [...certificates].sort((a, b) => rank(a) - rank(b) || end(a) - end(b));
}

/** Troubles that need a person, the worst first, in a few words each; empty: all is well. @param now milliseconds since the epoch */
export function troublesOf({ kong, waiting, reloaders }: StatusReport, now: number): string[] {
  const certificates = reloaders.flatMap((one) => one.certificates);
  const inState = (state: CertificateState) => certificates.filter((one) => one.state === state).length;
  const troubles: (string | null)[] = [
    kong === null ? `Kong is away: ${waiting ?? 'its Admin API does not answer'}` : null,
    reloaders.length === 0 && kong !== null ? (waiting ?? 'nothing runs') : null,
    count(certificates.filter((one) => alarmingLife(one) === 'expired').length, 'expired'),
    count(inState('not_served'), 'not served'),
    ending(certificates, now),
    count(inState('refused'), 'refused'),
    count(
      certificates.filter((one) => one.renewal_overdue && one.state !== 'unused').length,
      'not renewed in time',
    ),
    count(inState('pending'), 'about to be swapped'),
    ...reloaders.flatMap(reloaderTroubles),
  ];
  return troubles.filter((trouble) => trouble !== null);
}

function reloaderTroubles({ entry, last_pass: pass, sources }: ReloaderStatus): (string | null)[] {
  const down = sources.filter(({ up }) => !up).length;
  return [
    pass?.error == null ? null : `no pass can be made for entry ${entry}`,
    down === 0 ? null : `${plural(down, 'source')} down`,
  ];
}

const count = (number: number, what: string) => (number === 0 ? null : `${number} ${what}`);

/** `1 ends in 7 h`, `3 end soon, the first in 7 h`. */
function ending(certificates: readonly CertificateStatus[], now: number): string | null {
  const ends = certificates
    .filter((one) => ['critical', 'ends_soon'].includes(alarmingLife(one) ?? ''))
    .flatMap(({ expires_at: at }) => (at === null ? [] : [Date.parse(at)]));
  if (ends.length === 0) return null;
  const first = Math.min(...ends);
  const when = `in ${timeLeft(first - now)} (${new Date(first).toISOString().slice(0, 16)}Z)`;
  return ends.length === 1 ? `1 ends ${when}` : `${ends.length} end soon, the first ${when}`;
}
