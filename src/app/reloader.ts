import { collectGarbageSoon } from '../common/v8';
import { VERSION } from '../common/product';
import type { Config } from './config';
import type { Change, LiveView, Log, PassCause, PassReport, Reporter, SourcedBundle } from '../model';
import type { ReloaderStatus } from '../public';
import { eventPoster } from '../kubernetes';
import type { History } from '../history';
import { stateFolder } from '../gateway';
import { FormerPairs, HomesFile, homesPath, Schedule } from '../pass';
import { EventReporter, LogReporter, type LogRoot } from '../report';
import { EntryMemory, ReloaderPresenter, type ReloaderView } from '../status';
import { compose, holdsOf } from './compose';
import type { Connection } from './connection';
import type { Holds } from '../holds';
import { createElection } from './election';
import { hasOneListener, listenersOf, StreamListeners } from './listeners';
import { MAX_NAMES_ASKED } from '../verify';
import { createPatrol } from './patrol';

/** A pass that read this many bundles leaves garbage that is worth a collection of 20 ms before the long rest. */
const MANY = 200;

export interface Reloader {
  /** Starts the watches and the schedule. */
  start(): void;
  /** Asks for a pass. */
  request(cause: PassCause): void;
  /**
   * Asks for a pass and waits for it.
   * @throws Error when it cannot be made
   */
  demand(cause: PassCause): Promise<PassReport>;
  /** True while cert-manager is being asked for renewal times. */
  readonly isAsking: boolean;
  /**
   * The current view, also after `stop`.
   * @param isReachable false: Kong cannot be asked just now
   */
  view(isReachable?: boolean): ReloaderView;
  status(): ReloaderStatus;
  /** The facts to keep for the next process; null: no pass has been made. */
  knowledge: ReloaderPresenter['knowledge'];
  readonly holds: Holds;
  /** Changes that are held back. */
  waiting: () => readonly Change[];
  /**
   * Restores what a name had before its last swap, and waits for the proof.
   * @returns what was done, in a sentence; null: this reloader has not swapped it lately
   * @throws Error where it cannot be done
   */
  rollBack(name: string): Promise<string | null>;
  /** Ends it: the write that is under way is finished and proven, no other begins. */
  stop(isGone?: boolean): Promise<void>;
}

interface ReloaderOptions {
  /** The former state of this entry. */
  memory?: EntryMemory;
  /** Pairs that this process has replaced. */
  former?: FormerPairs;
  /** Records what happens; null: nothing is recorded. */
  history?: History | null;
  /** Called when what is known may have changed. */
  changed?: () => void;
}

/**
 * A reloader: once started it makes passes on schedule until it is stopped.
 * @throws Error where its sources cannot be set up; nothing is left open then
 */
