import type { Config } from '../config';
import { DatabaseTarget, DeclarativeTarget, tlsListeners, type TlsListener } from '../gateway';
import {
  refusal,
  type Nudger,
  type SecretRef,
  type Source,
  type Target,
  type Verifier,
  type Witness,
} from '../model';
import { Reconciler, TrustingReconciler, type ReconcilerOptions } from '../reconcile';
import { ReferrerNudger, RenewalTimes, type Clusters } from '../kubernetes';
import { createSources, isTrust } from '../sources';
import { HandshakeVerifier } from '../verify';
import type { Connection } from './connection';
import {
  createDefaultCertificate,
  defaultFiles,
  withDefaultCertificate,
  type Pass,
} from './default-certificate';
import { createKeeper } from './trust';
import { createWriteBack, withWriteBack } from './write-back';

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
 * @param mayWrite whether this gateway writes to Kong, among many
 * @param wrap may put something of its own around them, to see how far a pass is
 */
export function compose(
  config: Config,
  kong: Connection,
  wrap: (stages: Stages) => Stages = (stages) => stages,
  mayWrite?: () => boolean,
): Composed {
  const { sources: configured, clusters, trust } = createSources(config);
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
    ...(mayWrite === undefined ? {} : { mayWrite }),
    allowDowngrade: config.allow_downgrade,
    rollback,
    takeover: {
      mode: config.takeover,
      graceMs: config.takeover_grace * 1000,
      nudger: clusters.size === 0 ? null : nudgerIn(clusters),
    },
  };
  const reconciler =
    trust.length === 0
      ? new Reconciler(options)
      : new TrustingReconciler(options, createKeeper(config, kong, target, trust, Date.now, mayWrite));
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
  const clientOf = ({ cluster }: SecretRef) => clusters.get(cluster) ?? null;
  const renewals = clusters.size === 0 ? null : new RenewalTimes({ clientOf });
  const close = () => {
    for (const source of [...sources, ...trust]) source.close?.();
    for (const client of clusters.values()) client.close();
  };
  // A reload comes last: Kong may read its files again and ends this process.
  const pass = withDefaultCertificate(written, defaultCertificate, observe);
  return { reconciler, pass, target: stages.target, watch, warnings, clusters, renewals, close };
}

/** Nudges in the cluster that the Secret is in. */
const nudgerIn = (clusters: Clusters): Nudger => ({
  nudge: (secret, fingerprint) => {
    const client = clusters.get(secret.cluster);
    const nobody = refusal('managed_elsewhere', `no source looks at the cluster of Secret ${secret.name}`);
    return client === undefined
      ? Promise.resolve(nobody)
      : new ReferrerNudger(client).nudge(secret, fingerprint);
  },
});

interface Composed {
  reconciler: Reconciler;
  pass: Pass;
  target: Target;
  watch: Watch;
  /** What the sources have to say since the last call. */
  warnings: () => string[];
  /** Where Events about Secrets go. */
  clusters: Clusters;
  /** Asks when certificates of Secrets are to be renewed; null: there are none. */
  renewals: RenewalTimes | null;
  /** Ends what the sources keep open. */
  close: () => void;
}

/** Starts all watches; returns how to stop them. */
type Watch = (touched: (what: string) => void) => () => void;
