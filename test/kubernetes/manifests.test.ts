import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { load, loadAll } from 'js-yaml';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { completeConfig } from '../../src/app/config';
import {
  KubernetesLeases,
  inCluster,
  KubernetesClient,
  NUDGE_ANNOTATION,
  ReferrerNudger,
  SERVICE_ACCOUNT,
} from '../../src/kubernetes';
import { KubernetesSource } from '../../src/sources/kubernetes';
import { issue } from '../support/bundles';
import { eventually } from '../support/eventually';
import { testFolder } from '../support/folders';
import type { KubernetesObject, PolicyRule } from './apiserver';
import { describeWithCluster } from './suite';

const REPOSITORY = join(__dirname, '..', '..');
const FOLDER = join(REPOSITORY, 'deploy', 'kubernetes');
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));
const VALUES = ['values-ingress-chart.yaml', 'values-kong-chart.yaml'] as const;
/** Manifests for the API server; the others are for helm and kustomize. */
const MANIFESTS = FILES.filter((name) => !name.startsWith('values-') && name !== 'kustomization.yaml');

const read = (name: string) => readFileSync(join(FOLDER, name), 'utf8');
const objects = (name: string) => loadAll(read(name)) as KubernetesObject[];
const one = (name: string, kind: string) =>
  objects(name).find((object) => object.kind === kind) ?? expect.fail(`${name} has no ${kind}`);
/** With the rules that are commented out. */
const withOptionalRules = (text: string) => text.replace(/^ {2}# (- \{.*\})$/gm, '  $1');

interface PluginEntry {
  name?: string;
  config: { sources?: { type: string; namespaces: string[]; create?: boolean }[] };
}

interface Container {
  image: string;
  command: string[];
  volumeMounts: { name: string; mountPath: string }[];
}

/** The common part of both charts' values; kong/ingress has it below `gateway`. */
interface GatewayValues {
  env: Record<string, string>;
  deployment: {
    serviceAccount: { name: string };
    initContainers: Container[];
    sidecarContainers: Container[];
    userDefinedVolumes: { name: string }[];
  };
  admin: { enabled: boolean };
  ingressController?: { enabled: boolean };
  dblessConfig?: { config: string };
}

function gatewayValues(name: (typeof VALUES)[number]): GatewayValues {
  const values = load(read(name)) as GatewayValues & { gateway?: GatewayValues };
  return values.gateway ?? values;
}

interface Kustomization {
  namespace?: string;
  resources: string[];
  patches: { patch: string }[];
}

const kustomization = () => load(read('kustomization.yaml')) as Kustomization;
const patchedPlugin = () => load(kustomization().patches[0]?.patch ?? '') as KubernetesObject & PluginEntry;

function findKubectl(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, 'kubectl')).find((path) => existsSync(path));
}

/** Output of `kubectl apply -k`; null where there is no kubectl. */
function kustomized(): string | null {
  const kubectl = findKubectl();
  if (kubectl === undefined) return null;
  const env = { ...process.env, HOME: testFolder() };
  return execFileSync(kubectl, ['kustomize', FOLDER], { encoding: 'utf8', env });
}

