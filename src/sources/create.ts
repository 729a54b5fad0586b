import { clientOf, clusterName, isInCluster, type Clusters, type KubernetesClient } from '../kubernetes';
import type { Source } from '../model';
import { BoundedSource } from './bounded';
import { DirectorySource } from './directory/source';
import { KubernetesSource } from './kubernetes';
import { FixedPassword, PasswordFile, type Passwords } from './password';
import { SOURCE_TYPES, type SourceConfig } from './registry';
import type { SourceContext } from './source-type';
import { UnlockedSource } from './unlocked';

/** Usual folders of certificates, used when no source is configured. They never create certificates. */
export const USUAL_PLACES = ['/etc/letsencrypt/live', '/etc/kong/certs'] as const;

/** The sources of a configuration, and the clusters that they read. */
interface Sources {
  sources: Source[];
  clusters: Clusters;
  /** Sources of CA certificates that Kong should trust. */
  trust: Source[];
}

export const isTrust = ({ trust }: SourceConfig): boolean => trust;

/** How long a pass waits for the scan of one source. */
const PATIENCE_MS = 5_000;

/**
 * @param isPod whether this process is in a pod whose service account is mounted
 * @param patienceMs how long a pass waits for a slow source; Infinity: as long as it takes
 * @throws Error where a source cannot be set up
 */
export function createSources(
  config: { sources: readonly SourceConfig[] },
  isPod = isInCluster,
  patienceMs = PATIENCE_MS,
): Sources {
  const clusters = new Map<string | undefined, KubernetesClient>();
  const shared: SourceContext['clientOf'] = (cluster) => {
    const name = clusterName(cluster);
    const client = clusters.get(name) ?? clientOf(cluster);
    clusters.set(name, client);
    return client;
  };
  const ids = new Set<string>();
  const found: Sources = { sources: [], clusters, trust: [] };
  for (const [index, source] of config.sources.entries()) {
    const place = { at: `sources[${index}]`, ids, clientOf: shared };
    const context = { ...place, passwords: passwordsOf(source, place) };
    const { create, createTrust, isRemote } = SOURCE_TYPES[source.type];
    const one = unlocked((isTrust(source) ? createTrust : create)(source, context), source, context);
    const made: Source = isRemote ? new BoundedSource(one, patienceMs) : one;
    made.createIsExplicit = source.create === true;
    if (isTrust(source)) found.trust.push(made);
    else {
      ids.add(made.id);
      found.sources.push(made);
    }
  }
  if (found.sources.length > 0) return found;
  found.sources.push(...USUAL_PLACES.map((path) => new DirectorySource(path, false, { isOptional: true })));
  if (isPod()) found.sources.push(new BoundedSource(discoveredSecrets(shared({})), patienceMs));
  return found;
}

function discoveredSecrets(client: KubernetesClient): Source {
  return new KubernetesSource({
    client,
    create: false,
    namespaces: [],
    names: [],
    labelSelector: null,
    onlyMarked: false,
    isDiscovered: true,
  });
}

/** Adds the configured password and alias to a source; returns it unchanged where there are none. */
function unlocked(source: Source, config: SourceConfig, { passwords }: SourceContext): Source {
  const alias = config.alias ?? undefined;
  return passwords === null && alias === undefined
    ? source
    : new UnlockedSource(source, { passwords, alias });
}

/** The safest of the configured ways to a password. */
function passwordsOf(config: SourceConfig, context: Omit<SourceContext, 'passwords'>): Passwords | null {
  const { type, password, password_file: file } = config;
  if (file != null) return new PasswordFile(file);
  const own = SOURCE_TYPES[type].passwords?.(config, context) ?? null;
  if (own !== null || password == null) return own;
  return new FixedPassword(password.startsWith('{vault://') ? null : password);
}
