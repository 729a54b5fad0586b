import type { KubernetesObject } from './list-watch';

/** An Ingress or Gateway, as far as it matters here. */
export interface Referrer extends KubernetesObject {
  spec?: {
    /** Ingress */
    tls?: { hosts?: string[] | null; secretName?: string }[] | null;
    rules?: { host?: string }[] | null;
    /** Gateway */
    listeners?: { hostname?: string; tls?: { certificateRefs?: CertificateRef[] | null } }[] | null;
  };
}

interface CertificateRef {
  group?: string;
  kind?: string;
  name?: string;
  namespace?: string;
}

/** That something refers to a Secret of its namespace, and for which hosts; null: for every host. */
export interface Reference {
  secret: string;
  hosts: readonly string[] | null;
}

/** A kind of objects that may refer to Secrets. */
export interface ReferrerKind {
  kind: string;
  api: string;
  plural: string;
  referencesOf: (item: Referrer) => Reference[];
}

export const REFERRER_KINDS: readonly ReferrerKind[] = [
  {
    kind: 'Ingress',
    api: '/apis/networking.k8s.io/v1',
    plural: 'ingresses',
    referencesOf: ({ spec }) => {
      const ruled = (spec?.rules ?? []).flatMap(({ host }) => (host === undefined ? [] : [host]));
      return (spec?.tls ?? []).flatMap(({ hosts, secretName }) =>
        secretName === undefined ? [] : [{ secret: secretName, hosts: orNull(hosts) ?? orNull(ruled) }],
      );
    },
  },
  {
    kind: 'Gateway',
    api: '/apis/gateway.networking.k8s.io/v1',
    plural: 'gateways',
    referencesOf: ({ metadata, spec }) => {
      // A Secret of another namespace needs that one's consent (a ReferenceGrant), which is not looked at.
      const isMeant = ({ group = '', kind = 'Secret', namespace = metadata.namespace }: CertificateRef) =>
        group === '' && kind === 'Secret' && namespace === metadata.namespace;
      return (spec?.listeners ?? []).flatMap(({ hostname, tls }) =>
        (tls?.certificateRefs ?? [])
          .filter(isMeant)
          .map(({ name = '' }) => ({ secret: name, hosts: hostname === undefined ? null : [hostname] })),
      );
    },
  },
];

const orNull = (list: readonly string[] | null | undefined) =>
  list === undefined || list === null || list.length === 0 ? null : list;
