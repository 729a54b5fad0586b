import type { Config, SourceConfig } from '../config';
import type { Source } from '../model';
import { clientOf } from './cluster';
import { createTrustSource, isTrust } from './trust';
import { DirectorySource, FileSource } from '../sources';
import { unlocked } from './unlocked';
import { isInCluster, KubernetesSource, type KubernetesClient } from '../sources/kubernetes';
import { createHttpSource, createVaultSource } from './remote-sources';

/** Where certificates usually are; looked at when no source is configured. They never create certificates. */
export const USUAL_PLACES = ['/etc/letsencrypt/live', '/etc/kong/certs'] as const;

/** The sources of a configuration, and the cluster that they look at, if any. */
export interface Sources {
  sources: Source[];
  cluster: KubernetesClient | null;
  /** Sources of what Kong is to trust. */
  trust: Source[];
}

/**
 * @param isPod whether this process is in a pod whose service account is mounted
 * @throws Error where a source cannot be set up at all
 */
export function createSources(config: Config, isPod = isInCluster): Sources {
  const all = config.sources.map((source, index) => ({ source, index }));
  const trust = all.flatMap(({ source, index }) =>
    isTrust(source) ? [createTrustSource(source, index)] : [],
  );
  const named = all.filter(({ source }) => !isTrust(source));
  if (named.length > 0) {
    const made = named.map(({ source, index }) => withKeys(createSource(source, index), source));
    return {
      sources: made.map(({ source }) => source),
      cluster: made.find(({ cluster }) => cluster !== null)?.cluster ?? null,
      trust,
    };
  }
  const folders = USUAL_PLACES.map((path) => new DirectorySource(path, false, true));
  if (!isPod()) return { sources: folders, cluster: null, trust };
  const cluster = clientOf({});
  return { sources: [...folders, discoveredSecrets(cluster)], cluster, trust };
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

interface Made {
  source: Source;
  cluster: KubernetesClient | null;
}

function createSource(config: SourceConfig, index: number): Made {
  // Which of the fields is there for which type is checked with the configuration.
  const { type, path, cert, key, create } = config;
  switch (type) {
    case 'directory':
      return { source: new DirectorySource(path ?? '', create ?? true), cluster: null };
    case 'file':
      return { source: new FileSource(cert ?? '', key ?? null, create ?? true), cluster: null };
    case 'kubernetes':
      return createKubernetesSource(config);
    case 'vault':
      return { source: createVaultSource(config, `sources[${index}]`), cluster: null };
    case 'http':
      return { source: createHttpSource(config, `sources[${index}]`), cluster: null };
  }
}

/** Bundles of every type may be locked. */
function withKeys(made: Made, config: SourceConfig): Made {
  return { ...made, source: unlocked(made.source, config, made.cluster) };
}

/**
 * Nobody wants a certificate in Kong for every TLS Secret of a cluster (webhooks have theirs, too): without a word
 * on `create`, only a source that was narrowed down creates.
 */
function createKubernetesSource(config: SourceConfig): Made {
  const { namespaces, names, label_selector: labels, only_marked: onlyMarked } = config;
  const isNarrow = namespaces.length > 0 || names.length > 0 || labels != null || onlyMarked;
  const client = clientOf(config);
  const create = config.create ?? isNarrow;
  const source = new KubernetesSource({
    client,
    create,
    namespaces,
    names,
    labelSelector: labels ?? null,
    onlyMarked,
    hosts: config.hosts,
  });
  return { source, cluster: client };
}
