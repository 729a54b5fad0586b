import type { Config, SourceConfig } from '../config';
import { OUR_TAG } from '../gateway';
import { clientOf, clusterName } from '../kubernetes';
import type { Gateway, Source } from '../model';
import { TrustKeeper } from '../reconcile';
import { DirectorySource, FileSource, singleFiles } from '../sources';
import { CA_CONFIG_MAPS, CA_SECRETS, KubernetesSource } from '../sources/kubernetes';
import { createHttpSource, createVaultSource } from './remote-sources';
import { unlocked } from './unlocked';

export const isTrust = ({ trust }: SourceConfig): boolean => trust;

/** @throws Error where a source cannot be set up at all */
export function createTrustSource(config: SourceConfig, index: number): Source {
  const { type, path, cert, names, namespaces, label_selector: labels } = config;
  switch (type) {
    case 'file':
      return unlocked(new FileSource(cert ?? '', null, false), config, null);
    case 'directory':
      return unlocked(new DirectorySource(path ?? '', false, false, singleFiles), config, null);
    case 'kubernetes': {
      // Every namespace has a ConfigMap with the cluster's own CA, and every TLS Secret may have a ca.crt.
      if (names.length === 0 && labels == null) {
        throw new Error('a source of type kubernetes with trust: true needs names or label_selector');
      }
      const cluster = clusterName(config);
      return new KubernetesSource({
        client: clientOf(config),
        ...(cluster === undefined ? {} : { cluster }),
        kind: config.resource === 'configmaps' ? CA_CONFIG_MAPS : CA_SECRETS,
        create: false,
        namespaces,
        names,
        labelSelector: labels ?? null,
        onlyMarked: config.only_marked,
      });
    }
    case 'vault':
      return createVaultSource(config, `sources[${index}]`);
    case 'http':
      return createHttpSource(config, `sources[${index}]`);
  }
}

export function createKeeper(
  config: Config,
  gateway: Gateway,
  sources: readonly Source[],
  now: () => number = Date.now,
  mayWrite?: () => boolean,
): TrustKeeper {
  return new TrustKeeper({
    sources,
    now,
    ...(mayWrite === undefined ? {} : { mayWrite }),
    gateway,
    observe: config.mode === 'observe',
    allowDowngrade: config.allow_downgrade,
    tag: OUR_TAG,
  });
}
