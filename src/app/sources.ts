import type { Config, SourceConfig } from '../config';
import type { Source } from '../model';
import { clientOf, clusterName, isInCluster, type Clusters, type KubernetesClient } from '../kubernetes';
import { createTrustSource, isTrust } from './trust';
import { DirectorySource, FileSource } from '../sources';
import { unlocked } from './unlocked';
import { KubernetesSource } from '../sources/kubernetes';
import { createHttpSource, createVaultSource } from './remote-sources';

/** Where certificates usually are; looked at when no source is configured. They never create certificates. */
export const USUAL_PLACES = ['/etc/letsencrypt/live', '/etc/kong/certs'] as const;

/** The sources of a configuration, and the clusters that they look at. */
export interface Sources {
  sources: Source[];
  clusters: Clusters;
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
    const clusters = new Map<string | undefined, KubernetesClient>();
    const ids = new Set<string>();
    const sources = named.map(({ source, index }) => {
      const made = withKeys(createSource(source, index, ids), source);
      ids.add(made.source.id);
      const name = clusterName(source);
      if (made.cluster !== null && !clusters.has(name)) clusters.set(name, made.cluster);
      return made.source;
    });
    return { sources, clusters, trust };
  }
  const folders = USUAL_PLACES.map((path) => new DirectorySource(path, false, true));
  if (!isPod()) return { sources: folders, clusters: new Map(), trust };
  const cluster = clientOf({});
  return {
    sources: [...folders, discoveredSecrets(cluster)],
    clusters: new Map([[undefined, cluster]]),
    trust,
  };
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

/** @param ids those of the sources before it */
function createSource(config: SourceConfig, index: number, ids: ReadonlySet<string>): Made {
  // Which of the fields is there for which type is checked with the configuration.
  const { type, path, cert, key, create } = config;
  switch (type) {
    case 'directory':
      return { source: new DirectorySource(path ?? '', create ?? true), cluster: null };
    case 'file':
      return { source: new FileSource(cert ?? '', key ?? null, create ?? true), cluster: null };
    case 'kubernetes':
      return createKubernetesSource(config, ids);
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
function createKubernetesSource(config: SourceConfig, ids: ReadonlySet<string>): Made {
  const { namespaces, names, label_selector: labels, only_marked: onlyMarked } = config;
  const isNarrow = namespaces.length > 0 || names.length > 0 || labels != null || onlyMarked;
  const client = clientOf(config);
  const create = config.create ?? isNarrow;
  const cluster = clusterName(config);
  const source = new KubernetesSource({
    id: kubernetesId(config, ids),
    client,
    ...(cluster === undefined ? {} : { cluster }),
    create,
    namespaces,
    names,
    labelSelector: labels ?? null,
    onlyMarked,
    hosts: config.hosts,
  });
  return { source, cluster: client };
}

/**
 * The first source of a cluster has a short id, on which the ids of the certificates hang that are created for it: what
 * it looks at may change. Further ones say what they look at.
 */
function kubernetesId(config: SourceConfig, ids: ReadonlySet<string>): string {
  const { namespaces, names, label_selector: labels, only_marked: onlyMarked } = config;
  const first = ['kubernetes', clusterName(config) ?? []].flat().join(':');
  if (!ids.has(first)) return first;
  const looks = [namespaces.join(), names.join(), labels ?? '', ...(onlyMarked ? ['marked'] : [])];
  const further = [first, 'tls', ...looks].join(':');
  let id = further;
  for (let count = 2; ids.has(id); count++) id = `${further}:${count}`;
  return id;
}
