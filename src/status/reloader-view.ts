import { isoTime } from '../common/time';
import { lifeOf, type Leadership, type LiveView, type Pin, type StrayFile } from '../model';
import type {
  CertificateStatus,
  LeaderStatus,
  NodeFileStatus,
  PinStatus,
  ReloaderStatus,
  SourceStatus,
} from '../public';
import { certificateStatus, type StatusContext } from './certificate-status';
import { certificateFacts, type CertificateFacts } from './facts';
import type { EntryMemory } from './entry-memory';
import type { Counters } from './journal';
import type { FactsBeside } from './kept-facts';
import type { Knowledge, KnowledgeHead } from './knowledge-file';

/** A reloader's status whose certificates are written out during the iteration. */
export interface ReloaderView extends Omit<ReloaderStatus, 'certificates'> {
  certificates: () => Iterable<CertificateStatus>;
  facts: () => Iterable<CertificateFacts>;
  /** Days before an expiry set by hand as warnings. */
  warningDays: readonly number[];
  sourceOf: (bundleId: string) => string;
  /** Start of its present state (milliseconds since the epoch). */
  sinceOf: (facts: CertificateFacts) => number | undefined;
  /** `status.url`; null: not configured. */
  statusUrl: string | null;
  status: () => ReloaderStatus;
  readonly counters: Counters;
  /** Changes whenever anything here may have changed. */
  readonly revision: string;
}

/** All JSON of an entry except its certificates. */
export function shownOf({
  certificates: _,
  facts: _facts,
  warningDays: _days,
  counters: _counters,
  status: _status,
  revision: _revision,
  statusUrl: _url,
  sourceOf: _source,
  sinceOf: _since,
  ...shown
}: ReloaderView) {
  return shown;
}

interface ReloaderViewOptions {
  entry: string;
  mode: ReloaderStatus['mode'];
  intervalSeconds: number;
  live: () => LiveView;
  /** Pinned names; default: none. */
  pins?: () => readonly Pin[];
  memory: EntryMemory;
  /** The leader, where one of many gateways writes. */
  leader?: () => Leadership;
  /** Days before an expiry set by hand as warnings. */
  warningDays?: readonly number[];
  /** `status.url` of the configuration. */
  statusUrl?: string | null | undefined;
  now?: () => number;
}

/** Presents one reloader, or the last known state before it. */
export class ReloaderPresenter {
  #revision = 0;
  /** Increases when a plan or a state is new. */
  #changes = 0;
  #noticed = { plan: null as LiveView['plan'], version: -1, served: -1, count: -1 };

  constructor(private readonly options: ReloaderViewOptions) {}

  /**
   * Finds certificates that changed their state; to be called after something may have happened, free where nothing
   * did.
   * @returns the certificates that changed
   */
  notice(): CertificateFacts[] {
    const { memory, live } = this.options;
    const { served, since } = memory;
    const known = memory.latest(live());
    const before = this.#noticed;
    if (known.plan === null) return [];
    const { plan, certificates } = known;
    this.#noticed = { plan, version: served.version, served: served.changes, count: certificates.size };
    const isSame = plan === before.plan && certificates.size === before.count;
    if (isSame && served.version === before.version) return [];
    this.#revision += 1;
    // Most handshakes between passes show what was known.
    if (isSame && served.changes === before.served) return [];
    served.keep(known.certificates);
    const changed = since.update(certificateFacts(known, served), this.now());
    if (changed.length > 0 || !isSame) this.#changes += 1;
    return changed;
  }

