import type { Config } from '../config';
import { DatabaseTarget, DeclarativeTarget, tlsListeners, type TlsListener } from '../kong';
import type { PassCause, Reporter, Source, Target, Verifier } from '../model';
import { Reconciler, Schedule } from '../reconcile';
import { EventReporter, LogReporter, type LogRoot, type PostEvent } from '../report';
import { ReferrerNudger, type KubernetesClient } from '../sources/kubernetes';
import { HandshakeVerifier } from '../verify';
import type { Connection } from './connection';
import { createSources } from './sources';

/** A pass that read this many bundles leaves garbage that is worth a collection of 20 ms before the long rest. */
const MANY = 200;

export interface Reloader {
  /** Asks for a pass now. */
  request(cause: PassCause): void;
  /** Ends it; a pass that is under way is finished. */
  stop(): Promise<void>;
}

/** What a pass works with. */
export interface Stages {
  sources: readonly Source[];
  target: Target;
  /** Null: what is written is not proven. */
  verifier: Verifier | null;
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
  const { sources, cluster } = createSources(config);
  const { enabled, rollback } = config.verify;
  const stages = wrap({
    sources,
    target: targetOf(kong),
    verifier: enabled ? verifierOf(config, kong) : null,
  });
  const reconciler = new Reconciler({
    ...stages,
    observe: config.mode === 'observe',
    allowDowngrade: config.allow_downgrade,
    rollback,
    takeover: {
      mode: config.takeover,
      graceMs: config.takeover_grace * 1000,
      nudger: cluster === null ? null : new ReferrerNudger(cluster),
    },
  });
  const watch: Watch = (touched) => {
    const stops = sources.map((source) => source.watch?.(touched));
    return () => {
      for (const stop of stops) stop?.();
    };
  };
  const warnings = () => sources.flatMap((source) => source.warnings?.() ?? []);
  return { reconciler, target: stages.target, watch, warnings, cluster };
}

interface Composed {
  reconciler: Reconciler;
  target: Target;
  watch: Watch;
  /** What the sources have to say since the last call. */
  warnings: () => string[];
  /** Where Events about Secrets go. */
  cluster: KubernetesClient | null;
}

/** Starts all watches; returns how to stop them. */
type Watch = (touched: (what: string) => void) => () => void;

/** A running reloader: passes on schedule until it is stopped. */
export function startReloader(config: Config, kong: Connection, root: LogRoot, entry: string): Reloader {
  const logger = root.open(config.log);
  const { reconciler, watch, warnings, cluster } = compose(config, kong);
  const reporters: Reporter[] = [new LogReporter(logger, { entry })];
  if (cluster !== null) reporters.push(new EventReporter(postTo(cluster), logger));
  const schedule = new Schedule({
    intervalMs: config.interval * 1000,
    pass: async (cause, touched) => {
      const report = await reconciler.pass(cause, touched);
      for (const reporter of reporters) reporter.pass(report);
      for (const detail of warnings()) logger.log('warn', 'a key is not protected', { entry, detail });
      if (report.read > MANY) globalThis.gc?.();
      return report;
    },
    failed: (cause, error) => {
      for (const reporter of reporters) reporter.failed(cause, error);
    },
  });
  const unwatch = config.watch ? watch((what) => schedule.touch(what)) : () => undefined;
  schedule.start();
  return {
    request: (cause) => schedule.request(cause),
    stop: async () => {
      unwatch();
      await schedule.stop();
      cluster?.close();
      logger.close();
    },
  };
}

const postTo =
  (cluster: KubernetesClient): PostEvent =>
  (namespace, event) =>
    cluster.send('POST', `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`, event);