export function createReloader(
  config: Config,
  kong: Connection,
  root: LogRoot,
  entry: string,
  {
    memory = new EntryMemory(),
    former = new FormerPairs(),
    history = null,
    changed = () => undefined,
  }: ReloaderOptions = {},
): Reloader {
  const { journal, served } = memory;
  const holds = holdsOf(config, kong);
  let isStopping = false;
  const composed = compose(config, kong, {
    listener: {
      written: (what) => {
        journal.written(what);
        served.written(what);
      },
    },
    ...(kong.facts() === null
      ? {}
      : { homesFile: new HomesFile(homesPath(stateFolder(kong.prefix), entry)) }),
    holds,
    former,
    isServed: (certificate, half, chain) => {
      const seen = served.seen(certificate, half);
      return seen?.verdict === 'served' && seen.expected === chain && seen.detail === '';
    },
    isSeenWhole: (snis) => snis.length <= MAX_NAMES_ASKED && hasOneListener(config, kong),
    mayWrite: () => election?.isLeader ?? true,
    isStopping: () => isStopping,
  });
  const { live, pass, revert, steps, watch, warnings, clusters, renewals, close } = composed;
  const logger = root.open(config.log);
  const election = createElection(config, kong, logger, entry, () => schedule.request('poll'));
  const show = new ReloaderPresenter({
    entry,
    mode: config.mode,
    intervalSeconds: config.interval,
    pins: () => holds.pins(Date.now()),
    live,
    memory,
    warningDays: config.expiry_warning_days,
    statusUrl: config.status.url,
    ...(election === null ? {} : { leader: () => election.status }),
  });
  const log: Log = (level, message, fields) => logger.log(level, message, { entry, ...fields });
  const reporters: Reporter[] = [journal, new LogReporter(logger, { entry })];
  if (history !== null) reporters.push(history);
  for (const [name, client] of clusters) {
    reporters.push(ofCluster(name, new EventReporter(eventPoster(client), logger)));
  }
  const schedule = new Schedule({
    intervalMs: config.interval * 1000,
    isWhole: composed.readAhead,
    pass: async (cause, touched, touches) => {
      holds.refresh();
      const report = await pass(cause, touched, touches);
      for (const reporter of reporters) await reporter.pass(report);
      journal.noteSteps(steps);
      for (const step of steps) step.log?.(log);
      for (const detail of warnings()) logger.log('warn', 'a key is not protected', { entry, detail });
      if (report.read > MANY) collectGarbageSoon();
      // Not awaited: nothing depends on it.
      if (cause !== 'watch') void renewals?.refresh(inSync(live()));
      afterPass(cause);
      return report;
    },
    failed: (cause, error) => {
      for (const reporter of reporters) reporter.failed(cause, error);
      afterPass(cause);
    },
  });
  const patrol = config.verify.enabled
    ? createPatrol(
        () => listenersOf(config, kong),
        new StreamListeners(config, kong),
        composed,
        schedule,
        served,
        () => {
          show.notice();
          changed();
        },
      )
    : null;
  // Not awaited: a caller that waits for the pass does not wait for this.
  const afterPass = (cause: PassCause) =>
    setImmediate(() => {
      show.notice();
      changed();
      if (!schedule.isRunning) patrol?.go(cause !== 'watch');
    });
  let unwatch: () => void = () => undefined;
  return {
    start: () => {
      if (history !== null) history.live = live;
      history?.note('started', { detail: `version ${VERSION}, mode ${config.mode}` });
      if (config.watch) unwatch = watch((what) => schedule.touch(what));
      election?.start();
      schedule.start();
    },
    request: (cause) => schedule.request(cause),
    demand: (cause) => schedule.demand(cause),
    get isAsking() {
      return renewals?.isAsking ?? false;
    },
    holds,
    rollBack: async (name) => {
      const request = revert.ask(name);
      try {
        await schedule.demand('command');
      } finally {
        revert.cancel(request);
      }
      const { kind, detail } = request.answer ?? { kind: 'trouble', detail: 'no pass was made' };
      if (kind === 'trouble') throw new Error(detail);
      return kind === 'nothing' ? null : detail;
    },
    waiting: () => live().plan?.changes ?? [],
    view: (isReachable) => show.view(isReachable),
    status: () => show.view().status(),
    knowledge: (place) => show.knowledge(place),
    stop: async (isGone = false) => {
      isStopping = true;
      unwatch();
      await patrol?.stop();
      await schedule.stop();
      await election?.stop();
      close();
      if (isGone) log('info', 'reloader stopped', {});
      logger.close();
    },
  };
}

/** The bundles that Kong has. */
function* inSync(live: LiveView): Iterable<SourcedBundle> {
  for (const id of live.plan?.inSync.keys() ?? []) {
    const bundle = live.bundle(id);
    if (bundle !== null) yield bundle;
  }
}

/** Passes only findings about Secrets of one cluster to a reporter. */
const ofCluster = (name: string | undefined, reporter: Reporter): Reporter => ({
  pass: async (report) => {
    const events = report.events.filter(({ secret }) => secret !== undefined && secret.cluster === name);
    if (events.length > 0) await reporter.pass({ ...report, events });
  },
  failed: (cause, error) => reporter.failed(cause, error),
});
