import { statSync } from 'node:fs';
import type { Config } from './config';
import { DefaultCertificate, NODE_WORDS, type FileGroups, type SendReload } from '../default-certificate';
import { kongReadAt, KongReload } from '../gateway';
import { FileSource } from '../sources';
import { servedWithoutSni } from '../verify';
import type { Connection } from './connection';

/** How long after a reload the old workers may still answer, and the new ones be missing. */
const RELOAD_PATIENCE_MS = 15_000;

/** One source for each pair of files that Kong serves to clients without SNI (one for each type of key). */
export const defaultFiles = (kong: Connection): FileSource[] =>
  (kong.facts()?.defaultCertificate ?? []).map(({ cert, key }) => new FileSource(cert, key, false));

export interface Files extends FileGroups {
  send: SendReload;
}

/** The groups of files that Kong reads at start and at a reload, as far as the configuration has them watched. */
export function createFileGroups(config: Config, kong: Connection): Files {
  const reload = new KongReload(kong.prefix, kong.gateway.traits.startsFromFile);
  return {
    byDefault: byDefault(config, kong, reload),
    node: ofNode(config, kong, reload),
    trusted: () => kong.facts()?.trusted ?? [],
    send: (fingerprints) => reload.send(fingerprints),
  };
}

function byDefault(config: Config, kong: Connection, reload: KongReload): DefaultCertificate | null {
  const { default_certificate: mode, allow_downgrade: allowDowngrade } = config;
  const files = defaultFiles(kong);
  if (mode === 'off' || files.length === 0 || httpListeners(kong).length === 0) return null;
  return new DefaultCertificate({
    mode,
    files,
    served: (keyType, isWanted) => servedWithoutSni(httpListeners(kong), keyType, 2 * kong.workers, isWanted),
    reloadedFor: (fingerprint) => reload.doneFor(fingerprint),
    allowDowngrade,
    patienceMs: RELOAD_PATIENCE_MS,
  });
}

function ofNode(config: Config, kong: Connection, reload: KongReload): FileGroups['node'] {
  const { node_certificates: mode, allow_downgrade: allowDowngrade } = config;
  // One file may be used in several places; each path is watched once.
  const pairs = new Map((kong.facts()?.nodeCertificates ?? []).map((one) => [one.cert, one]));
  if (pairs.size === 0) return null;
  const now = (path: string) => (kong.facts()?.nodeCertificates ?? []).filter(({ cert }) => cert === path);
  const uses = new Map([...pairs.keys()].map((path) => [path, now(path).map(({ use }) => use)]));
  const certificates = new DefaultCertificate({
    words: NODE_WORDS,
    mode,
    files: [...pairs.values()].map(({ cert, key }) => new FileSource(cert, key, false)),
    areTwins: false,
    served: async (_, isWanted, path) => {
      const listeners = now(path).flatMap((one) => one.listeners);
      if (listeners.length > 0) return servedWithoutSni(listeners, undefined, 2 * kong.workers, isWanted);
      const readAt = kongReadAt(kong.prefix);
      const changedAt = statSync(path, { throwIfNoEntry: false })?.ctimeMs;
      return readAt === null || changedAt === undefined ? null : changedAt < readAt;
    },
    reloadedFor: (fingerprint) => reload.doneFor(fingerprint),
    allowDowngrade,
    patienceMs: RELOAD_PATIENCE_MS,
  });
  return { certificates, uses, mode };
}

/** A client without SNI has no route in the stream proxy. */
const httpListeners = ({ listeners }: Connection) => listeners.filter(({ isStream }) => isStream !== true);
