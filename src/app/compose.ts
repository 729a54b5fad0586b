import { issuerSet, NO_ISSUERS, type IssuerSet } from '../certificates';
import { ConfiguredFile } from '../common/configured-file';
import type { Config } from './config';
import { DefaultCertificateSource } from '../default-certificate';
import { kongIdentity, OUR_TAG, stateFolder } from '../gateway';
import { Holds, holdsPath } from '../holds';
import { ReferrerNudger, RenewalTimes, type Clusters } from '../kubernetes';
import {
  refusal,
  type Gateway,
  type Half,
  type HoldBook,
  type Nudger,
  type SecretRef,
  type Source,
  type WriteListener,
} from '../model';
import type { DifferenceStore, FormerPairs, HomesFile, ProgressListener } from '../pass';
import { createSources, isTrust } from '../sources';
import { Trust } from '../trust';
import { noCommonCipher } from '../verify';
import { DeclarativeFile } from '../write-back';
import type { Connection } from './connection';
import { createFileGroups, defaultFiles } from './file-groups';
import { tlsSettingsOf, verifierOf } from './listeners';
import { createPass, type PassRunner } from './pass';

interface ComposeOptions {
  /** Called with every write. */
  listener?: WriteListener;
  /** Whether Kong's listeners were last seen to serve this chain. */
  isServed?: (certificate: string, half: Half, chain: string) => boolean;
  /** Whether that was seen for each of these names, at every listener. */
  isSeenWhole?: (snis: readonly string[]) => boolean;
  /** File that remembers which source each certificate came from, from one process to the next. */
  homesFile?: HomesFile;
  /** Remembers since when the ingress controller has not taken a renewal, from one run to the next. */
  differences?: DifferenceStore;
  /** How long a pass waits for a slow source; default: a few seconds. Infinity: as long as it takes. */
  patienceMs?: number;
  /** Called with the progress of a pass. */
  progress?: ProgressListener;
  /** Pins, freezes and approvals; default: none. */
  holds?: HoldBook;
  /** The pairs that were swapped out last; they outlive the reloader. */
  former?: FormerPairs;
  /** Whether this gateway writes to Kong, where several share a database; default: it does. */
  mayWrite?: () => boolean;
  /** Whether this gateway is being stopped; default: it is not. */
  isStopping?: () => boolean;
}

export interface Composed extends PassRunner {
  gateway: Gateway;
  /** Starts all watches; returns how to stop them. */
  watch: (touched: (what: string) => void) => () => void;
  /** Warnings of the sources since the last call. */
  warnings: () => string[];
  /** The clusters to which Events about Secrets are sent. */
  clusters: Clusters;
  /** Asks for the renewal times of Secrets; null: no source has any. */
  renewals: RenewalTimes | null;
  /** Closes everything that the sources keep open. */
  close: () => void;
}

/**
 * Puts everything together for one configuration.
 * @throws Error where a source cannot be set up
 */
export function compose(config: Config, kong: Connection, options: ComposeOptions = {}): Composed {
  const { sources: configured, clusters, trust } = createSources(config, undefined, options.patienceMs);
  const gateway = kong.open();
  const files = createFileGroups(config, kong);
  const sources: Source[] = [
    ...configured,
    // Where no source is configured, Kong's own files may renew certificates of other names, too.
    ...(config.sources.every(isTrust) ? defaultFiles(kong) : []),
    ...(files.byDefault === null ? [] : [new DefaultCertificateSource(files.byDefault)]),
  ];
  const all = [...sources, ...trust];
  const tlsSettings = tlsSettingsOf(kong);
  const runner = createPass({
    ...options,
    sources,
    gateway,
    verifier: config.verify.enabled ? verifierOf(config, kong) : null,
    observe: config.mode === 'observe',
    allowDowngrade: config.allow_downgrade,
    addNames: config.add_names,
    trustedIssuers: trustedIssuersOf(config),
    rollback: config.verify.rollback,
    whyUnservable: (keyType) => noCommonCipher(keyType, tlsSettings()),
    takeover: {
      mode: config.takeover,
      graceMs: config.takeover_grace * 1000,
      nudger: clusters.size === 0 ? null : nudgerIn(clusters),
      ...(options.differences === undefined ? {} : { differences: options.differences }),
    },
    trust:
      trust.length === 0
        ? null
        : new Trust({ sources: trust, gateway, allowDowngrade: config.allow_downgrade, tag: OUR_TAG }),
    emptyCachesAfterMs: () => 2_000 * (kong.facts()?.databaseDelay ?? 0),
    declarativeFile: declarativeFileOf(config, kong),
    files,
  });
  return {
    ...runner,
    gateway,
    watch: (touched) => {
      const stops = [...all, ...(files.node === null ? [] : [files.node.certificates.files])].map((source) =>
        source.watch?.(touched),
      );
      return () => {
        for (const stop of stops) stop?.();
      };
    },
    warnings: () => sources.flatMap((source) => source.warnings?.() ?? []),
    clusters,
    renewals:
      clusters.size === 0
        ? null
        : new RenewalTimes({ clientOf: ({ cluster }: SecretRef) => clusters.get(cluster) ?? null }),
    close: () => {
      for (const source of all) source.close?.();
      for (const client of clusters.values()) client.close();
    },
  };
}

/** The declarative file to keep up to date; null: not configured, or Kong has a database. */
function declarativeFileOf(config: Config, kong: Connection): DeclarativeFile | null {
  if (!config.write_back || !kong.gateway.traits.startsFromFile) return null;
  return new DeclarativeFile(
    (id) => kong.gateway.certificates.readTexts(id),
    config.write_back_file ?? kong.facts()?.declarativeConfig ?? null,
    kong.facts() === null ? undefined : kongIdentity(kong.prefix).users,
  );
}

/**
 * Pins, freezes and approvals of an entry; pins and approvals are shared by all entries of a Kong.
 * @throws Error where a freeze is malformed
 */
export const holdsOf = (config: Config, kong: Pick<Connection, 'facts' | 'prefix'>): Holds =>
  new Holds({
    freeze: config.freeze,
    needsApproval: config.mode === 'approve',
    path: kong.facts() === null ? null : holdsPath(stateFolder(kong.prefix)),
    prefix: kong.prefix,
  });

/**
 * CAs that may take over, from a file that is read again when it changes; one that cannot be read later changes nothing.
 * @throws FileError where it cannot be read now
 */
export function trustedIssuersOf({ trusted_issuers_file: path }: Config): () => IssuerSet {
  if (path == null) return () => NO_ISSUERS;
  const file = new ConfiguredFile(path);
  let text = file.read();
  let issuers = issuerSet([text]);
  return () => {
    try {
      const fresh = file.read();
      if (fresh !== text) issuers = issuerSet([fresh]);
      text = fresh;
    } catch {
      return issuers;
    }
    return issuers;
  };
}

/** Nudges in the cluster of the Secret. */
const nudgerIn = (clusters: Clusters): Nudger => ({
  nudge: (secret, fingerprint) => {
    const client = clusters.get(secret.cluster);
    const nobody = refusal('managed_elsewhere', `no source reads the cluster of Secret ${secret.name}`);
    return client === undefined
      ? Promise.resolve(nobody)
      : new ReferrerNudger(client).nudge(secret, fingerprint);
  },
});
