import { refusal, type Nudger, type Refusal, type SecretRef } from '../model';
import { KubernetesError, type KubernetesClient } from './client';
import { GATEWAYS, INGRESSES, type Referrer } from './referrers';

/** Annotation on objects that refer to a Secret, which makes the ingress controller look at it again. */
export const NUDGE_ANNOTATION = 'ssl-cert-reloader/certificate';

/** Annotates the Ingresses and Gateways that refer to a Secret. */
export class ReferrerNudger implements Nudger {
  constructor(private readonly client: KubernetesClient) {}

  async nudge({ namespace, name }: SecretRef, fingerprint: string): Promise<string | Refusal> {
    const nudged: string[] = [];
    let trouble: Error | null = null;
    for (const { kind, apis, plural, referencesOf } of [INGRESSES, GATEWAYS]) {
      const where = `${apis[0]}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
      const refers = (item: Referrer) =>
        referencesOf(item).some((one) => one.secret === name && one.namespace === namespace);
      try {
        const { items } = await this.client.get<{ items: Referrer[] }>(where);
        for (const item of items.filter(refers)) {
          const patch = { metadata: { annotations: { [NUDGE_ANNOTATION]: fingerprint } } };
          const target = `${where}/${encodeURIComponent(item.metadata.name)}`;
          await this.client.send('PATCH', target, patch, 'application/merge-patch+json');
          nudged.push(`${kind} ${namespace}/${item.metadata.name}`);
        }
      } catch (error) {
        // A cluster without Gateways has no such path; without the right to Ingresses a Gateway may still be
        // nudged.
        if (statusOf(error) !== 404) trouble ??= error as Error;
      }
    }
    if (nudged.length > 0) return `annotated ${nudged.join(', ')}`;
    if (trouble !== null) {
      return refusal(
        statusOf(trouble) === 403 ? 'forbidden' : 'unreachable',
        `what refers to Secret ${namespace}/${name} cannot be nudged (takeover: nudge needs list and patch on ingresses and gateways): ${trouble.message}`,
      );
    }
    return refusal(
      'managed_elsewhere',
      `no Ingress or Gateway refers to Secret ${namespace}/${name}, so there is nothing to nudge`,
    );
  }
}

const statusOf = (error: unknown) => (error instanceof KubernetesError ? error.status : 0);
