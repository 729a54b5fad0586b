import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect, it } from 'vitest';
import { eventually } from '../support/eventually';
import { issue } from '../support/bundles';
import { testFolder } from '../support/folders';
import { startCluster, type KubernetesObject, type PolicyRule, type WatchEvent } from './apiserver';
import { describeWithCluster } from './suite';

const READ_SECRETS: PolicyRule = { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list', 'watch'] };
const secretsOf = (namespace: string) => `/api/v1/namespaces/${namespace}/secrets`;

interface SecretList {
  metadata: { resourceVersion: string; continue?: string };
  items: { metadata: { name: string; uid: string }; data: Record<string, string> }[];
}

const types = (events: readonly WatchEvent[]) => events.map(({ type }) => type);
const message = (body: unknown) => (body as { message: string }).message;

describeWithCluster('a real kube-apiserver', (cluster) => {
  let made = 0;
  /** A namespace for one test alone. */
  async function namespace(): Promise<string> {
    const name = `test-${++made}`;
    await cluster().createNamespace(name);
    return name;
  }

  async function list(path: string): Promise<SecretList> {
    const { body } = await cluster().request('GET', path);
    return body as SecretList;
  }

  /** The error with which a watch ends; null where that is another one. */
  async function errorOf(path: string, code: number): Promise<WatchEvent | null> {
    const watch = await cluster().watch(path);
    const error = await eventually('the watch ends with an error', () =>
      watch.events.find(({ type }) => type === 'ERROR'),
    );
    watch.close();
    return error.object['code'] === code ? error : null;
  }

  it('says which version it is', async () => {
    const { body } = await cluster().request('GET', '/version');
    const pinned = / k8s\.io\/kubernetes (v[\d.]+)/.exec(
      readFileSync(join(__dirname, 'apiserver', 'go.mod'), 'utf8').replaceAll('\t', ' '),
    )?.[1];
    expect(body).toMatchObject({ gitVersion: pinned });
  });

  it('lists a Secret and tells a watch of each change of it', async () => {
    const where = await namespace();
    const [first, second] = [issue(), issue()];
    const pair = { cert: first.chain, key: first.key };
    const stored = await cluster().applySecret(where, 'www', { ...pair, annotations: { why: 'test' } });
    const { items, metadata } = await list(secretsOf(where));
    expect(items).toMatchObject([
      { metadata: { uid: stored.metadata.uid, annotations: { why: 'test' } }, type: 'kubernetes.io/tls' },
    ]);
    expect(Buffer.from(items[0]?.data['tls.crt'] ?? '', 'base64').toString()).toBe(first.chain);

    const watch = await cluster().watch(`${secretsOf(where)}?resourceVersion=${metadata.resourceVersion}`);
    await cluster().applySecret(where, 'www', { cert: second.chain, key: second.key });
    await cluster().applySecret(where, 'other', { ...pair, labels: { app: 'shop' } });
    await cluster().deleteSecret(where, 'www');
    await eventually('three changes', () => watch.events.length === 3);
    watch.close();

    expect(types(watch.events)).toEqual(['MODIFIED', 'ADDED', 'DELETED']);
    const [modified] = watch.events as unknown as { object: KubernetesObject }[];
    expect(modified?.object.metadata.uid).toBe(stored.metadata.uid);
    expect(modified?.object.metadata.annotations, 'an annotation not named any more goes').toBeUndefined();
  });

  it('refuses a TLS Secret without a key', async () => {
    const where = await namespace();
    const half = cluster().applySecret(where, 'half', { cert: issue().chain });
    await expect(half).rejects.toThrow(/422: .*data\[tls\.key\]: Required value/);
  });

  it('refuses a service account what its rules do not say, and names the verb', async () => {
    const [where, elsewhere] = [await namespace(), await namespace()];
    await cluster().createServiceAccount(where, 'reader', [{ ...READ_SECRETS, verbs: ['get', 'list'] }]);
    const token = await cluster().token(where, 'reader');
    expect((await cluster().request('GET', secretsOf(where), undefined, { token })).status).toBe(200);

    const watch = await cluster().watch(secretsOf(where), { token });
    expect(watch.status).toBe(403);
    await eventually('the reason', () => watch.events.length === 1);
    expect(message(watch.events[0]?.object)).toContain('cannot watch resource "secrets"');

    const other = await cluster().request('GET', secretsOf(elsewhere), undefined, { token });
    expect(other.status).toBe(403);
    expect(message(other.body)).toContain(
      `User "system:serviceaccount:${where}:reader" cannot list resource "secrets" in API group "" in the namespace "${elsewhere}"`,
    );
  });

  it('lets a cluster-wide reader list all namespaces, until its rules are taken away', async () => {
    const where = await namespace();
    await cluster().createServiceAccount(where, 'reader', [READ_SECRETS], { clusterWide: true });
    const token = await cluster().token(where, 'reader');
    const look = async () => (await cluster().request('GET', '/api/v1/secrets', undefined, { token })).status;
    expect(await look()).toBe(200);
    await cluster().createServiceAccount(where, 'reader', [], { clusterWide: true });
    await eventually('it is refused', async () => (await look()) === 403);
  });

  it('takes a token of the TokenRequest API and one of a shorter life, and refuses expired and unknown ones', async () => {
    const where = await namespace();
    await cluster().createServiceAccount(where, 'reader', [READ_SECRETS]);
    const status = async (token: string | null) =>
      (await cluster().request('GET', secretsOf(where), undefined, { token })).status;
    expect(await status(await cluster().token(where, 'reader', 600))).toBe(200);
    expect(await status(await cluster().token(where, 'reader', 30))).toBe(200);
    expect(await status(await cluster().token(where, 'reader', -120))).toBe(401);
    expect(await status('unknown')).toBe(401);
    expect(await status(null), 'nobody').toBe(403);
  });

  it('stops taking a token that expires, and takes the one that is mounted in its place', async () => {
    const where = await namespace();
    const folder = testFolder();
    await cluster().createServiceAccount(where, 'reader', [READ_SECRETS]);
    const mount = { namespace: where, serviceAccount: 'reader' };
    const mounted = await cluster().mountServiceAccount(folder, mount);
    const status = async () =>
      (await cluster().request('GET', secretsOf(where), undefined, { token: mounted.token() })).status;
    // The API server forgives a minute: such a token is good for two seconds more, which a busy machine may miss.
    await eventually('it is taken', async () => {
      await mounted.rotate(-58);
      return (await status()) === 200;
    });
    await eventually('it has expired', async () => (await status()) === 401);

    const generation = readlinkSync(join(folder, '..data'));
    await mounted.rotate(3600);
    expect(await status()).toBe(200);
    expect(existsSync(join(folder, generation)), 'the old generation').toBe(false);
    expect(readdirSync(folder).sort()).toEqual([
      readlinkSync(join(folder, '..data')),
      '..data',
      'ca.crt',
      'namespace',
      'token',
    ]);
    expect(readFileSync(join(folder, 'namespace'), 'utf8')).toBe(where);
    expect(readFileSync(join(folder, 'ca.crt'), 'utf8')).toBe(readFileSync(cluster().caFile, 'utf8'));
  });

  it('comes back on the same port after a restart, which ends watches', async () => {
    const where = await namespace();
    const pair = issue();
    const stored = await cluster().applySecret(where, 'www', { cert: pair.chain, key: pair.key });
    const watch = await cluster().watch(secretsOf(where));
    await cluster().restartApiserver();
    expect(watch.isOpen()).toBe(false);
    expect((await list(secretsOf(where))).items[0]?.metadata.uid).toBe(stored.metadata.uid);
  });

  it('answers a watch from before a compaction with 410', async () => {
    const where = await namespace();
    const { metadata } = await list(secretsOf(where));
    const pair = issue();
    await cluster().applySecret(where, 'www', { cert: pair.chain, key: pair.key });
    await cluster().compact();
    const from = `${secretsOf(where)}?resourceVersion=${metadata.resourceVersion}`;
    // An API server that has just started may answer 429 until its cache is filled.
    const error = await eventually('it is too old', () => errorOf(from, 410));
    expect(error.object).toMatchObject({ reason: 'Expired' });
  });

  it('stores a thousand Secrets, and lists them in pages', async () => {
    const where = await namespace();
    const pair = issue();
    const names = Array.from({ length: 1000 }, (_, index) => `www-${index}`);
    const next = names.values();
    const worker = async () => {
      for (const name of next) await cluster().applySecret(where, name, { cert: pair.chain, key: pair.key });
    };
    await Promise.all(Array.from({ length: 16 }, worker));

    const first = await list(`${secretsOf(where)}?limit=600`);
    const token = encodeURIComponent(first.metadata.continue ?? '');
    const second = await list(`${secretsOf(where)}?limit=600&continue=${token}`);
    expect([first.items.length, second.items.length]).toEqual([600, 400]);
  });

  it('checks a manifest by dry run and stores nothing', async () => {
    const where = await namespace();
    const manifest = (field: string) =>
      [
        `{ apiVersion: v1, kind: ServiceAccount, metadata: { name: dry, namespace: ${where} } }`,
        `{ apiVersion: v1, kind: ConfigMap, metadata: { name: dry, namespace: ${where} }, ${field}: {} }`,
      ].join('\n---\n');
    await cluster().applyManifest(manifest('data'), { dryRun: true });
    const path = `/api/v1/namespaces/${where}/serviceaccounts/dry`;
    expect((await cluster().request('GET', path)).status).toBe(404);
    await expect(cluster().applyManifest(manifest('dat'), { dryRun: true })).rejects.toThrow(
      '.dat: field not declared in schema',
    );
  });

  it('knows the objects of our reduced definitions, and refuses what is not in them', async () => {
    const where = await namespace();
    await cluster().installCrds();
    const plugin = {
      apiVersion: 'configuration.konghq.com/v1',
      kind: 'KongClusterPlugin',
      metadata: { name: 'ssl-cert-reloader', labels: { global: 'true' } },
      plugin: 'ssl-cert-reloader',
      config: { interval: 300, sources: [{ type: 'kubernetes' }] },
    };
    expect(await cluster().apply(plugin)).toMatchObject({ config: plugin.config });
    const twice = { ...plugin, configFrom: { secretKeyRef: { name: 'a', namespace: 'b', key: 'c' } } };
    await expect(cluster().apply(twice, { dryRun: true })).rejects.toThrow('both config and configFrom');
    await expect(cluster().apply({ ...plugin, plugin: 'other' })).rejects.toThrow('immutable');

    const certificate = {
      apiVersion: 'cert-manager.io/v1',
      kind: 'Certificate',
      metadata: { name: 'www', namespace: where },
      spec: {
        secretName: 'www-tls',
        dnsNames: ['www.example.test'],
        issuerRef: { name: 'ca', kind: 'ClusterIssuer' },
        duration: '2160h',
        privateKey: { algorithm: 'ECDSA', size: 256, rotationPolicy: 'Always' },
        secretTemplate: { annotations: { 'example.test/reload': 'true' } },
      },
    };
    expect(await cluster().apply(certificate)).toMatchObject({ spec: certificate.spec });
    const misspelt = { ...certificate, spec: { ...certificate.spec, dnsName: [] } };
    await expect(cluster().apply(misspelt, { dryRun: true })).rejects.toThrow('dnsName');
  });

  it('gives kubectl a kubeconfig', ({ skip }) => {
    const folders = (process.env['PATH'] ?? '').split(delimiter);
    const kubectl = folders.map((folder) => join(folder, 'kubectl')).find((path) => existsSync(path));
    if (kubectl === undefined) return skip('there is no kubectl');
    const args = ['--kubeconfig', cluster().kubeconfig(), 'get', 'namespaces', '-o', 'name'];
    // It keeps a cache in its home.
    const env = { ...process.env, HOME: testFolder() };
    expect(execFileSync(kubectl, args, { encoding: 'utf8', env })).toContain('namespace/default');
  });
});

describeWithCluster(
  'a real kube-apiserver without a watch cache',
  (cluster) => {
    it('answers a watch from before a compaction with 410, without a restart', async () => {
      const path = '/api/v1/namespaces/default/secrets';
      const { body } = await cluster().request('GET', path);
      const from = `${path}?resourceVersion=${(body as SecretList).metadata.resourceVersion}`;
      const open = await cluster().watch(from);
      // The answer begins before etcd knows of the watch: only one that it has served is one that it knows.
      const pair = issue();
      await cluster().applySecret('default', 'www', { cert: pair.chain, key: pair.key });
      await eventually('the open watch is served', () => open.events.length > 0);
      await cluster().compact();
      const watch = await cluster().watch(from);
      await eventually('it is refused', () => watch.events.length > 0);
      expect(watch.events[0]).toMatchObject({ type: 'ERROR', object: { code: 410 } });
      expect(open.isOpen()).toBe(true);
      open.close();
    });
  },
  { watchCache: false },
);

it('startCluster says why it cannot start', async () => {
  const tools = { etcd: '/bin/false', apiserver: '/bin/false' };
  await expect(startCluster({ tools })).rejects.toThrow('etcd ended at once');
});
