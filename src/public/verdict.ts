import type { CertificateState, LifeLevel } from '../model';
import { ownFilesOf } from './own-files';
import type { CertificateStatus, ReloaderStatus, StatusReport } from './status';

/*
 * Decides what needs a person, and in which order. Page, title, icon, metrics and command line show this and
 * nothing else.
 */

/** Urgency of a state, worst first; null: nobody needs to act. */
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
/** Order of states that need nobody: unproven ones first, then all others, then bundles that nothing in Kong needs. */
const QUIET_RANK: Partial<Record<CertificateState, number>> = { unproven: 6, unused: 8 };

type Standing = Pick<CertificateStatus, 'certificate_id' | 'state' | 'expiry' | 'renewal_overdue'>;

/**
 * Key of a certificate in a link to the page: its id, `alt` for the other half, or its location if it is not in
 * Kong.
 */
export const linkKey = ({
  certificate_id: id,
  half,
  source,
  snis,
}: Pick<CertificateStatus, 'certificate_id' | 'half' | 'source' | 'snis'>): string =>
  id === null ? (source?.location ?? snis.join(' ')) : half === 'alt' ? `${id} alt` : id;

/** The level of its life that needs attention; null: none. A bundle that is not in Kong may expire. */
export function alarmingLife({ certificate_id: id, expiry }: Standing): LifeLevel | null {
  return id === null || expiry === null || LIFE_RANK[expiry] === null ? null : expiry;
}

/** Whether a late renewal is its only trouble: any worse trouble implies it. */
export const isOnlyLate = (certificate: Standing): boolean =>
  certificate.renewal_overdue &&
  STATE_RANK[certificate.state] === null &&
  certificate.state !== 'unused' &&
  alarmingLife(certificate) === null;

/** Smaller is more urgent. */
export function urgencyOf(certificate: Standing): number {
  const { state, renewal_overdue: isLate } = certificate;
  const life = alarmingLife(certificate);
  const ranks = [
    STATE_RANK[state],
    life === null ? null : LIFE_RANK[life],
    isLate && state !== 'unused' ? LATE_RANK : null,
  ].filter((rank) => rank !== null);
  return ranks.length > 0 ? Math.min(...ranks) : (QUIET_RANK[state] ?? 7);
}

type CountKind =
  'awaits_approval' | 'expired' | 'not_served' | 'refused' | 'overdue' | 'pending' | 'would_change';

type EntryFacts = Omit<ReloaderStatus, 'certificates'>;
type ReportFacts = Pick<StatusReport, 'kong' | 'waiting' | 'configuration_error'> & {
  reloaders: readonly EntryFacts[];
};

/** Certificates in the same trouble. */
interface Counted {
  count: number;
  /** An SNI of each, of three at most. */
  names: readonly string[];
}

const MAX_NAMES = 3;

/** A trouble that needs a person. */
export type Trouble =
  | { kind: 'kong_away' | 'nothing_runs'; detail: string | null }
  /** A newer configuration that cannot be used. */
  | { kind: 'configuration'; detail: string }
  | ({ kind: CountKind } & Counted)
  /** `first`: expiry of the first of them, which is named first. */
  | ({ kind: 'ending'; first: string; is_critical: boolean } & Counted)
  | ({ kind: 'writes_fail'; detail: string } & Counted)
  /** A certificate that Kong reads from a file for itself; `uses` is empty where clients without SNI get it. */
  | { kind: 'own_ending'; location: string; uses: readonly string[]; until: string; is_critical: boolean }
  /** Its file holds another one that Kong has not read, and nobody has Kong reloaded for it. */
  | { kind: 'own_outdated'; detail: string }
  | { kind: 'passes_failing' | 'writes_nothing'; entry: string; detail: string }
  | { kind: 'source_down'; id: string; detail: string };

export type TroubleKind = Trouble['kind'];

/** Counts certificates one by one, so that callers can pause among thousands. */
export class Tally {
  readonly states = new Map<CertificateState, number>();
  readonly lives = new Map<LifeLevel, number>();
  total = 0;
  /** Expiry of the next valid certificate in Kong. */
  nextEnd: string | null = null;
  #firstEnd: string | null = null;
  #failure = '';
  readonly #found = new Map<CountKind | 'ending' | 'writes_fail', { count: number; names: string[] }>();

  get late(): number {
    return this.#found.get('overdue')?.count ?? 0;
  }

  /** @param mode mode of its entry */
  add(certificate: CertificateStatus, mode: ReloaderStatus['mode']): void {
    const { state, expires_at: end, write_failure: failure, hold } = certificate;
    const life = alarmingLife(certificate);
    this.total += 1;
    if (certificate.certificate_id !== null && life !== 'expired') this.nextEnd = sooner(this.nextEnd, end);
    increase(this.states, state);
    if (state === 'not_served' || state === 'refused') this.note(state, certificate);
    if (hold?.kind === 'approval') this.note('awaits_approval', certificate);
    if (isOnlyLate(certificate)) this.note('overdue', certificate);
    // Absent in the status of an older version.
    if (failure != null) {
      this.note('writes_fail', certificate);
      this.#failure = failure.message;
    } else if (state === 'pending' && hold === undefined) {
      this.note(mode === 'observe' ? 'would_change' : 'pending', certificate);
    }
    if (life === null) return;
    increase(this.lives, life);
    if (life === 'expired') this.note('expired', certificate);
    else {
      const isFirst = end !== this.#firstEnd && sooner(end, this.#firstEnd) === end;
      this.note('ending', certificate, isFirst);
      this.#firstEnd = sooner(this.#firstEnd, end);
    }
  }

