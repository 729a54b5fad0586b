import { parseCertificate, readableName } from '../certificates';
import { Slices } from '../common/slices';
import { isoTime } from '../common/time';
import { CERTIFICATE_STATES, LIFE_LEVELS, REASONS, type CertificateState, type LifeLevel } from '../model';
import {
  alarmingLife,
  isOnlyLate,
  linkKey,
  SORTS,
  Tally,
  urgencyOf,
  type CertificateDetails,
  type CertificateStatus,
  type ListedCertificate,
  type ListReport,
  type Sort,
} from '../public';
import type { CertificateFacts } from './facts';
import { shownOf, type ReloaderView } from './reloader-view';
import type { ReportView } from './report-view';

/** Query of the list of certificates. */
interface ListQuery {
  /** Lower-case words that must occur. */
  words: readonly string[];
  states: ReadonlySet<string>;
  lives: ReadonlySet<string>;
  isLate: boolean;
  source: string | null;
  entry: string | null;
  sort: Sort;
  offset: number;
  limit: number;
  /** Key of the certificate to show alone. */
  open: string | null;
}

const USUAL_LIMIT = 100;
const MAX_LIMIT = 500;
const MAX_QUERY = 256;

/** Parses the parameters of `GET /certificates`; meaningless values are ignored. */
export function parseListQuery(asked: URLSearchParams): ListQuery {
  const number = (name: string, usual: number, most: number) => {
    const value = Number(asked.get(name) ?? usual);
    return Number.isInteger(value) && value >= 0 ? Math.min(value, most) : usual;
  };
  const words = (asked.get('q') ?? '').slice(0, MAX_QUERY).toLowerCase().split(/\s+/);
  const levels = new Set(asked.getAll('expiry'));
  const isLate = levels.delete('overdue');
  const sort = asked.get('sort') as Sort;
  return {
    words: words.filter((word) => word !== ''),
    states: new Set(asked.getAll('state')),
    lives: levels,
    isLate,
    source: asked.get('source'),
    entry: asked.get('entry'),
    sort: SORTS.includes(sort) ? sort : 'urgency',
    offset: number('offset', 0, 1_000_000),
    limit: number('limit', USUAL_LIMIT, MAX_LIMIT),
    open: asked.get('open'),
  };
}

/** Sort record of a certificate, kept for each of thousands. */
interface Place {
  /** Entry and certificate, unique. */
  id: string;
  urgency: number;
  end: string;
  name: string;
  since: string;
}

const ORDERS: Record<Sort, (a: Place, b: Place) => number> = {
  urgency: (a, b) => a.urgency - b.urgency || compare(a.end, b.end) || compare(a.name, b.name),
  expiry: (a, b) => compare(a.end, b.end) || compare(a.name, b.name),
  name: (a, b) => compare(a.name, b.name),
  since: (a, b) => compare(b.since, a.since) || compare(a.name, b.name),
};

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Sorts after every time in ISO 8601. */
const NEVER = '~';

/**
 * One page of the certificates. They are iterated twice and written out one by one, so that 10,000 of them are
 * never held in memory; other work gets its turn meanwhile.
 */
export async function listReport(view: ReportView, query: ListQuery): Promise<ListReport> {
  const { adminRequests: _, reloaders, ...rest } = view;
  // One certificate may have a thousand names.
  const slices = new Slices(1);
  const tally = new Tally();
  const places: Place[] = [];
  for (const { entry, mode, certificates } of reloaders) {
    for (const certificate of certificates()) {
      tally.add(certificate, mode);
      if (isWanted(certificate, entry, query)) places.push(placeOf(certificate, entry));
      if (slices.due) await slices.pause();
    }
  }
  const first = await firstOf(places, ORDERS[query.sort], query.offset + query.limit, slices);
  const page = first.slice(query.offset);
  const found = new Map<string, ListedCertificate>();
  const wanted = new Set(page.map(({ id }) => id));
  for (const { entry, certificates } of reloaders) {
    if (wanted.size === found.size) break;
    for (const certificate of certificates()) {
      const id = idOf(certificate, entry);
      if (wanted.has(id)) found.set(id, listed(certificate, entry));
      if (wanted.size === found.size) break;
      if (slices.due) await slices.pause();
    }
  }
  return {
    ...rest,
    reloaders: reloaders.map(shownOf),
    troubles: tally.troubles(view),
    counts: {
      total: tally.total,
      states: Object.fromEntries(tally.states),
      lives: Object.fromEntries(tally.lives),
      late: tally.late,
      next_end: tally.nextEnd,
    },
    matching: places.length,
    offset: query.offset,
    certificates: page.flatMap(({ id }) => found.get(id) ?? []),
    opened: query.open === null ? null : await opened(reloaders, query.open, slices),
  };
}

/** Longest list that is sorted at once. */
const RUN = 2_000;

