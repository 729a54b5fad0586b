import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { beforeAll, expect, it } from 'vitest';
import type { KubernetesObject } from './apiserver';
import { describeWithCluster } from './suite';

const GUIDES = 'docs/guides';

interface GatewayConfiguration extends KubernetesObject {
  spec: { dataPlaneOptions: { deployment: { podTemplateSpec: object } } };
}

/** The objects that a guide shows in its blocks of YAML. */
function objectsOf(guide: string): KubernetesObject[] {
  const blocks = readFileSync(join(GUIDES, guide), 'utf8').matchAll(/^```yaml\n([\s\S]*?)^```/gm);
  const documents = [...blocks].flatMap(([, text = '']) => loadAll(text)) as Partial<KubernetesObject>[];
  return documents.filter((each): each is KubernetesObject => each.apiVersion !== undefined);
}

/** The definition of the operator is not installed here: its pods are checked alone. */
function checkable(object: KubernetesObject): KubernetesObject {
  if (object.kind !== 'GatewayConfiguration') return object;
  const { podTemplateSpec } = (object as GatewayConfiguration).spec.dataPlaneOptions.deployment;
  return { apiVersion: 'v1', kind: 'PodTemplate', metadata: object.metadata, template: podTemplateSpec };
}

describeWithCluster('the API server', (cluster) => {
  beforeAll(() => cluster().installCrds());

  it.for(readdirSync(GUIDES).filter((guide) => objectsOf(guide).length > 0))(
    'takes the objects of %s as they are',
    async (guide) => {
      for (const namespace of ['kong', 'shop']) await cluster().createNamespace(namespace);
      for (const object of objectsOf(guide).map(checkable)) {
        const { kind, metadata } = await cluster().apply(object, { dryRun: true });
        expect([kind, metadata.name]).toEqual([checkable(object).kind, object.metadata.name]);
      }
    },
  );
});
