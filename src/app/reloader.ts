import type { Config } from '../config';
import { DatabaseTarget, DeclarativeTarget, tlsListeners, type TlsListener } from '../kong';
import type {
  PassCause,
  PassReport,
  ReloaderStatus,
  Reporter,
  Source,
  Target,
  Verifier,
  Witness,
} from '../model';
import { Reconciler, Schedule, TrustingReconciler, type ReconcilerOptions } from '../reconcile';
import {
  DefaultCertificateLog,
  EventReporter,
  LogReporter,
  WriteBackLog,
  type LogRoot,
  type PostEvent,
} from '../report';
import { Journal, ReloaderShow, ServedBook, type ReloaderView } from '../status';
import { ReferrerNudger, type KubernetesClient } from '../sources/kubernetes';
import { HandshakeVerifier, Patrol } from '../verify';
import type { Connection } from './connection';
import {
  createDefaultCertificate,
  defaultFiles,
  withDefaultCertificate,
  type Pass,
} from './default-certificate';
import { createSources } from './sources';
import { createKeeper, isTrust } from './trust';
import { createWriteBack, withWriteBack } from './write-back';

/** A pass that read this many bundles leaves garbage that is worth a collection of 20 ms before the long rest. */
const MANY = 200;

export interface Reloader {
  /** Asks for a pass now. */
  request(cause: PassCause): void;
  /** Asks for a pass now and waits for it. @throws Error when it cannot be made */
  demand(cause: PassCause): Promise<PassReport>;
  /** What there is to see now. */
  view(): ReloaderView;
  status(): ReloaderStatus;
  /** Ends it; a pass that is under way is finished. */
  stop(): Promise<void>;
}

/** What a pass works with. */
export interface Stages {
  sources: readonly Source[];
  target: Target;
  /** Null: what is written is not proven. */
  verifier: Verifier | null;
  /** Is told of every write. */
  witness?: Witness;
}

/** The certificates of a Kong, in the way that it takes them. */
export function targetOf(kong: Connection): Target {
  return kong.mode === 'dbless' ? new DeclarativeTarget(kong.client) : new DatabaseTarget(kong.client);
}

/** The TLS listeners of this Kong, or those that are configured: a control plane has none itself. */
export function listenersOf({ verify: { listeners } }: Config, kong: Connection): readonly TlsListener[] {
  return listeners.length === 0
    ? kong.listeners
    : tlsListeners(listeners.map((listener) => `${listener} ssl`).join(','));
}

export function verifierOf(config: Config, kong: Connection): Verifier {
  return new HandshakeVerifier({
    listeners: listenersOf(config, kong),
    timeoutMs: config.verify.timeout * 1000,
    workers: () => kong.workers,
  });
}

/**
 * Puts the stages together for one configuration.
 * @param wrap may put something of its own around them, to see how far a pass is
 */
export function compose(
  config: Config,
  kong: Connection,
  wrap: (stages: Stages) => Stages = (stages) => stages,
): Composed {
  const { sources: configured, cluster, trust } = createSources(config);
  const target = targetOf(kong);
  const defaultCertificate = createDefaultCertificate(config, kong);
  const sources: Source[] = [
    ...configured,
    // Without a word on sources, certificates of other names may be renewed from Kong's own files, too.
    ...(config.sources.every(isTrust) ? defaultFiles(kong) : []),
    ...(defaultCertificate === null ? [] : [defaultCertificate]),
  ];
  const { enabled, rollback } = config.verify;
  const stages = wrap({
    sources,
    target,
    verifier: enabled ? verifierOf(config, kong) : null,
  });
  const observe = config.mode === 'observe';
  const options: ReconcilerOptions = {
    ...stages,
    observe,
    allowDowngrade: config.allow_downgrade,
    rollback,
    takeover: {
      mode: config.takeover,
      graceMs: config.takeover_grace * 1000,
      nudger: cluster === null ? null : new ReferrerNudger(cluster),
    },
  };
  const reconciler =
    trust.length === 0
      ? new Reconciler(options)
      : new TrustingReconciler(options, createKeeper(config, kong, target, trust));
  const watch: Watch = (touched) => {
    const stops = [...sources, ...trust].map((source) => source.watch?.(touched));
    return () => {
      for (const stop of stops) stop?.();
    };
  };
  const warnings = () => sources.flatMap((source) => source.warnings?.() ?? []);
  const written = withWriteBack(
    (cause, touched) => reconciler.pass(cause, touched),
    () => reconciler.knowledge,
    createWriteBack(config, kong),
    observe,
  );
  const close = () => {
    for (const source of [...sources, ...trust]) source.close?.();
    cluster?.close();
  };
  // A reload comes last: Kong may read its files again and ends this process.
  const pass = withDefaultCertificate(written, defaultCertificate, observe);
  return { reconciler, pass, target: stages.target, watch, warnings, cluster, close };
}

