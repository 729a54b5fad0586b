import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { completeConfig, type Config } from '../../src/app/config';
import { NUDGE_ANNOTATION } from '../../src/kubernetes';
import { startGateway, type Gateway } from '../gateway';
import { issue } from '../support/bundles';
import { eventually } from '../support/eventually';
import { testFolder } from '../support/folders';
import { leafOf, servedLeaf } from '../support/tls';
import { startReloader } from '../support/reloader';
import type { Cluster } from './apiserver';
import { describeWithCluster } from './suite';

const HOSTS = ['east.example.test', 'west.example.test'] as const;
const INGRESSES = '/apis/networking.k8s.io/v1/namespaces/shop/ingresses';

describeWithCluster('Secrets of one name in two clusters', (east) => {
  describeWithCluster('are two', (west) => {
    /** Has the Secret shop/www in a cluster. @returns its UID */
    async function put(where: Cluster, { chain, key }: { chain: string; key: string }): Promise<string> {
      await where.createNamespace('shop');
      const { metadata } = await where.applySecret('shop', 'www', { cert: chain, key });
      return metadata.uid ?? '';
    }

    async function follow(gateway: Gateway, more: Partial<Config> = {}) {
      const folder = testFolder();
      const kubeconfigs = [east().kubeconfig(join(folder, 'east')), west().kubeconfig(join(folder, 'west'))];
      const config = completeConfig({
        sources: kubeconfigs.map((kubeconfig) => ({ type: 'kubernetes', namespaces: ['shop'], kubeconfig })),
        ...more,
      });
      const reloader = await startReloader(gateway.prefix, config);
      return { reloader, ids: kubeconfigs.map((path) => `kubernetes:${path}`) };
    }

    it('both are served, with a row and Events each in its own cluster', async () => {
      const pairs = HOSTS.map((host) => issue({ names: [host] }));
      const clusters = [east(), west()];
      const uids: string[] = [];
      for (const [index, where] of clusters.entries())
        uids.push(await put(where, pairs[index] ?? expect.fail()));
      const gateway = await startGateway({ mode: 'database' });
      onTestFinished(() => gateway.stop());
      const { reloader, ids } = await follow(gateway);
      for (const [index, host] of HOSTS.entries()) {
        const leaf = leafOf(pairs[index]?.cert ?? '');
        await eventually(`${host} is served`, async () => (await servedLeaf(gateway.tlsPort, host)) === leaf);
      }
      expect(reloader.status().sources.map(({ id, bundles }) => ({ id, bundles }))).toEqual(
        ids.map((id) => ({ id, bundles: 1 })),
      );
      for (const [index, where] of clusters.entries()) {
        const found = await eventually('there is an Event', async () => {
          const { body } = await where.request('GET', '/api/v1/namespaces/shop/events');
          const { items } = body as { items: { involvedObject: { uid: string } }[] };
          return items.length > 0 ? items : null;
        });
        expect(found.map(({ involvedObject }) => involvedObject.uid)).toEqual([uids[index]]);
      }
    });

    it('a Secret that two sources of one cluster find is created once, with a row each', async () => {
      const pair = issue({ names: [HOSTS[0]] });
      await put(east(), pair);
      const gateway = await startGateway({ mode: 'database' });
      onTestFinished(() => gateway.stop());
      const kubeconfig = east().kubeconfig(join(testFolder(), 'east'));
      const source = { type: 'kubernetes' as const, namespaces: ['shop'], kubeconfig };
      const { reloader } = await follow(gateway, {
        sources: completeConfig({ sources: [source, { ...source, names: ['www'] }] }).sources,
      });
      await eventually('it is served', async () => {
        return (await servedLeaf(gateway.tlsPort, HOSTS[0])) === leafOf(pair.cert);
      });
      await reloader.demand('poll');
      expect(gateway.certificates()).toHaveLength(1);
      const { sources, certificates } = reloader.status();
      expect(sources.map(({ id, bundles, error }) => ({ id, bundles, error }))).toEqual([
        { id: `kubernetes:${kubeconfig}`, bundles: 1, error: null },
        { id: `kubernetes:${kubeconfig}:tls:shop:www:`, bundles: 1, error: null },
      ]);
      expect(certificates.map(({ state, refusal }) => ({ state, refusal }))).toEqual([
        { state: 'in_sync', refusal: null },
        { state: 'unused', refusal: null },
      ]);
    });

    it('the resource that refers to the second Secret is nudged in the second cluster', async () => {
      const old = issue({ names: [HOSTS[1]], notBefore: new Date(Date.now() - 3_600_000) });
      await put(east(), issue({ names: [HOSTS[0]] }));
      const uid = await put(west(), issue({ names: [HOSTS[1]] }));
      for (const where of [east(), west()]) {
        await where.apply({
          apiVersion: 'networking.k8s.io/v1',
          kind: 'Ingress',
          metadata: { name: 'www', namespace: 'shop' },
          spec: {
            tls: [{ secretName: 'www' }],
            defaultBackend: { service: { name: 'www', port: { number: 80 } } },
          },
        });
      }
      const gateway = await startGateway({ mode: 'database' });
      onTestFinished(() => gateway.stop());
      const response = await fetch(`${gateway.adminUrl}/certificates/${uid}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          ...{ cert: old.chain, key: old.key, snis: [HOSTS[1]] },
          tags: ['managed-by-ingress-controller', 'k8s-kind:Secret', 'k8s-namespace:shop', 'k8s-name:www'],
        }),
      });
      expect(response.ok).toBe(true);
      const { reloader } = await follow(gateway, { takeover: 'nudge', takeover_grace: 0 });
      const nudged = async (where: Cluster) => {
        const { body } = await where.request('GET', `${INGRESSES}/www`);
        const { metadata } = body as { metadata: { annotations?: Record<string, string> } };
        return metadata.annotations?.[NUDGE_ANNOTATION] ?? null;
      };
      await eventually('the second is nudged', async () => {
        await reloader.demand('poll');
        return nudged(west());
      });
      expect(await nudged(east())).toBeNull();
    });
  });
});
