import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { connect } from '../../src/app/connection';
import { compose } from '../../src/app/compose';
import { completeConfig } from '../../src/app/config';
import { inCluster, KubernetesClient } from '../../src/kubernetes';
import { KubernetesSource } from '../../src/sources/kubernetes';
import { startGateway } from '../gateway';
import { issue } from '../support/bundles';
import { eventually } from '../support/eventually';
import { testFolder } from '../support/folders';
import { leafOf, servedLeaf } from '../support/tls';
import type { PolicyRule } from './apiserver';
import { describeWithCluster } from './suite';

const WILDCARD = ['*.shop.test', 'shop.test'];
const SECRETS: PolicyRule = { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list', 'watch'] };
const INGRESSES: PolicyRule = {
  ...{ apiGroups: ['networking.k8s.io'], resources: ['ingresses'], verbs: ['list', 'watch'] },
};

describeWithCluster('a certificate that is created for a Secret', (cluster) => {
  let made = 0;

  async function secret(name: string, annotations: Record<string, string> = {}, where = `hosts-${++made}`) {
    await cluster().createNamespace(where);
    const pair = issue({ names: WILDCARD });
    await cluster().applySecret(where, name, { cert: pair.chain, key: pair.key, annotations });
    return { where, pair };
  }

  const ingress = (where: string, hosts: string[]) =>
    cluster().apply({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: 'shop', namespace: where },
      spec: {
        tls: [{ hosts, secretName: 'www' }],
        defaultBackend: { service: { name: 'www', port: { number: 80 } } },
      },
    });

  async function following(where: string | string[], hosts: string) {
    const gateway = await startGateway({ mode: 'database' });
    onTestFinished(() => gateway.stop());
    const kubeconfig = cluster().kubeconfig(join(testFolder(), 'kubeconfig'));
    const config = completeConfig({
      sources: [{ type: 'kubernetes', namespaces: [where].flat(), kubeconfig, hosts }],
    });
    const connection = await connect({ prefix: gateway.prefix }, {});
    const runner = compose(config, connection);
    const { watch, close } = runner;
    onTestFinished(() => {
      connection.client.close();
      close();
    });
    const names = () => gateway.certificates().map((each) => each.names);
    return { gateway, runner, names, watch };
  }

  it('gets the names of its leaf', async () => {
    const { where } = await secret('www');
    const { runner, names } = await following(where, 'leaf');
    await runner.pass('start');
    expect(names()).toEqual([WILDCARD]);
  });

  it('gets the names of its annotation, as far as the leaf covers them', async () => {
    const { where } = await secret('www', { 'cert-manager.io/alt-names': 'a.shop.test, a.other.test' });
    const { runner, names } = await following(where, 'annotations');
    await runner.pass('start');
    expect(names()).toEqual([['a.shop.test']]);
  });

  it('gets the hosts that an Ingress asks for, those of later, and none where nothing refers to it', async () => {
    const { where, pair } = await secret('www');
    await secret('webhook', {}, where);
    await ingress(where, ['a.shop.test', 'a.other.test']);
    const { gateway, runner, names } = await following(where, 'references');
    expect(await runner.pass('start')).toMatchObject({ sourceErrors: [], unused: 1 });
    expect(names()).toEqual([['a.shop.test']]);
    expect(await servedLeaf(gateway.tlsPort, 'a.shop.test')).toBe(leafOf(pair.cert));

    await ingress(where, ['a.shop.test', 'b.shop.test']);
    await eventually('it has both', async () => {
      await runner.pass('poll');
      return names()[0]?.join() === 'a.shop.test,b.shop.test';
    });
    await runner.pass('poll');
    expect(await runner.pass('poll')).toMatchObject({ read: 0, events: [] });
  });

  it('gets the hosts of a later Ingress as soon as the watch sees it', async () => {
    const { where } = await secret('www');
    const { runner, names, watch } = await following(where, 'references');
    const touched = new Set<string>();
    onTestFinished(watch((what) => touched.add(what)));
    await runner.pass('start');
    expect(names()).toEqual([]);
    await ingress(where, ['a.shop.test']);
    await eventually('the watch reports it', () => touched.size > 0);
    await runner.pass('watch', touched);
    expect(names()).toEqual([['a.shop.test']]);
  });

  it("gets the hostname of a Gateway's listener", async () => {
    await cluster().installCrds();
    const { where } = await secret('www');
    const tls = { mode: 'Terminate', certificateRefs: [{ name: 'www' }] };
    await cluster().apply({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      metadata: { name: 'shop', namespace: where },
      spec: {
        gatewayClassName: 'kong',
        listeners: [{ name: 'https', port: 443, protocol: 'HTTPS', hostname: 'B.shop.test', tls }],
      },
    });
    const { runner, names } = await following(where, 'references');
    expect(await runner.pass('start')).toMatchObject({ sourceErrors: [] });
    expect(names()).toEqual([['b.shop.test']]);
  });

  it('of another namespace gets the hosts of a Gateway and its TLSRoute once a ReferenceGrant allows it', async () => {
    await cluster().installCrds();
    const { where } = await secret('www');
    const edge = `${where}-edge`;
    await cluster().createNamespace(edge);
    const group = 'gateway.networking.k8s.io';
    const certificateRefs = [{ name: 'www', namespace: where }];
    await cluster().apply({
      apiVersion: `${group}/v1`,
      kind: 'Gateway',
      metadata: { name: 'main', namespace: edge },
      spec: {
        gatewayClassName: 'kong',
        listeners: [{ name: 'tls', port: 443, protocol: 'TLS', tls: { mode: 'Terminate', certificateRefs } }],
      },
    });
    await cluster().apply({
      apiVersion: `${group}/v1alpha2`,
      kind: 'TLSRoute',
      metadata: { name: 'shop', namespace: edge },
      spec: { parentRefs: [{ name: 'main' }], hostnames: ['a.shop.test'] },
    });
    const { runner, names } = await following([where, edge], 'references');
    expect(await runner.pass('start')).toMatchObject({ sourceErrors: [] });
    expect(names()).toEqual([]);
    await cluster().apply({
      apiVersion: `${group}/v1beta1`,
      kind: 'ReferenceGrant',
      metadata: { name: 'edge', namespace: where },
      spec: { from: [{ group, kind: 'Gateway', namespace: edge }], to: [{ group: '', kind: 'Secret' }] },
    });
    await eventually('it is made', async () => {
      await runner.pass('poll');
      return names()[0]?.join() === 'a.shop.test';
    });
  });

  it('gets the names of its leaf where Ingresses may not be listed, and it says which verb is missing', async () => {
    const { where } = await secret('www');
    const sourceWith = async (account: string, rules: PolicyRule[]) => {
      await cluster().createServiceAccount(where, account, rules);
      const mounted = { namespace: where, serviceAccount: account };
      const { folder } = await cluster().mountServiceAccount(testFolder(), mounted);
      const client = new KubernetesClient(() => inCluster(folder, cluster().url));
      onTestFinished(() => client.close());
      return new KubernetesSource({
        ...{ client, create: true, namespaces: [where], names: [], labelSelector: null, onlyMarked: false },
        hosts: 'references',
      });
    };
    await cluster().installCrds();
    const blind = await sourceWith('blind', [SECRETS]);
    const { errors } = await blind.scan();
    expect(errors.map(({ message }) => message).sort()).toEqual([
      expect.stringContaining(`the verb list on gateways in namespace ${where} is missing`),
      expect.stringContaining(`the verb list on ingresses in namespace ${where} is missing`),
    ]);
    expect(await blind.read(`${where}/www`)).not.toHaveProperty('hosts');

    await ingress(where, ['a.shop.test']);
    const seeing = await sourceWith('seeing', [SECRETS, INGRESSES]);
    expect((await seeing.scan()).errors).toMatchObject([{ reason: 'forbidden' }]);
    expect(await seeing.read(`${where}/www`)).toMatchObject({ hosts: ['a.shop.test'] });
  });
});