  /**
   * The facts for the next process; a changed `mark` means that they are worth writing. Null: no pass has been made.
   */
  knowledge(place: Pick<KnowledgeHead, 'kong' | 'status_listen'>): (Knowledge & { mark: string }) | null {
    this.notice();
    const { memory, live } = this.options;
    const known = memory.latest(live());
    const { sources, known_at: at, events, ...view } = this.view();
    if (known.plan === null || at === null) return null;
    const { entry, mode, interval_seconds, default_certificate, node_certificates } = view;
    const { served } = memory;
    const context = this.context(known, undefined);
    const head: KnowledgeHead = {
      ...{ entry, mode, interval_seconds, ...place },
      ...{ known_at: at, warning_days: view.warningDays, status_url: view.statusUrl, sources, events },
      ...(default_certificate === undefined ? {} : { default_certificate }),
      ...(node_certificates === undefined ? {} : { node_certificates }),
    };
    const beside = (facts: CertificateFacts): FactsBeside => ({
      source: facts.bundleId === null ? '' : known.sourceOf(facts.bundleId),
      since: context.since(facts) ?? context.now,
      swappedAt: context.swappedAt(facts) ?? null,
    });
    return {
      head,
      mark: JSON.stringify([this.#changes, { ...head, known_at: '' }]),
      certificates: function* () {
        for (const facts of certificateFacts(known, served)) yield [facts, beside(facts)] as const;
      },
    };
  }

  /** @param isReachable false: Kong cannot be asked, so the state is that of the last pass */
  view(isReachable = true): ReloaderView {
    this.notice();
    const { entry, mode, intervalSeconds, memory, live } = this.options;
    const { journal, served } = memory;
    const own = live();
    const known = memory.latest(own);
    const { remembered } = memory;
    const leadership = this.options.leader?.();
    const pins = this.options.pins?.() ?? [];
    const facts = remembered?.facts ?? (() => certificateFacts(known, served));
    const context = this.context(known, leadership);
    const shown = {
      entry,
      mode,
      interval_seconds: intervalSeconds,
      last_pass: journal.lastPass,
      last_success_at: journal.lastSuccessAt === null ? null : new Date(journal.lastSuccessAt).toISOString(),
      known_at: journal.lastSuccessAt === null ? null : new Date(journal.lastSuccessAt).toISOString(),
      is_current: isReachable && own.plan !== null && journal.lastPass?.error === null,
      sources: remembered?.sources ?? sourceStatuses(known),
      ...withLevels(journal.steps, context),
      ...(pins.length === 0 ? {} : { pins: pins.map(pinStatus) }),
      ...(leadership === undefined ? {} : { leader: leaderStatus(leadership) }),
      events: journal.events,
    };
    const certificates = function* () {
      for (const one of facts()) yield certificateStatus(one, context);
    };
    return {
      ...shown,
      facts,
      warningDays: context.warningDays,
      certificates,
      sourceOf: context.sourceOf,
      sinceOf: context.since,
      statusUrl: this.options.statusUrl ?? null,
      status: () => ({ ...shown, certificates: [...certificates()] }),
      counters: journal.counters,
      revision: `${this.#revision}.${journal.revision}${shown.is_current ? '' : ' was'}${leadership === undefined ? '' : JSON.stringify(leadership)}`,
    };
  }

  private context(known: LiveView, leader: Leadership | undefined): StatusContext {
    return {
      now: this.now(),
      warningDays: this.options.warningDays ?? [],
      pendingNote: leader === undefined || leader.isLeader ? null : noteOf(leader),
      sourceOf: this.options.memory.remembered?.sourceOf ?? ((id) => known.sourceOf(id)),
      since: (facts) => this.options.memory.since.since(facts),
      swappedAt: ({ certificate, half }) =>
        certificate === null ? undefined : this.options.memory.served.swappedAt(certificate.id, half),
    };
  }

  private now(): number {
    return (this.options.now ?? Date.now)();
  }
}

type Groups = Pick<ReloaderStatus, 'default_certificate' | 'node_certificates'>;

/** What Kong reads from files for itself gets the level of its life as of now. */
function withLevels(
  { default_certificate: byDefault, node_certificates: node, ...steps }: Partial<ReloaderStatus>,
  context: StatusContext,
): Omit<Partial<ReloaderStatus>, keyof Groups> & Groups {
  return {
    ...steps,
    ...(byDefault === undefined
      ? {}
      : {
          default_certificate: { ...byDefault, files: byDefault.files.map((one) => withLevel(one, context)) },
        }),
    ...(node === undefined
      ? {}
      : { node_certificates: { ...node, files: node.files.map((one) => withLevel(one, context)) } }),
  };
}

type Times = Pick<NodeFileStatus, 'not_after' | 'served_not_before' | 'served_not_after' | 'expiry'>;

function withLevel<File extends Times>(file: File, { now, warningDays }: StatusContext): File {
  const until = file.served_not_after ?? file.not_after;
  if (until === null) return file;
  const notBefore = file.served_not_before === null ? null : Date.parse(file.served_not_before);
  const { level } = lifeOf({ notBefore, notAfter: Date.parse(until), renewalAt: null }, now, warningDays);
  return { ...file, expiry: level };
}

export const pinStatus = ({ name, until, since, isRollback }: Pin): PinStatus => ({
  name,
  until: until === null ? null : isoTime(until),
  since: isoTime(since),
  ...(isRollback === true ? { is_rollback: true } : {}),
});

const leaderStatus = ({ isLeader, holder, error }: Leadership): LeaderStatus => ({
  is_leader: isLeader,
  holder,
  error,
});

function noteOf({ holder, error }: Leadership): string {
  if (error !== null) return `it is not written: ${error}`;
  return holder === null
    ? 'nobody holds the Lease at the moment; whoever takes it writes this'
    : `another gateway writes it: ${holder}`;
}

/** Most stray files of each source; a folder may hold any number. */
const MOST_STRAYS = 100;

const strayFiles = (strays: readonly StrayFile[]) => ({
  stray_files: strays
    .slice(0, MOST_STRAYS)
    .map(({ location, reason, message }) => ({ location, reason, message })),
  stray_file_count: strays.length,
});

function sourceStatuses({ sources }: LiveView): SourceStatus[] {
  return sources.map(({ id, bundles, error, strays = [] }) => ({
    id,
    up: error === null,
    bundles,
    error: error === null ? null : sourceError(error),
    ...(strays.length === 0 ? {} : strayFiles(strays)),
  }));
}

function sourceError({
  why,
  since,
}: NonNullable<LiveView['sources'][number]['error']>): SourceStatus['error'] {
  return { ...why, since: new Date(since).toISOString() };
}
