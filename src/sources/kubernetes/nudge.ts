import { refusal, type Nudger, type Refusal, type SecretRef } from '../../model';
import { KubernetesError, type KubernetesClient } from './client';

/** Set on what refers to a Secret, so that the ingress controller looks at it again. */
export const NUDGE_ANNOTATION = 'ssl-cert-reloader/certificate';

interface Referrer {
  metadata: { name: string };
  spec?: {
    tls?: { secretName?: string }[];
    listeners?: { tls?: { certificateRefs?: { name?: string; namespace?: string }[] } }[];
  };
}

/** What may refer to a Secret: its path within a namespace, and whether it does. */
const KINDS = [
  {
    kind: 'Ingress',
    path: (namespace: string) => `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses`,
    refersTo: ({ spec }: Referrer, name: string) =>
      spec?.tls?.some((tls) => tls.secretName === name) === true,
  },
  {
    kind: 'Gateway',
    path: (namespace: string) => `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/gateways`,
    refersTo: ({ spec }: Referrer, name: string) =>
      spec?.listeners?.some(({ tls }) => tls?.certificateRefs?.some((ref) => ref.name === name)) === true,
  },
];

/** Annotates the Ingresses and Gateways that refer to a Secret. */
export class ReferrerNudger implements Nudger {
  constructor(private readonly client: KubernetesClient) {}

  async nudge({ namespace, name }: SecretRef, fingerprint: string): Promise<string | Refusal> {
    const nudged: string[] = [];
    for (const { kind, path, refersTo } of KINDS) {
      const where = path(encodeURIComponent(namespace));
      try {
        const { items } = await this.client.get<{ items: Referrer[] }>(where);
        for (const item of items.filter((candidate) => refersTo(candidate, name))) {
          const patch = { metadata: { annotations: { [NUDGE_ANNOTATION]: fingerprint } } };
          const target = `${where}/${encodeURIComponent(item.metadata.name)}`;
          await this.client.send('PATCH', target, patch, 'application/merge-patch+json');
          nudged.push(`${kind} ${namespace}/${item.metadata.name}`);
        }
      } catch (error) {
        if (!(error instanceof KubernetesError)) throw error;
        // A cluster without Gateways has no such path; who may not see them may still have nudged an Ingress.
        if (error.status === 404 || (error.status === 403 && nudged.length > 0)) continue;
        const reason = error.status === 403 ? 'forbidden' : 'unreachable';
        return refusal(
          reason,
          `what refers to Secret ${namespace}/${name} cannot be nudged (takeover: nudge needs list and patch on ingresses and gateways): ${error.message}`,
        );
      }
    }
    if (nudged.length > 0) return `annotated ${nudged.join(', ')}`;
    return refusal(
      'managed_elsewhere',
      `no Ingress or Gateway refers to Secret ${namespace}/${name}: nobody to nudge`,
    );
  }
}