describe('the manifests', () => {
  it('enable the plugin for the whole gateway with an interval and nothing else', () => {
    expect(objects('kong-cluster-plugin.yaml')).toEqual([
      {
        apiVersion: 'configuration.konghq.com/v1',
        kind: 'KongClusterPlugin',
        metadata: {
          name: 'ssl-cert-reloader',
          labels: { global: 'true' },
          annotations: { 'kubernetes.io/ingress.class': 'kong' },
        },
        plugin: 'ssl-cert-reloader',
        config: { interval: 300 },
      },
    ]);
  });

  it('have the KongClusterPlugin that the README shows', () => {
    const blocks = readFileSync(join(REPOSITORY, 'README.md'), 'utf8').matchAll(/```yaml\n(.*?)```/gs);
    const shown = [...blocks].map(([, text]) => load(text ?? ''));
    expect(shown).toContainEqual(one('kong-cluster-plugin.yaml', 'KongClusterPlugin'));
  });

  it.for([
    ['rbac-namespaced.yaml', 'Role'],
    ['rbac-cluster.yaml', 'ClusterRole'],
  ] as const)('let the plugin do no more than read Secrets (%s)', ([file, kind]) => {
    const secrets = { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list', 'watch'] };
    expect(one(file, kind)['rules']).toEqual([secrets]);

    const all = loadAll(withOptionalRules(read(file))) as (KubernetesObject & { rules?: PolicyRule[] })[];
    const [, ...optional] = all.find((object) => object.kind === kind)?.rules ?? [];
    expect(optional).toEqual([
      { apiGroups: [''], resources: ['events'], verbs: ['create'] },
      { apiGroups: ['cert-manager.io'], resources: ['certificates'], verbs: ['get'] },
      { apiGroups: ['networking.k8s.io'], resources: ['ingresses'], verbs: ['list', 'patch'] },
      { apiGroups: ['gateway.networking.k8s.io'], resources: ['gateways'], verbs: ['list', 'patch'] },
      { apiGroups: ['networking.k8s.io'], resources: ['ingresses'], verbs: ['list', 'watch'] },
      {
        apiGroups: ['gateway.networking.k8s.io'],
        resources: ['gateways', 'listenersets', 'referencegrants', 'httproutes', 'grpcroutes', 'tlsroutes'],
        verbs: ['list', 'watch'],
      },
    ]);
  });

  it.for(VALUES)(
    'run the plugin beside Kong, in one image that is named once, with the only token (%s)',
    (name) => {
      const values = gatewayValues(name);
      const { initContainers, sidecarContainers, userDefinedVolumes } = values.deployment;
      const [query, sidecar] = [initContainers[0], sidecarContainers[0]];
      expect(read(name).match(/registry\.example\.com/g)).toHaveLength(1);
      expect(sidecar?.image).toBe(query?.image);
      expect(query?.command.join(' ')).toBe(
        `ssl-cert-reloader -dump -o ${values.env['pluginserver_ssl_cert_reloader_query_cmd']}`,
      );
      expect(values.env).toEqual({
        plugins: 'bundled,ssl-cert-reloader',
        pluginserver_names: 'ssl-cert-reloader',
        // Images without a shell split a command at its blanks, and have no program but Kong's.
        pluginserver_ssl_cert_reloader_query_cmd: expect.stringMatching(/^\/kong_prefix\/[\w-]+$/) as string,
        pluginserver_ssl_cert_reloader_socket: '/kong_prefix/ssl-cert-reloader.socket',
      });
      expect(sidecar?.command).toEqual(['ssl-cert-reloader', 'run', '--serve-plugin', '-p', '/kong_prefix']);
      const token = sidecar?.volumeMounts.find(({ mountPath }) => mountPath === SERVICE_ACCOUNT);
      expect(userDefinedVolumes.map(({ name: volume }) => volume)).toEqual([token?.name]);
      for (const binding of ['rbac-namespaced.yaml', 'rbac-cluster.yaml'].flatMap(objects)) {
        if (!binding.kind.endsWith('Binding')) continue;
        const { name: account } = values.deployment.serviceAccount;
        expect(binding['subjects']).toEqual([{ kind: 'ServiceAccount', name: account, namespace: 'kong' }]);
      }
    },
  );

  it('have a Service for the Admin API only where the controller is in another pod', () => {
    expect(gatewayValues('values-ingress-chart.yaml').admin.enabled).toBe(true);
    expect(gatewayValues('values-kong-chart.yaml').admin.enabled).toBe(false);
    expect(gatewayValues('values-kong-chart.yaml').ingressController?.enabled).toBe(false);
  });

  it('give the plugin the namespaces that the Role allows, with and without the controller', () => {
    const { config } =
      gatewayValues('values-kong-chart.yaml').dblessConfig ?? expect.fail('no configuration');
    const [entry] = (load(config) as { plugins: PluginEntry[] }).plugins;
    expect(entry?.name).toBe('ssl-cert-reloader');
    for (const given of [entry?.config, patchedPlugin().config]) {
      const [source, ...others] = completeConfig(given).sources;
      expect(others).toEqual([]);
      expect(source).toMatchObject({
        type: 'kubernetes',
        namespaces: [one('rbac-namespaced.yaml', 'Role').metadata.namespace],
      });
    }
    expect(entry?.config.sources?.[0]?.create, 'nobody else makes the certificates').toBeUndefined();
    expect(patchedPlugin().config.sources?.[0]?.create, 'the controller makes them').toBe(false);
  });

  it('are put together by a kustomization that names existing files and moves none to another namespace', () => {
    const { namespace, resources } = kustomization();
    expect(namespace).toBeUndefined();
    expect(resources).toEqual(['rbac-namespaced.yaml', 'kong-cluster-plugin.yaml']);
    const optional = [...read('kustomization.yaml').matchAll(/^ {2}# - (\S+\.yaml)$/gm)].map(
      ([, name]) => name,
    );
    expect(optional).toEqual(['certificate.yaml', 'network-policy.yaml']);
    expect(FILES).toEqual(expect.arrayContaining([...resources, ...optional]));
  });

  it('are put together by kubectl with the Role in its namespace and its subject in that of Kong', ({
    skip,
  }) => {
    const text = kustomized();
    if (text === null) return skip('there is no kubectl');
    const all = loadAll(text) as KubernetesObject[];
    expect(all.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}`.trim()).sort()).toEqual([
      'KongClusterPlugin',
      'Role shop',
      'RoleBinding shop',
    ]);
    expect(all.find(({ kind }) => kind === 'RoleBinding')).toEqual(
      one('rbac-namespaced.yaml', 'RoleBinding'),
    );
    const { sources } = patchedPlugin().config;
    expect(all.find(({ kind }) => kind === 'KongClusterPlugin')).toEqual({
      ...one('kong-cluster-plugin.yaml', 'KongClusterPlugin'),
      config: { interval: 300, sources },
    });
  });

  it('keep the Admin API from all pods but those of the ingress controller', () => {
    const { spec } = one('network-policy.yaml', 'NetworkPolicy') as unknown as {
      spec: { policyTypes: string[]; ingress: { ports: { port: number }[]; from?: unknown }[] };
    };
    expect(spec.policyTypes).toEqual(['Ingress']);
    const ports = (isForAll: boolean) =>
      spec.ingress
        .filter(({ from }) => (from === undefined) === isForAll)
        .flatMap((rule) => rule.ports.map(({ port }) => port));
    expect(ports(true)).toEqual([8000, 8443, 8100]);
    expect(ports(false)).toEqual([8444]);
    expect(spec.ingress.find(({ from }) => from !== undefined)?.from).toEqual([
      { podSelector: { matchLabels: { 'app.kubernetes.io/name': 'controller' } } },
    ]);
  });

  it('ask cert-manager for a new key with each renewal, in a Secret that is marked', () => {
    const { spec } = one('certificate.yaml', 'Certificate') as unknown as {
      spec: { privateKey: object; secretTemplate: object; dnsNames: string[] };
    };
    expect(spec.privateKey).toMatchObject({ rotationPolicy: 'Always' });
    expect(spec.secretTemplate).toEqual({ annotations: { 'konghq.com/override': 'true' } });
    expect(spec.dnsNames).not.toEqual([]);
  });

  it('are each named in their README, together with what decides who writes', () => {
    const readme = read('README.md');
    for (const word of [...FILES, 'takeover_grace', 'observe', 'nudge', 'force']) {
      expect(readme).toContain(word);
    }
    for (const [, link] of readme.matchAll(/\]\(([^)]+)\)/g)) {
      expect(existsSync(join(FOLDER, link ?? '')), link).toBe(true);
    }
  });
});

describeWithCluster('the manifests in a real API server', (cluster) => {
  const secretsOf = (namespace: string) => `/api/v1/namespaces/${namespace}/secrets`;
  const pair = issue();
  const putSecret = (namespace: string, name = 'www-tls') =>
    cluster().applySecret(namespace, name, { cert: pair.chain, key: pair.key });

  beforeAll(async () => {
    await cluster().installCrds();
    for (const namespace of ['kong', 'shop', 'elsewhere']) await cluster().createNamespace(namespace);
    await cluster().apply({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'kong', namespace: 'kong' },
    });
    await putSecret('shop');
    await putSecret('elsewhere');
  });

  /** Status by status of the service account `kong`. */
  async function asKong(namespace = 'kong') {
    const token = await cluster().token(namespace, 'kong');
    return async (method: string, path: string, body?: unknown, contentType?: string) => {
      const options = { token, ...(contentType === undefined ? {} : { contentType }) };
      return (await cluster().request(method, path, body, options)).status;
    };
  }

  /** A service account and namespaces of a test's own, so that no other test's rules hold for it. */
  async function separate(name: string, text: string): Promise<{ shop: string; kong: string }> {
    const own = { shop: `shop-${name}`, kong: `kong-${name}` };
    for (const namespace of Object.values(own)) await cluster().createNamespace(namespace);
    const metadata = { name: 'kong', namespace: own.kong };
    await cluster().apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata });
    await putSecret(own.shop);
    await cluster().applyManifest(
      text
        .replaceAll('namespace: shop', `namespace: ${own.shop}`)
        .replaceAll('namespace: kong', `namespace: ${own.kong}`),
    );
    return own;
  }

  /** A client as the plugin has one in a pod. */
  async function clientIn(namespace: string): Promise<KubernetesClient> {
    const mount = { namespace, serviceAccount: 'kong' };
    const { folder } = await cluster().mountServiceAccount(testFolder(), mount);
    const client = new KubernetesClient(() => inCluster(folder, cluster().url));
    onTestFinished(() => client.close());
    return client;
  }

  /** Expects each way of changing a Secret to be refused. */
  async function expectReadOnly(ask: Awaited<ReturnType<typeof asKong>>, namespace: string) {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'www-tls', namespace } };
    const path = `${secretsOf(namespace)}/www-tls`;
    expect({
      create: await ask('POST', secretsOf(namespace), { ...secret, metadata: { name: 'new', namespace } }),
      update: await ask('PUT', path, secret),
      patch: await ask('PATCH', path, { metadata: { labels: {} } }, 'application/merge-patch+json'),
      delete: await ask('DELETE', path),
      deletecollection: await ask('DELETE', secretsOf(namespace)),
    }).toEqual({ create: 403, update: 403, patch: 403, delete: 403, deletecollection: 403 });
  }

  it.for(MANIFESTS)('are valid (%s)', async (name) => {
    await cluster().applyManifest(read(name), { dryRun: true });
    await cluster().applyManifest(withOptionalRules(read(name)), { dryRun: true });
  });

  it('are valid as kubectl puts them together', async ({ skip }) => {
    const text = kustomized();
    if (text === null) return skip('there is no kubectl');
    await cluster().applyManifest(text, { dryRun: true });
  });

  it('let the service account read Secrets of the one namespace, and write none', async () => {
    const ask = await asKong();
    expect(await ask('GET', secretsOf('shop')), 'before').toBe(403);
    await cluster().applyManifest(read('rbac-namespaced.yaml'));
    await eventually('list is allowed', async () => (await ask('GET', secretsOf('shop'))) === 200);
    expect(await ask('GET', `${secretsOf('shop')}/www-tls`)).toBe(200);
    const watch = await cluster().watch(secretsOf('shop'), { token: await cluster().token('kong', 'kong') });
    expect(watch.status).toBe(200);
    watch.close();
    await expectReadOnly(ask, 'shop');

    for (const path of [secretsOf('elsewhere'), `${secretsOf('elsewhere')}/www-tls`, '/api/v1/secrets']) {
      expect(await ask('GET', path), path).toBe(403);
      expect(await ask('GET', `${path}?watch=1`), path).toBe(403);
    }
    expect(await ask('POST', '/api/v1/namespaces/shop/events', {}), 'an optional rule').toBe(403);
    expect(await ask('GET', '/apis/networking.k8s.io/v1/namespaces/shop/ingresses')).toBe(403);
  });

  it('let the service account read Secrets of all namespaces, and write none', async () => {
    const { shop, kong } = await separate('cluster', read('rbac-cluster.yaml'));
    const ask = await asKong(kong);
    await eventually('list is allowed', async () => (await ask('GET', '/api/v1/secrets')) === 200);
    expect(await ask('GET', `${secretsOf('elsewhere')}/www-tls`)).toBe(200);
    await expectReadOnly(ask, shop);
  });

  it('let the plugin read a single Secret where the Role and the source name it', async () => {
    const narrow = read('rbac-namespaced.yaml').replace(
      'resources: [secrets],',
      'resources: [secrets], resourceNames: [www-tls],',
    );
    const { shop, kong } = await separate('narrow', narrow);
    await putSecret(shop, 'other');
    const client = await clientIn(kong);
    const scan = (names: string[]) =>
      new KubernetesSource({
        ...{ client, create: false, labelSelector: null, onlyMarked: false },
        ...{ namespaces: [shop], names },
      }).scan();
    const found = await eventually('it is allowed', async () => {
      const { changed, errors } = await scan(['www-tls']);
      return errors.length === 0 ? changed : null;
    });
    expect(found).toEqual([`${shop}/www-tls`]);
    expect((await scan([])).errors).toMatchObject([{ reason: 'forbidden' }]);
  });

  it('let the plugin hold the one Lease, and no other', async () => {
    const { kong } = await separate('leases', read('rbac-leader-election.yaml'));
    const ask = await asKong(kong);
    const leases = `/apis/coordination.k8s.io/v1/namespaces/${kong}/leases`;
    await eventually('it is allowed', async () => (await ask('GET', `${leases}/ssl-cert-reloader`)) === 404);
    const store = new KubernetesLeases(await clientIn(kong), 'ssl-cert-reloader');
    const lease = await store.create({ holderIdentity: 'a' });
    await store.update({ ...lease, spec: { holderIdentity: 'b' } });
    expect((await store.read())?.spec).toMatchObject({ holderIdentity: 'b' });
    for (const path of [leases, `${leases}/other`, '/apis/coordination.k8s.io/v1/leases'])
      expect(await ask('GET', path), path).toBe(403);
    expect(await ask('DELETE', `${leases}/ssl-cert-reloader`)).toBe(403);
  });

  it('let the plugin write Events and nudge Ingresses with the optional rules', async () => {
    const { shop, kong } = await separate('optional', withOptionalRules(read('rbac-namespaced.yaml')));
    const ingresses = `/apis/networking.k8s.io/v1/namespaces/${shop}/ingresses`;
    await cluster().apply({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: 'www', namespace: shop },
      spec: {
        tls: [{ hosts: ['www.example.com'], secretName: 'www-tls' }],
        defaultBackend: { service: { name: 'www', port: { number: 80 } } },
      },
    });
    const ask = await asKong(kong);
    await eventually('list is allowed', async () => (await ask('GET', ingresses)) === 200);
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { generateName: 'www-tls.', namespace: shop },
      involvedObject: { apiVersion: 'v1', kind: 'Secret', namespace: shop, name: 'www-tls' },
    };
    expect(await ask('POST', `/api/v1/namespaces/${shop}/events`, event)).toBe(201);

    const nudger = new ReferrerNudger(await clientIn(kong));
    const secret = { namespace: shop, name: 'www-tls', uid: '' };
    expect(await nudger.nudge(secret, 'AB:CD')).toBe(`annotated Ingress ${shop}/www`);
    const { body } = await cluster().request('GET', `${ingresses}/www`);
    expect(body).toMatchObject({ metadata: { annotations: { [NUDGE_ANNOTATION]: 'AB:CD' } } });
  });
});
