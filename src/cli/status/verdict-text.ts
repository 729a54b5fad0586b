import { timeLeft } from '../../common/time';
import {
  namesOf,
  troublesOf,
  urgencyOf,
  type CertificateStatus,
  type StatusReport,
  type Trouble,
} from '../../public';

/** Sorts the most urgent first, then by expiry. */
export function byUrgency(certificates: readonly CertificateStatus[]): CertificateStatus[] {
  const end = ({ expires_at: at }: CertificateStatus) => (at === null ? Infinity : Date.parse(at));
  return [...certificates].sort((a, b) => urgencyOf(a) - urgencyOf(b) || end(a) - end(b));
}

/**
 * Troubles that need a person, the worst first, in a few words each; empty: all is well.
 * @param now milliseconds since the epoch
 */
export function verdictText(report: StatusReport, now: number): string[] {
  return troublesOf(report).map((trouble) => textOf(trouble, now));
}

type Named = Parameters<typeof namesOf>[0];

const named = (trouble: Named) => namesOf(trouble, [' (', ')'], ', ');

function textOf(trouble: Trouble, now: number): string {
  switch (trouble.kind) {
    case 'kong_away':
      return `Kong is away: ${trouble.detail ?? 'its Admin API does not answer'}`;
    case 'nothing_runs':
      return trouble.detail ?? 'nothing runs';
    case 'configuration':
      return `the new configuration is not used: ${trouble.detail}`;
    case 'expired':
      return `${trouble.count} expired${named(trouble)}`;
    case 'not_served':
      return `${trouble.count} not served${named(trouble)}`;
    case 'ending':
      return ending(trouble, now);
    case 'refused':
      return `${trouble.count} refused${named(trouble)}`;
    case 'writes_fail':
      return `${trouble.count} cannot be written${named(trouble)}: ${trouble.detail}`;
    case 'overdue':
      return `${trouble.count} not renewed in time${named(trouble)}`;
    case 'pending':
      return `${trouble.count} about to be swapped${named(trouble)}`;
    case 'awaits_approval':
      return `${trouble.count} to be approved${named(trouble)}`;
    case 'would_change':
      return `${trouble.count} would be swapped${named(trouble)}, mode: observe`;
    case 'own_ending':
      return ownEnding(trouble, now);
    case 'own_outdated':
      return trouble.detail;
    case 'passes_failing':
      return `no pass succeeds for entry ${trouble.entry}`;
    case 'writes_nothing':
      return `entry ${trouble.entry} writes nothing: ${trouble.detail}`;
    case 'source_down':
      return `${trouble.id} is down`;
  }
}

/** `1 ends in 7 h`, `3 end soon, the first in 7 h`. */
function ending(trouble: Extract<Trouble, { kind: 'ending' }>, now: number): string {
  const { count, first } = trouble;
  const when = `in ${timeLeft(Date.parse(first) - now)}, ${first.slice(0, 16)}Z`;
  return `${count === 1 ? `1 ends ${when}` : `${count} end soon, the first ${when}`}${named(trouble)}`;
}

/** `/etc/kong/admin.crt (Kong's own, for admin) ends in 7 h`. */
function ownEnding({ location, uses, until }: Extract<Trouble, { kind: 'own_ending' }>, now: number): string {
  const whose = uses.length === 0 ? 'for clients without SNI' : `for ${uses.join(', ')}`;
  const left = Date.parse(until) - now;
  const end = left <= 0 ? 'has expired' : `ends in ${timeLeft(left)} (${until.slice(0, 16)}Z)`;
  return `Kong's own certificate ${whose} ${end}: ${location}`;
}
