import { clusterName } from '../../kubernetes';
import type { ConfigOf, SourceContext, SourceType } from '../source-type';
import { KUBERNETES_FIELDS } from './fields';
import { CA_CONFIG_MAPS, CA_SECRETS } from './object-kind';
import { SecretPasswords } from './password-secret';
import { KubernetesSource, type KubernetesSourceOptions } from './source';

export { CA_CONFIG_MAPS, CA_SECRETS, KubernetesSource, SecretPasswords, type KubernetesSourceOptions };

type Config = ConfigOf<typeof KUBERNETES_FIELDS>;

export const KUBERNETES: SourceType<typeof KUBERNETES_FIELDS> = {
  fields: KUBERNETES_FIELDS,
  required: [],
  isRemote: true,
  create: (config, context) =>
    new KubernetesSource({
      ...optionsOf(config, context),
      id: idOf(config, context.ids),
      create: config.create ?? isNarrow(config),
      hosts: config.hosts,
    }),
  createTrust: (config, context) => {
    // Every namespace has a ConfigMap with the cluster's own CA, and every TLS Secret may have a ca.crt.
    if (config.names.length === 0 && config.label_selector == null) {
      throw new Error('a source of type kubernetes with trust: true needs names or label_selector');
    }
    return new KubernetesSource({
      ...optionsOf(config, context),
      kind: config.resource === 'configmaps' ? CA_CONFIG_MAPS : CA_SECRETS,
      create: false,
    });
  },
  passwords: (config, { clientOf }) =>
    config.password_secret == null ? null : new SecretPasswords(clientOf(config), config.password_secret),
};

function optionsOf(config: Config, { clientOf }: SourceContext): Omit<KubernetesSourceOptions, 'create'> {
  const cluster = clusterName(config);
  return {
    client: clientOf(config),
    ...(cluster === undefined ? {} : { cluster }),
    namespaces: config.namespaces,
    names: config.names,
    labelSelector: config.label_selector ?? null,
    onlyMarked: config.only_marked,
  };
}

/**
 * A certificate in Kong for every TLS Secret of a cluster is not wanted (webhooks have theirs, too): by default
 * only a source that was narrowed down creates.
 */
const isNarrow = ({ namespaces, names, label_selector: labels, only_marked: onlyMarked }: Config) =>
  namespaces.length > 0 || names.length > 0 || labels != null || onlyMarked;

/**
 * The first source of a cluster has a short id, since the ids of the certificates created for it depend on it and
 * its selection may change. Further ones include their selection.
 */
function idOf(config: Config, ids: ReadonlySet<string>): string {
  const { namespaces, names, label_selector: labels, only_marked: onlyMarked } = config;
  const first = ['kubernetes', clusterName(config) ?? []].flat().join(':');
  if (!ids.has(first)) return first;
  const looks = [namespaces.join(), names.join(), labels ?? '', ...(onlyMarked ? ['marked'] : [])];
  const further = [first, 'tls', ...looks].join(':');
  let id = further;
  for (let count = 2; ids.has(id); count++) id = `${further}:${count}`;
  return id;
}
