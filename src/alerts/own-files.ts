import { timeLeft } from '../common/time';
import { lifeOf } from '../model';
import { ownFilesOf, type OwnFile, type ReloaderStatus } from '../public';
import type { Condition } from './alert';

const DAY_MS = 86_400_000;

type OwnFiles = Pick<ReloaderStatus, 'default_certificate' | 'node_certificates'>;

/** The ends of certificates that Kong reads from files for itself. */
export function ownExpiries(status: OwnFiles, warningDays: readonly number[], now: number): Condition[] {
  return ownFilesOf(status)
    .map((file) => ownExpiry(file, warningDays, now))
    .filter((condition) => condition !== null);
}

/** A certificate that Kong reads from a file, for as long as it or what Kong has of it is near its end. */
function ownExpiry(file: OwnFile, warningDays: readonly number[], now: number): Condition | null {
  const { location, uses, inFile, servedFrom, served, until } = file;
  if (until === null) return null;
  const kind = uses.length === 0 ? 'default_expiring' : 'node_expiring';
  const end = Date.parse(until);
  const times = {
    notBefore: servedFrom === null ? null : Date.parse(servedFrom),
    notAfter: end,
    renewalAt: null,
  };
  const { level, days, soonAt, criticalAt } = lifeOf(times, now, warningDays);
  if (level === 'fresh' || level === 'renewal_due') return null;
  const isUrgent = level === 'critical' || level === 'expired';
  const what = `${location} (${uses.length === 0 ? 'for clients without SNI' : `Kong's own, for ${uses.join(', ')}`})`;
  const isNewer = served !== null && inFile !== null && Date.parse(inFile) > end;
  return {
    kind,
    key: `${kind} ${location} ${days ?? level}`,
    topic: `${kind} ${location}`,
    severity: isUrgent ? 'critical' : 'warning',
    since: end <= now ? end : isUrgent ? criticalAt : soonAt,
    labels: { location, level },
    facts: { location, not_after: until, days_left: Math.floor((end - now) / DAY_MS), level },
    link: null,
    summary: end <= now ? `${what} has expired` : `${what} expires in ${timeLeft(end - now)}`,
    description: isNewer
      ? `The file has a newer one, valid until ${inFile}: Kong reads it when it is reloaded.`
      : 'The file has no newer one.',
  };
}

/** Kong goes on with what it read before: somebody has to reload it, or to mend the files. */
export function reloadsPending(
  { default_certificate: byDefault, node_certificates: node }: OwnFiles,
  now: number,
): Condition[] {
  const groups = [
    { group: byDefault, what: 'clients without SNI still get the former certificate' },
    { group: node, what: 'Kong still uses the former version of its own certificates' },
  ];
  return groups.flatMap(({ group, what }) => {
    if (group?.state !== 'reload_pending' && group?.state !== 'refused') return [];
    const location = group.files[0]?.location ?? '';
    const why =
      group.state === 'refused' ? 'the file now holds an unusable certificate' : 'it was not reloaded';
    return {
      kind: 'reload_pending' as const,
      key: `reload_pending ${location} ${group.state}`,
      topic: `reload ${location}`,
      severity: 'warning' as const,
      since: now,
      isSinceSeen: true as const,
      labels: { location },
      facts: { location },
      link: null,
      summary: `${what}: ${why} (${location})`,
      description: group.detail,
    };
  });
}
