import type { KubernetesObject } from './objects';

/** An object that says which Secret is for which hosts, as far as it matters here. */
export interface Referrer extends KubernetesObject {
  metadata: KubernetesObject['metadata'] & { creationTimestamp?: string };
  spec?: {
    /** Ingress */
    tls?: { hosts?: string[] | null; secretName?: string }[] | null;
    rules?: { host?: string }[] | null;
    /** Gateway, ListenerSet */
    listeners?: Listener[] | null;
    /** HTTPRoute, GRPCRoute, TLSRoute */
    hostnames?: string[] | null;
    parentRefs?: ParentRef[] | null;
    /** ReferenceGrant */
    from?: { group?: string; kind?: string; namespace?: string }[] | null;
    to?: { group?: string; kind?: string; name?: string }[] | null;
  };
  status?: { conditions?: { type?: string; status?: string }[] | null };
}

interface Listener {
  name?: string;
  hostname?: string;
  tls?: { mode?: string; certificateRefs?: CertificateRef[] | null } | null;
  allowedRoutes?: { namespaces?: { from?: string } | null } | null;
}

interface CertificateRef {
  group?: string;
  kind?: string;
  name?: string;
  namespace?: string;
}

interface ParentRef extends CertificateRef {
  sectionName?: string;
}

const GATEWAY_GROUP = 'gateway.networking.k8s.io';

/** A request of an object that a Secret be served. */
export interface Reference {
  namespace: string;
  secret: string;
  /** Null: for every host, unless the routes of the listener say more. */
  hosts: readonly string[] | null;
  /** Only of a listener without a hostname: its routes name the hosts. */
  listener?: RoutedListener;
}

/** A listener, as a route names it. */
export interface ListenerRef {
  /** `Gateway shop/edge` */
  parent: string;
  section: string;
}

/** A listener whose routes name the hosts. */
export interface RoutedListener extends ListenerRef {
  /** The only namespace whose routes it takes; null: others may be among them. */
  only: string | null;
}

/** The API paths of a kind. */
export interface Collection {
  /** Versions of its API, the best first. */
  apis: readonly [string, ...string[]];
  plural: string;
}

/** A kind of objects that may refer to Secrets. */
export interface ReferrerKind extends Collection {
  kind: string;
  /** Of its API; empty: Secrets of other namespaces cannot be referred to. */
  group: string;
  /** A missing right to list them is no trouble. */
  isOptional?: true;
  referencesOf: (item: Referrer) => Reference[];
}

export const INGRESSES: ReferrerKind = {
  kind: 'Ingress',
  group: '',
  apis: ['/apis/networking.k8s.io/v1'],
  plural: 'ingresses',
  referencesOf: ({ metadata: { namespace }, spec }) => {
    const ruled = listOf(spec?.rules).flatMap(({ host }) => textsOf([host]));
    return listOf(spec?.tls).flatMap(({ hosts, secretName }) =>
      typeof secretName === 'string' && secretName !== ''
        ? [{ namespace, secret: secretName, hosts: orNull(textsOf(hosts)) ?? orNull(ruled) }]
        : [],
    );
  },
};

const gatewayApi = (...versions: [string, ...string[]]): Collection['apis'] => {
  const [first, ...others] = versions.map((version) => `/apis/${GATEWAY_GROUP}/${version}`);
  return [first ?? '', ...others];
};

export const GATEWAYS: ReferrerKind = {
  kind: 'Gateway',
  group: GATEWAY_GROUP,
  apis: gatewayApi('v1', 'v1beta1'),
  plural: 'gateways',
  referencesOf: (item) => referencesOfListeners('Gateway', item),
};

/** Listeners apart from their Gateway; which are taken is the Gateway's word, and its controller says so. */
const listenerSets = (kind: string, group: string, version: string): ReferrerKind => ({
  kind,
  group,
  apis: [`/apis/${group}/${version}`],
  plural: `${kind.toLowerCase()}s`,
  isOptional: true,
  referencesOf: (item) =>
    listOf(item.status?.conditions).some(({ type, status }) => type === 'Accepted' && status === 'True')
      ? referencesOfListeners(kind, item)
      : [],
});

export const REFERRER_KINDS: readonly ReferrerKind[] = [
  INGRESSES,
  GATEWAYS,
  listenerSets('ListenerSet', GATEWAY_GROUP, 'v1'),
  listenerSets('XListenerSet', 'gateway.networking.x-k8s.io', 'v1alpha1'),
];

/** A reference to a Secret of another namespace counts only with a grant. */
export const GRANTS: Collection = { apis: gatewayApi('v1', 'v1beta1'), plural: 'referencegrants' };

