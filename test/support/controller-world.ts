import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { WantedCertificate, WantedConfiguration } from './controller';
import type { ClusterObject } from './stand-in-cluster';

/** Objects of a cluster. */
export interface ClusterObjects {
  objects(plural: string): ClusterObject[];
}

interface Ingress extends ClusterObject {
  spec: { tls?: { hosts?: string[]; secretName: string }[]; rules?: { host?: string }[] };
}

/**
 * The ingress controller's certificates for a cluster. A real one was seen to write: one for each Secret that an Ingress
 * refers to, with the UID of the Secret as its id; Secrets of one pair become one certificate with the SNIs of both; a
 * Secret whose key does not belong to its certificate, or that is not there, is dropped with its SNIs.
 * @param hasTags 3.4.17, 3.5.10 and later name the Secret in tags
 */
export function wantedFor(cluster: ClusterObjects, hasTags = true): WantedConfiguration {
  const secrets = new Map(cluster.objects('secrets').map((one) => [nameOf(one), one] as const));
  const found = new Map<string, WantedCertificate & { snis: string[] }>();
  const routes: string[] = [];
  for (const ingress of cluster.objects('ingresses') as Ingress[]) {
    const { namespace } = ingress.metadata;
    routes.push(`/${ingress.metadata.name}`);
    for (const { hosts = [], secretName } of ingress.spec.tls ?? []) {
      const secret = secrets.get(`${namespace}/${secretName}`);
      const wanted = secret === undefined ? null : certificateOf(secret, hasTags);
      if (wanted === null) continue;
      const same = `${wanted.cert} ${wanted.key}`;
      const known = found.get(same) ?? { ...wanted, snis: [] };
      for (const host of hosts) if (!known.snis.includes(host)) known.snis.push(host);
      found.set(same, known);
    }
  }
  return { certificates: [...found.values()], routes };
}

function certificateOf({ metadata, data }: ClusterObject, hasTags: boolean): WantedCertificate | null {
  const texts = data as Record<string, string>;
  const [cert = '', key = ''] = ['tls.crt', 'tls.key'].map((name) =>
    Buffer.from(texts[name] ?? '', 'base64')
      .toString('latin1')
      .trim(),
  );
  try {
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return null;
  } catch {
    return null;
  }
  const { uid = '', namespace, name } = metadata;
  const tags = [
    ...[`k8s-name:${name}`, `k8s-namespace:${namespace}`, 'k8s-kind:Secret', `k8s-uid:${uid}`],
    'k8s-version:v1',
  ];
  return { id: uid, cert, key, snis: [], tags: hasTags ? tags : [] };
}

const nameOf = ({ metadata }: ClusterObject) => `${metadata.namespace}/${metadata.name}`;
