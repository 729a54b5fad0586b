import { redact } from '../common/redact';
import type { CertificateStatus, LiveView, LeaderStatus, ReloaderStatus, SourceStatus } from '../model';
import { certificateStatus, type StatusContext } from './certificate-status';
import { certificateFacts, type CertificateFacts } from './facts';
import type { Counters, Journal } from './journal';
import type { ServedBook } from './served-book';
import { SinceBook } from './since-book';

/** A reloader's status whose certificates are written out while they are walked through. */
export interface ReloaderView extends Omit<ReloaderStatus, 'certificates'> {
  certificates: () => Iterable<CertificateStatus>;
  facts: () => Iterable<CertificateFacts>;
  sourceOf: (bundleId: string) => string;
  status: () => ReloaderStatus;
  readonly counters: Counters;
  /** Another one whenever something of this may be. */
  readonly revision: string;
}

export interface ReloaderViewOptions {
  entry: string;
  mode: ReloaderStatus['mode'];
  intervalSeconds: number;
  live: () => LiveView;
  served: ServedBook;
  journal: Journal;
  /** Who writes, where one of many does. */
  leader?: () => LeaderStatus;
  now?: () => number;
}

/** Shows one reloader. Keeps since when each certificate is in its state, and nothing else. */
export class ReloaderShow {
  readonly #since = new SinceBook();
  #revision = 0;
  #noticed = { plan: null as LiveView['plan'], version: -1, count: -1 };

  constructor(private readonly options: ReloaderViewOptions) {}

  /**
   * Notices certificates that changed their state; to be called when something may have happened. Costs nothing
   * where nothing did.
   * @returns those that changed it
   */
  notice(): CertificateFacts[] {
    const { served, live } = this.options;
    const known = live();
    const { plan, version, count } = this.#noticed;
    if (known.plan === plan && served.version === version && known.certificates.size === count) return [];
    this.#noticed = { plan: known.plan, version: served.version, count: known.certificates.size };
    this.#revision += 1;
    served.keep(known.certificates);
    return this.#since.update(certificateFacts(known, served), this.now());
  }

  view(): ReloaderView {
    this.notice();
    const { entry, mode, intervalSeconds, journal, served, live } = this.options;
    const known = live();
    const leader = this.options.leader?.();
    const facts = () => certificateFacts(known, served);
    const context = this.context(known, leader);
    const shown = {
      entry,
      mode,
      interval_seconds: intervalSeconds,
      last_pass: journal.lastPass,
      last_success_at: journal.lastSuccessAt === null ? null : new Date(journal.lastSuccessAt).toISOString(),
      sources: sourceStatuses(known),
      ...journal.steps,
      ...(leader === undefined ? {} : { leader }),
      events: journal.events,
    };
    const certificates = function* () {
      for (const one of facts()) yield certificateStatus(one, context);
    };
    return {
      ...shown,
      facts,
      certificates,
      sourceOf: (id) => known.sourceOf(id),
      status: () => ({ ...shown, certificates: [...certificates()] }),
      counters: journal.counters,
      revision: `${this.#revision}.${journal.revision}${leader === undefined ? '' : JSON.stringify(leader)}`,
    };
  }

  private context(known: LiveView, leader: LeaderStatus | undefined): StatusContext {
    return {
      now: this.now(),
      pendingNote: leader === undefined || leader.is_leader ? null : noteOf(leader),
      sourceOf: (id) => known.sourceOf(id),
      since: (facts) => this.#since.since(facts),
      swappedAt: ({ certificate, half }) =>
        certificate === null ? undefined : this.options.served.swappedAt(certificate.id, half),
    };
  }

  private now(): number {
    return (this.options.now ?? Date.now)();
  }
}

function noteOf({ holder, error }: LeaderStatus): string {
  if (error !== null) return `it is not written: ${error}`;
  return holder === null
    ? 'nobody holds the Lease just now; whoever takes it writes this'
    : `another gateway writes it: ${holder}`;
}

function sourceStatuses({ sources }: LiveView): SourceStatus[] {
  return sources.map(({ id, bundles, error }) => ({
    id,
    up: error === null,
    bundles,
    error: error === null ? null : sourceError(error),
  }));
}

function sourceError({
  why,
  since,
}: NonNullable<LiveView['sources'][number]['error']>): SourceStatus['error'] {
  return { ...why, message: redact(why.message), since: new Date(since).toISOString() };
}