/** Kinds of routes, which name the hosts of a listener without a hostname. */
export const ROUTES: readonly Collection[] = [
  { apis: gatewayApi('v1', 'v1beta1'), plural: 'httproutes' },
  { apis: gatewayApi('v1'), plural: 'grpcroutes' },
  { apis: gatewayApi('v1', 'v1alpha3', 'v1alpha2'), plural: 'tlsroutes' },
];

function referencesOfListeners(kind: string, { metadata, spec }: Referrer): Reference[] {
  return listOf(spec?.listeners).flatMap(({ name, hostname, tls, allowedRoutes }) => {
    // The backend decrypts TLS that is passed through.
    if (tls?.mode === 'Passthrough') return [];
    const refs = listOf(tls?.certificateRefs).filter(
      ({ group = '', kind: of = 'Secret', name: secret }) =>
        group === '' && of === 'Secret' && typeof secret === 'string' && secret !== '',
    );
    const [host = ''] = textsOf([hostname]);
    const { namespace: own } = metadata;
    const isOpen = (allowedRoutes?.namespaces?.from ?? 'Same') !== 'Same';
    const listener = {
      parent: `${kind} ${own}/${metadata.name}`,
      section: String(name),
      only: isOpen ? null : own,
    };
    return refs.map(({ name: secret = '', namespace = metadata.namespace }) => ({
      ...{ namespace, secret },
      ...(host === '' ? { hosts: null, listener } : { hosts: [host] }),
    }));
  });
}

/** Whether a grant lets objects of a kind in a namespace refer to a Secret of its own. */
export function grants(
  grant: ReferrerFacts,
  from: { group: string; kind: string; namespace: string },
  secret: string,
) {
  const { spec } = grant;
  return (
    listOf(spec?.from).some(
      ({ group, kind, namespace }) =>
        group === from.group && kind === from.kind && namespace === from.namespace,
    ) &&
    listOf(spec?.to).some(
      ({ group = '', kind, name }) =>
        group === '' && kind === 'Secret' && (name === undefined || name === '' || name === secret),
    )
  );
}

/** A route at the listeners of a parent. */
export interface Attachment extends ListenerRef {
  /** Of the route. */
  namespace: string;
  hosts: readonly string[];
}

/** Attachments of a route to listeners; an empty section means every listener. */
export const attachmentsOf = ({ metadata, spec }: ReferrerFacts): Attachment[] =>
  listOf(spec?.parentRefs).map(
    ({ kind = 'Gateway', namespace = metadata.namespace, name, sectionName = '' }) => ({
      parent: `${kind} ${namespace}/${name}`,
      section: sectionName,
      namespace: metadata.namespace,
      hosts: spec?.hostnames ?? [],
    }),
  );

/** The part of an object that is kept; the object may be as large as the API server allows. */
export interface ReferrerFacts extends Pick<Referrer, 'spec'> {
  metadata: Pick<Referrer['metadata'], 'namespace' | 'name' | 'creationTimestamp'>;
  references: readonly Reference[];
}

/** Limit of hosts and of references of one object; the others are ignored. */
const MAX_EACH = 1_000;

/** @param kind null: it does not refer to Secrets itself */
export function factsOf(item: Referrer, kind: ReferrerKind | null): ReferrerFacts {
  const { namespace, name, creationTimestamp } = item.metadata;
  const metadata = {
    ...{ namespace, name },
    ...(typeof creationTimestamp === 'string' ? { creationTimestamp } : {}),
  };
  if (kind !== null) {
    const references = kind.referencesOf(item).slice(0, MAX_EACH);
    let left = MAX_EACH;
    for (const reference of references) {
      if (reference.hosts === null) continue;
      reference.hosts = reference.hosts.slice(0, left);
      left -= reference.hosts.length;
    }
    return { metadata, references };
  }
  const { hostnames, parentRefs, from, to } = item.spec ?? {};
  const spec = {
    hostnames: textsOf(hostnames).slice(0, MAX_EACH),
    parentRefs: listOf(parentRefs).slice(0, MAX_EACH),
    from: listOf(from).slice(0, MAX_EACH),
    to: listOf(to).slice(0, MAX_EACH),
  };
  return { metadata, spec, references: [] };
}

/** The objects in a list; the API server may send anything. */
function listOf<T extends object>(list: readonly T[] | null | undefined): T[] {
  if (!Array.isArray(list)) return [];
  return (list as (T | null)[]).filter((item): item is T => typeof item === 'object' && item !== null);
}

/** Hosts in small letters. */
const textsOf = (list: readonly unknown[] | null | undefined): string[] =>
  Array.isArray(list)
    ? list.flatMap((text) => (typeof text === 'string' && text !== '' ? [text.toLowerCase()] : []))
    : [];

const orNull = (list: readonly string[]) => (list.length === 0 ? null : list);