/** The first so many in an order: to sort 100,000 at once takes a tenth of a second. */
async function firstOf<T>(
  all: readonly T[],
  order: (a: T, b: T) => number,
  count: number,
  slices: Slices,
): Promise<T[]> {
  const runs: T[][] = [];
  for (let at = 0; at < all.length; at += RUN) {
    // The last one first, which is the quickest to take away.
    runs.push(
      all
        .slice(at, at + RUN)
        .sort(order)
        .reverse(),
    );
    if (slices.due) await slices.pause();
  }
  const first: T[] = [];
  while (first.length < count) {
    let next: T[] | null = null;
    for (const run of runs) {
      const [one, other] = [run.at(-1), next?.at(-1)];
      if (one !== undefined && (other === undefined || order(one, other) < 0)) next = run;
    }
    const found = next?.pop();
    if (found === undefined) break;
    first.push(found);
    if (slices.due) await slices.pause();
  }
  return first;
}

const listed = (certificate: CertificateStatus, entry: string): ListedCertificate => ({
  ...certificate,
  entry,
  link: linkKey(certificate),
});

const idOf = (certificate: CertificateStatus, entry: string) =>
  `${entry} ${linkKey(certificate)} ${certificate.certificate_id === null ? (certificate.refusal?.message ?? '') : ''}`;

const placeOf = (certificate: CertificateStatus, entry: string): Place => ({
  id: idOf(certificate, entry),
  urgency: urgencyOf(certificate),
  end: certificate.expires_at ?? NEVER,
  name: certificate.snis[0] ?? '',
  since: certificate.since,
});

function isWanted(certificate: CertificateStatus, entry: string, query: ListQuery): boolean {
  const { states, lives, isLate, words } = query;
  if (query.entry !== null && query.entry !== entry) return false;
  if (query.source !== null && query.source !== (certificate.source?.source ?? '')) return false;
  if (states.size > 0 && !states.has(certificate.state)) return false;
  if (lives.size > 0 || isLate) {
    const life = alarmingLife(certificate);
    const isOne = (life !== null && lives.has(life)) || (isLate && isOnlyLate(certificate));
    if (!isOne) return false;
  }
  if (words.length === 0) return true;
  const text = haystack(certificate);
  return words.every((word) => text.includes(word));
}

/** Words that people see and search for, besides those of the JSON. */
const STATE_WORDS = wordsOf<CertificateState>(CERTIFICATE_STATES);
const LIFE_WORDS = wordsOf<LifeLevel>(LIFE_LEVELS);

function wordsOf<Word extends string>(words: Readonly<Record<Word, string>>): Record<Word, string> {
  const all = Object.keys(words).map((word) => [word, `${word} ${word.replaceAll('_', ' ')}`]);
  return Object.fromEntries(all) as Record<Word, string>;
}

/** Everything that a search may match. */
function haystack(certificate: CertificateStatus): string {
  const { certificate_id: id, snis, state, source, stored, served, refusal, owner } = certificate;
  const life = alarmingLife(certificate);
  const parts = [
    id,
    ...snis,
    STATE_WORDS[state],
    life === null ? null : LIFE_WORDS[life],
    owner,
    source?.location,
    source?.source,
    ...[source, stored, served].map((one) => one?.fingerprint_sha256),
    source?.serial,
    stored?.serial,
    refusal?.reason,
    refusal === null ? null : REASONS[refusal.reason],
    refusal?.message,
    certificate.note,
  ];
  return parts.filter(Boolean).join('\n').toLowerCase();
}

async function opened(
  reloaders: readonly ReloaderView[],
  key: string,
  slices: Slices,
): Promise<CertificateDetails | null> {
  for (const { entry, certificates, facts } of reloaders) {
    for (const certificate of certificates()) {
      if (slices.due) await slices.pause();
      if (linkKey(certificate) !== key) continue;
      for (const one of facts()) {
        if (slices.due) await slices.pause();
        if (isSame(one, certificate)) return detailsOf(listed(certificate, entry), one);
      }
      return detailsOf(listed(certificate, entry), null);
    }
  }
  return null;
}

const isSame = (facts: CertificateFacts, { certificate_id: id, half, source }: CertificateStatus): boolean =>
  id === null
    ? facts.certificate === null && facts.bundle?.location === source?.location
    : facts.certificate?.id === id && facts.half === half;

function detailsOf(certificate: ListedCertificate, facts: CertificateFacts | null): CertificateDetails {
  const leaf = facts?.stored?.leaf ?? facts?.bundle?.leaf ?? null;
  const reach = facts?.stored?.leaf == null ? (facts?.bundle?.reach ?? null) : facts.stored.reach;
  const issuer = reach?.issuers[0] ?? leaf?.issuer;
  return {
    certificate,
    names: leaf === null ? null : [...leaf.names, ...(leaf.ips ?? [])],
    issuer: issuer === undefined ? null : readableName(issuer),
    key_type: leaf === null ? null : `${leaf.keyType} ${leaf.keyBits}`,
    chain: (reach?.certificates ?? []).map((der) => {
      const { subject, info } = parseCertificate(Buffer.from(der));
      return {
        name: readableName(subject),
        fingerprint_sha256: info.fingerprint,
        expires_at: isoTime(info.notAfter),
      };
    }),
    has_root: reach?.hasRoot ?? null,
  };
}
