import type { Config, SourceConfig } from '../config';
import type { Source } from '../model';
import { DirectorySource, FileSource } from '../sources';
import {
  inCluster,
  isInCluster,
  KubernetesClient,
  KubernetesSource,
  readKubeconfig,
} from '../sources/kubernetes';

/** Where certificates usually are; looked at when no source is configured. They never create certificates. */
export const USUAL_PLACES = ['/etc/letsencrypt/live', '/etc/kong/certs'] as const;

/**
 * @param discoverCluster whether this process is in a pod whose service account is mounted
 * @throws Error where a source cannot be set up at all
 */
export function createSources(config: Config, discoverCluster = isInCluster): Source[] {
  if (config.sources.length > 0) return config.sources.map(createSource);
  const folders = USUAL_PLACES.map((path) => new DirectorySource(path, false, true));
  return discoverCluster() ? [...folders, discoveredSecrets()] : folders;
}

function discoveredSecrets(): Source {
  return new KubernetesSource({
    client: new KubernetesClient(inCluster()),
    create: false,
    namespaces: [],
    names: [],
    labelSelector: null,
    onlyMarked: false,
    isDiscovered: true,
  });
}

function createSource(source: SourceConfig): Source {
  // Which of the fields is there for which type is checked with the configuration.
  const { type, path, cert, key, create } = source;
  switch (type) {
    case 'directory':
      return new DirectorySource(path ?? '', create ?? true);
    case 'file':
      return new FileSource(cert ?? '', key ?? null, create ?? true);
    case 'kubernetes':
      return createKubernetesSource(source);
  }
}

/**
 * Nobody wants a certificate in Kong for every TLS Secret of a cluster (webhooks have theirs, too): without a word
 * on `create`, only a source that was narrowed down creates.
 */
function createKubernetesSource(source: SourceConfig): Source {
  const { namespaces, names, label_selector: labels, only_marked: onlyMarked, kubeconfig } = source;
  const isNarrow = namespaces.length > 0 || names.length > 0 || labels != null || onlyMarked;
  const access = kubeconfig == null ? inCluster() : readKubeconfig(kubeconfig, source.context ?? undefined);
  return new KubernetesSource({
    client: new KubernetesClient(access),
    create: source.create ?? isNarrow,
    namespaces,
    names,
    labelSelector: labels ?? null,
    onlyMarked,
  });
}