interface Composed {
  reconciler: Reconciler;
  pass: Pass;
  target: Target;
  watch: Watch;
  /** What the sources have to say since the last call. */
  warnings: () => string[];
  /** Where Events about Secrets go. */
  cluster: KubernetesClient | null;
  /** Ends what the sources keep open. */
  close: () => void;
}

/** Starts all watches; returns how to stop them. */
type Watch = (touched: (what: string) => void) => () => void;

/**
 * A running reloader: passes on schedule until it is stopped.
 * @param journal what happened under this entry before
 */
export function startReloader(
  config: Config,
  kong: Connection,
  root: LogRoot,
  entry: string,
  journal = new Journal(),
): Reloader {
  const logger = root.open(config.log);
  const served = new ServedBook();
  const { reconciler, pass, watch, warnings, cluster, close } = compose(config, kong, (stages) => ({
    ...stages,
    witness: {
      written: (what) => {
        journal.written(what);
        served.written(what);
      },
    },
  }));
  const show = new ReloaderShow({
    entry,
    mode: config.mode,
    intervalSeconds: config.interval,
    knowledge: () => reconciler.knowledge,
    served,
    journal,
  });
  const reporters: Reporter[] = [
    journal,
    new LogReporter(logger, { entry }),
    new DefaultCertificateLog(logger, { entry }),
    new WriteBackLog(logger, { entry }),
  ];
  if (cluster !== null) reporters.push(new EventReporter(postTo(cluster), logger));
  const schedule = new Schedule({
    intervalMs: config.interval * 1000,
    pass: async (cause, touched) => {
      const report = await pass(cause, touched);
      for (const reporter of reporters) reporter.pass(report);
      for (const detail of warnings()) logger.log('warn', 'a key is not protected', { entry, detail });
      if (report.read > MANY) globalThis.gc?.();
      afterPass(cause);
      return report;
    },
    failed: (cause, error) => {
      for (const reporter of reporters) reporter.failed(cause, error);
    },
  });
  const listeners = config.verify.enabled ? listenersOf(config, kong) : [];
  const patrol = listeners.length === 0 ? null : patrolOf(listeners, reconciler, schedule, served, show);
  // The pass is over first: whoever waits for it does not wait for this, too.
  const afterPass = (cause: PassCause) =>
    setImmediate(() => {
      show.notice();
      if (!schedule.isRunning) patrol?.go(cause !== 'watch');
    });
  const unwatch = config.watch ? watch((what) => schedule.touch(what)) : () => undefined;
  schedule.start();
  return {
    request: (cause) => schedule.request(cause),
    demand: (cause) => schedule.demand(cause),
    view: () => show.view(),
    status: () => show.view().status(),
    stop: async () => {
      unwatch();
      await patrol?.stop();
      await schedule.stop();
      close();
      logger.close();
    },
  };
}

/** After a round of more looks than this it is worth a collection. */
const FEW = 20;
/** The longest that a look at a listener takes. */
const LOOK_MS = 5_000;

function patrolOf(
  listeners: readonly TlsListener[],
  reconciler: Reconciler,
  schedule: Schedule,
  served: ServedBook,
  show: ReloaderShow,
): Patrol {
  return new Patrol({
    listeners,
    timeoutMs: LOOK_MS,
    certificates: () => reconciler.knowledge.certificates,
    isSeen: (certificate, half, chain) => served.seen(certificate, half)?.expected === chain,
    isStored: async (certificate, half, chain) => {
      const isStored = await reconciler.isStillStored(certificate, half, chain);
      if (!isStored) schedule.request('poll');
      return isStored;
    },
    note: (certificate, half, sight) => served.note(certificate, half, sight),
    done: (looked) => {
      show.notice();
      // Handshakes leave more behind than a process at rest cares to collect.
      if (looked > FEW) globalThis.gc?.();
    },
    isBusy: () => schedule.isRunning,
  });
}

const postTo =
  (cluster: KubernetesClient): PostEvent =>
  (namespace, event) =>
    cluster.send('POST', `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`, event);