  private note(
    kind: CountKind | 'ending' | 'writes_fail',
    { snis: [sni], source, certificate_id: id }: CertificateStatus,
    isFirst = false,
  ): void {
    const found = this.#found.get(kind) ?? { count: 0, names: [] };
    this.#found.set(kind, found);
    found.count += 1;
    const name = sni ?? source?.location ?? id;
    if (name === null || found.names.includes(name)) return;
    if (isFirst) found.names = [name, ...found.names].slice(0, MAX_NAMES);
    else if (found.names.length < MAX_NAMES) found.names.push(name);
  }

  /** Troubles, the worst first; empty: all is well. */
  troubles({ kong, waiting, configuration_error: error, reloaders }: ReportFacts): Trouble[] {
    const counted = (...kinds: CountKind[]): Trouble[] =>
      kinds.flatMap((kind) => {
        const found = this.#found.get(kind);
        return found === undefined ? [] : [{ kind, ...found }];
      });
    const [ending, failing] = [this.#found.get('ending'), this.#found.get('writes_fail')];
    const troubles: Trouble[] = [];
    if (kong === null) troubles.push({ kind: 'kong_away', detail: waiting });
    else if (reloaders.length === 0) troubles.push({ kind: 'nothing_runs', detail: waiting });
    troubles.push(...counted('expired', 'not_served'));
    if (ending !== undefined && this.#firstEnd !== null) {
      const isCritical = this.lives.has('critical');
      troubles.push({ kind: 'ending', ...ending, first: this.#firstEnd, is_critical: isCritical });
    }
    troubles.push(...ownEndings(reloaders));
    troubles.push(...counted('refused'));
    if (failing !== undefined) troubles.push({ kind: 'writes_fail', ...failing, detail: this.#failure });
    if (error !== undefined) troubles.push({ kind: 'configuration', detail: error });
    troubles.push(...counted('overdue', 'awaits_approval', 'pending', 'would_change'));
    // Entries of one Kong say the same of its files.
    const outdated = new Set(reloaders.flatMap(ownOutdated));
    for (const detail of outdated) troubles.push({ kind: 'own_outdated', detail });
    return [...troubles, ...reloaders.flatMap(entryTroubles)];
  }
}

/** Expiring own files of all entries, each once; the first to expire first. */
function ownEndings(reloaders: readonly EntryFacts[]): Trouble[] {
  const found = new Map<string, Extract<Trouble, { kind: 'own_ending' }>>();
  for (const { location, uses, until, expiry } of reloaders.flatMap(ownFilesOf)) {
    if (until === null || expiry === undefined || LIFE_RANK[expiry] === null) continue;
    const isCritical = expiry !== 'ends_soon';
    found.set(location, { kind: 'own_ending', location, uses, until, is_critical: isCritical });
  }
  return [...found.values()].sort((a, b) => (a.until < b.until ? -1 : 1));
}

function ownOutdated({ default_certificate: byDefault, node_certificates: node }: EntryFacts): string[] {
  return [byDefault, node].flatMap((group) => {
    const isOutdated = group?.state === 'reload_pending' || group?.state === 'refused';
    return isOutdated && group.detail !== '' ? [group.detail] : [];
  });
}

function entryTroubles({ entry, last_pass: pass, sources, leader }: EntryFacts): Trouble[] {
  const troubles: Trouble[] = [];
  if (pass?.error != null) troubles.push({ kind: 'passes_failing', entry, detail: pass.error });
  if (leader?.is_leader === false && leader.error !== null)
    troubles.push({ kind: 'writes_nothing', entry, detail: leader.error });
  for (const { id, up, error } of sources)
    if (!up) troubles.push({ kind: 'source_down', id, detail: error?.message ?? '' });
  return troubles;
}

/** Names in brackets, as far as they are given: ` (a.example.com, b.example.com, …)`; empty: none. */
export function namesOf(
  { count, names }: Counted,
  [open, close]: readonly [string, string],
  comma: string,
): string {
  if (names.length === 0) return '';
  return `${open}${[...names, ...(count > names.length ? ['…'] : [])].join(comma)}${close}`;
}

const sooner = (a: string | null, b: string | null): string | null =>
  a === null || (b !== null && b < a) ? b : a;

function increase<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Troubles of a complete report. */
export function troublesOf(report: StatusReport): Trouble[] {
  const tally = new Tally();
  for (const { certificates, mode } of report.reloaders)
    for (const certificate of certificates) tally.add(certificate, mode);
  return tally.troubles(report);
}
