import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openBundle } from '../../src/certificates';
import { Authority } from '../../src/authority/authority';
import { isRefusal, type RawBundle, type SourceScan } from '../../src/model';
import { inCluster, KubernetesClient, readKubeconfig, type ClusterAccess } from '../../src/kubernetes';
import {
  CA_CONFIG_MAPS,
  CA_SECRETS,
  KubernetesSource,
  type KubernetesSourceOptions,
} from '../../src/sources/kubernetes';
import { issue } from '../support/bundles';
import { eventually } from '../support/eventually';
import { testFolder } from '../support/folders';
import type { PolicyRule } from './apiserver';
import { describeWithCluster } from './suite';

const may = (...verbs: string[]): PolicyRule => ({ apiGroups: [''], resources: ['secrets'], verbs });
const sorted = ({ changed }: SourceScan) => [...changed].sort();
const sentences = ({ errors }: SourceScan) => errors.map(({ message }) => message).join('\n');

function sourceFor(access: ClusterAccess, options: Partial<KubernetesSourceOptions> = {}): KubernetesSource {
  const client = new KubernetesClient(() => access);
  onTestFinished(() => client.close());
  return new KubernetesSource({
    client,
    create: false,
    namespaces: [],
    names: [],
    labelSelector: null,
    onlyMarked: false,
    ...options,
  });
}

/** The scan that finds something: what was written a moment ago may be seen by the next poll only. */
const scanUntilFound = (source: KubernetesSource) =>
  eventually('a poll finds it', async () => {
    const scan = await source.scan();
    return scan.changed.length + scan.removed.length > 0 ? scan : null;
  });

async function readAll(source: KubernetesSource, { changed }: SourceScan): Promise<RawBundle[]> {
  const found: RawBundle[] = [];
  for (const name of changed) {
    const raw = await source.read(name);
    if (raw !== null && !isRefusal(raw)) found.push(raw);
  }
  return found;
}

const COUNT = 5_000;

/** A client that notes what it asks for. */
class CountingClient extends KubernetesClient {
  readonly paths: string[] = [];

  override get<T>(path: string): Promise<T> {
    this.paths.push(path);
    return super.get(path);
  }

  override watch<T>(path: string, signal: AbortSignal, idleMs: number) {
    this.paths.push(path);
    return super.watch<T>(path, signal, idleMs);
  }
}

describeWithCluster('Secrets of a real API server', (cluster) => {
  let made = 0;
  async function namespace(): Promise<string> {
    const name = `source-${++made}`;
    await cluster().createNamespace(name);
    return name;
  }

  const admin = (): ClusterAccess => readKubeconfig(cluster().kubeconfig(join(testFolder(), 'kubeconfig')));
  const put = (where: string, name: string, more: object = {}) => {
    const { chain, key } = issue();
    return cluster().applySecret(where, name, { cert: chain, key, ...more });
  };

  it('are found once, and again only when they changed', async () => {
    const where = await namespace();
    await put(where, 'www');
    await put(where, 'api');
    const source = sourceFor(admin(), { namespaces: [where] });
    const first = await source.scan();
    expect(sorted(first)).toEqual([`${where}/api`, `${where}/www`]);
    expect(await readAll(source, first)).toHaveLength(2);
    expect(await source.scan()).toMatchObject({ changed: [], removed: [], total: 2, errors: [] });
    const stored = await put(where, 'www');
    const next = await scanUntilFound(source);
    expect(next.changed).toEqual([`${where}/www`]);
    const [raw] = await readAll(source, next);
    expect(raw?.secret).toEqual({
      ...{ uid: stored.metadata.uid, namespace: where, name: 'www' },
      createdAt: Date.parse(String(stored.metadata['creationTimestamp'])),
    });
  });

  it('that are deleted go, and come back with another UID', async () => {
    const where = await namespace();
    const before = await put(where, 'www');
    const source = sourceFor(admin(), { namespaces: [where] });
    await readAll(source, await source.scan());
    await cluster().deleteSecret(where, 'www');
    expect(await scanUntilFound(source)).toMatchObject({ changed: [], removed: [`${where}/www`], total: 0 });
    await put(where, 'www');
    const [raw] = await readAll(source, await scanUntilFound(source));
    expect(raw?.secret?.uid).not.toBe(before.metadata.uid);
  });

  it('report a renewal at once while they are watched', async () => {
    const where = await namespace();
    await put(where, 'www');
    const source = sourceFor(admin(), { namespaces: [where] });
    const touched: string[] = [];
    onTestFinished(source.watch((what) => touched.push(what)));
    await readAll(source, await source.scan());
    await put(where, 'www');
    await eventually('the watch reports it', () => touched.length > 0);
    expect((await source.scan(new Set(touched))).changed).toEqual([`${where}/www`]);
    expect((await source.scan(new Set(['/etc/kong/certs']))).changed).toEqual([`${where}/www`]);
  });

  it('are listed anew when the server has forgotten what changed', async () => {
    const where = await namespace();
    await put(where, 'stays');
    await put(where, 'goes');
    const source = sourceFor(admin(), { namespaces: [where] });
    await readAll(source, await source.scan());
    await put(where, 'comes');
    await cluster().deleteSecret(where, 'goes');
    await cluster().compact();
    const scan = await eventually('it is listed', async () => {
      const found = await source.scan();
      return found.errors.length === 0 ? found : null;
    });
    expect(scan).toMatchObject({ changed: [`${where}/comes`], removed: [`${where}/goes`] });
  });

  it('go on being followed over a restart of the API server', async () => {
    const where = await namespace();
    await put(where, 'www');
    const source = sourceFor(admin(), { namespaces: [where] });
    const touched: string[] = [];
    onTestFinished(source.watch((what) => touched.push(what)));
    await readAll(source, await source.scan());
    await cluster().restartApiserver();
    await put(where, 'www');
    expect((await scanUntilFound(source)).changed).toEqual([`${where}/www`]);
  });

  it('are chosen by type, name, label and mark', async () => {
    const where = await namespace();
    const { chain, key } = issue();
    await put(where, 'tls');
    await put(where, 'labelled', { labels: { app: 'shop' } });
    await put(where, 'marked', { annotations: { 'konghq.com/override': 'true' } });
    await put(where, 'issued', { annotations: { 'cert-manager.io/certificate-name': 'x' } });
    await cluster().applySecret(where, 'opaque', { type: 'Opaque', cert: chain, key });
    const found = async (options: Partial<KubernetesSourceOptions>) => {
      const scan = await sourceFor(admin(), { namespaces: [where], ...options }).scan();
      return sorted(scan).map((name) => name.split('/')[1]);
    };
    expect(await found({})).toEqual(['issued', 'labelled', 'marked', 'tls']);
    expect(await found({ names: ['opaque', 'tls', 'missing'] })).toEqual(['opaque', 'tls']);
    expect(await found({ labelSelector: 'app=shop' })).toEqual(['labelled']);
    expect(await found({ onlyMarked: true })).toEqual(['issued', 'marked']);
  });

  it('are left alone while the certificate is still being issued', async () => {
    const where = await namespace();
    const { key, chain } = issue();
    const data = (cert: string) => ({ 'tls.crt': cert, 'tls.key': key });
    await cluster().applySecret(where, 'www', { data: data('') });
    const source = sourceFor(admin(), { namespaces: [where] });
    expect(await source.scan()).toMatchObject({ changed: [], total: 0, errors: [] });
    await cluster().applySecret(where, 'www', { data: data(chain) });
    expect((await scanUntilFound(source)).changed).toEqual([`${where}/www`]);
  });

  it('complete a chain from ca.crt, and a new ca.crt is a change', async () => {
    const where = await namespace();
    const root = Authority.root();
    const first = root.intermediate('An Intermediate');
    const leaf = first.issue({ names: ['www.example.test'] });
    const second = root.intermediate('An Intermediate', { key: first.privateKey });
    const apply = (ca: string) =>
      cluster().applySecret(where, 'www', {
        data: { 'tls.crt': leaf.cert, 'tls.key': leaf.key, 'ca.crt': ca },
      });
    const source = sourceFor(admin(), { namespaces: [where] });
    const openNow = async () => {
      const [raw] = await readAll(source, await scanUntilFound(source));
      const opened = openBundle(raw as RawBundle);
      if (isRefusal(opened)) throw new Error(opened.message);
      return opened.bundle;
    };
    await apply(first.cert);
    const before = await openNow();
    expect(before.chainLength).toBe(2);
    await apply(second.cert);
    const after = await openNow();
    expect(after.chainLength).toBe(2);
    expect(after.content).not.toBe(before.content);
    await apply(root.cert);
    expect((await openNow()).chainLength).toBe(1);
  });

  describe('with the rights of a service account', () => {
    async function account(rules: PolicyRule[], clusterWide = false) {
      const where = await namespace();
      await put(where, 'www');
      await cluster().createServiceAccount(where, 'kong', rules, { clusterWide });
      const mounted = await cluster().mountServiceAccount(testFolder(), {
        namespace: where,
        serviceAccount: 'kong',
      });
      return { where, mounted, access: inCluster(mounted.folder, cluster().url) };
    }

    it('in its namespace alone, are those of that namespace, and it says which verb is missing', async () => {
      const { where, access } = await account([may('get', 'list', 'watch')]);
      const scan = await sourceFor(access).scan();
      expect(scan.changed).toEqual([`${where}/www`]);
      expect(sentences(scan)).toContain('the verb list on Secrets in all namespaces is missing');
    });

    it('that was not asked for, are found without a complaint', async () => {
      const { where, access } = await account([may('get', 'list', 'watch')]);
      const scan = await sourceFor(access, { isDiscovered: true }).scan();
      expect(scan).toMatchObject({ changed: [`${where}/www`], errors: [] });
    });

    it('without watch, are listed at every poll, and it says so', async () => {
      const { where, access } = await account([may('get', 'list')]);
      const source = sourceFor(access, { namespaces: [where] });
      await readAll(source, await source.scan());
      await put(where, 'www');
      const next = await source.scan();
      expect(next.changed).toEqual([`${where}/www`]);
      expect(sentences(next)).toContain('the verb watch on Secrets');
    });

    it('that are given later, are all found from then on, without a restart', async () => {
      const { where, access } = await account([may('get', 'list', 'watch')]);
      const elsewhere = await namespace();
      await put(elsewhere, 'www');
      const source = sourceFor(access);
      onTestFinished(source.watch(() => undefined));
      await put(where, 'goes');
      await readAll(source, await source.scan());
      expect(sentences(await source.scan()), 'as long as it is so').toContain(
        'the verb list on Secrets in all',
      );

      await cluster().deleteSecret(where, 'goes');
      await cluster().createServiceAccount(where, 'kong', [may('get', 'list')], { clusterWide: true });
      const wide = await source.scan();
      expect(wide.errors).toEqual([]);
      expect(wide.changed).toEqual(expect.arrayContaining([`${where}/www`, `${elsewhere}/www`]));
      expect(wide.removed, 'what went meanwhile').toEqual([`${where}/goes`]);
      await readAll(source, wide);
      expect(sentences(await source.scan())).toContain(
        'the verb watch on Secrets in all namespaces is missing',
      );

      await cluster().createServiceAccount(where, 'kong', [may('get', 'list', 'watch')], {
        clusterWide: true,
      });
      expect(await source.scan()).toMatchObject({ changed: [], removed: [], errors: [] });
    });

    it('without any right, are not found, and one sentence says what to grant', async () => {
      const { where, access } = await account([]);
      const scan = await sourceFor(access, { namespaces: [where] }).scan();
      expect(scan).toMatchObject({ changed: [], errors: [{ reason: 'forbidden' }] });
      expect(sentences(scan)).toMatch(/the verb list is missing \(RBAC\).*cannot list resource "secrets"/s);
    });

    it('go on being read when the token is rotated', async () => {
      const { where, mounted, access } = await account([may('get', 'list', 'watch')]);
      const source = sourceFor(access, { namespaces: [where] });
      await readAll(source, await source.scan());
      const before = mounted.token();
      await mounted.rotate();
      expect(await access.token()).toBe(mounted.token());
      expect(mounted.token()).not.toBe(before);
      await put(where, 'www');
      expect((await scanUntilFound(source)).changed).toEqual([`${where}/www`]);
    });

    it('with an expired token, are not found, and one sentence says so', async () => {
      const { where, mounted, access } = await account([may('get', 'list', 'watch')]);
      await mounted.rotate(-120);
      const scan = await sourceFor(access, { namespaces: [where] }).scan();
      expect(scan).toMatchObject({ changed: [], errors: [{ reason: 'forbidden' }] });
      expect(sentences(scan)).toContain('does not accept the token');
    });
  });

  it('with a token that is not there, cannot be asked for, and one sentence says what the pod needs', async () => {
    const folder = testFolder();
    expect(() => inCluster(folder, cluster().url)).toThrow(
      /ca\.crt cannot be read: .* the pod needs automountServiceAccountToken/,
    );
    const where = await namespace();
    await cluster().createServiceAccount(where, 'kong', [may('get', 'list', 'watch')]);
    const mounted = await cluster().mountServiceAccount(folder, { namespace: where, serviceAccount: 'kong' });
    const access = inCluster(mounted.folder, cluster().url);
    rmSync(join(folder, 'token'));
    const scan = await sourceFor(access, { namespaces: [where] }).scan();
    expect(scan).toMatchObject({ changed: [], errors: [{ reason: 'unreachable' }] });
    expect(sentences(scan)).toMatch(/token cannot be read: .* the pod needs automountServiceAccountToken/);
  });

  it('that are ConfigMaps or ca.crt are bundles of CAs', async () => {
    const where = await namespace();
    const [a, b] = [Authority.root('A').cert, Authority.root('B').cert];
    await cluster().apply({
      ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'bundle', namespace: where } },
      data: { 'trust-bundle.pem': a + b, note: 'not a certificate' },
    });
    await put(where, 'www', { data: { 'ca.crt': a } });
    const config = sourceFor(admin(), { kind: CA_CONFIG_MAPS, namespaces: [where], names: ['bundle'] });
    const [bundle] = await readAll(config, await config.scan());
    expect(bundle).toMatchObject({ location: `ConfigMap ${where}/bundle`, cert: a + b, key: '' });
    const secrets = sourceFor(admin(), { kind: CA_SECRETS, namespaces: [where], names: ['www'] });
    const [ca] = await readAll(secrets, await secrets.scan());
    expect(ca).toMatchObject({ location: `Secret ${where}/www`, cert: a, key: '' });
    expect(config.id).not.toBe(secrets.id);
  });

  it('of a namespace that does not exist are not found, and it says so', async () => {
    const scan = await sourceFor(admin(), { namespaces: ['nowhere'] }).scan();
    expect(sentences(scan)).toContain('namespace nowhere does not exist');
  });

  it('of a server with another CA are not found, and it says so', async () => {
    const access = { ...admin(), ca: Authority.root().cert };
    const scan = await sourceFor(access, { namespaces: ['default'] }).scan();
    expect(scan).toMatchObject({ changed: [], errors: [{ reason: 'unreachable' }] });
    expect(sentences(scan)).toContain('its certificate is not from a trusted CA');
  });

  it('by the thousand are listed page by page, one that is renewed is found, and a poll is one request', async () => {
    const where = await namespace();
    const { chain, key } = issue();
    const names = Array.from({ length: COUNT }, (_, index) => `site-${index}`);
    const queue = names.values();
    const worker = async () => {
      for (const name of queue) await cluster().applySecret(where, name, { cert: chain, key });
    };
    await Promise.all(Array.from({ length: 16 }, worker));
    const client = new CountingClient(admin);
    onTestFinished(() => client.close());
    const source = new KubernetesSource({
      ...{ client, create: false, namespaces: [where], names: [], labelSelector: null, onlyMarked: false },
    });
    const touched: string[] = [];
    const unwatch = source.watch((what) => touched.push(what));
    const scan = await source.scan();
    expect(scan).toMatchObject({ total: COUNT, errors: [] });
    expect(await readAll(source, scan)).toHaveLength(COUNT);
    expect(client.paths.filter((path) => path.includes('limit=250'))).toHaveLength(COUNT / 250);

    await put(where, 'site-2500');
    await eventually('the watch reports it', () => touched.length > 0);
    expect((await source.scan(new Set(touched))).changed).toEqual([`${where}/site-2500`]);
    unwatch();

    client.paths.length = 0;
    expect(await source.scan()).toMatchObject({ changed: [`${where}/site-2500`], total: COUNT, errors: [] });
    expect(client.paths).toEqual([expect.stringContaining('watch=1') as string]);
  }, 180_000);
});

describe('a kubeconfig', () => {
  const context = (rest: string) =>
    `current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n${rest}`;

  it.for([
    ['that is not YAML', '{', 'line 2 is not YAML'],
    ['that is something else', '- a\n- b\n', 'it has no current-context'],
    ['without a context', 'clusters: []\n', 'it has no current-context'],
    ['with a context that is not there', 'current-context: x\ncontexts: []\n', 'it has no context named x'],
    [
      'with a cluster that is not there',
      'current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n',
      'it has no cluster named c',
    ],
    ['with lists that are not lists', 'current-context: x\ncontexts: {}\n', 'it has no context named x'],
    ['with an empty entry', 'current-context: x\ncontexts: [null]\n', 'it has no context named x'],
    [
      'with a server that is not a URL',
      context('clusters: [{name: c, cluster: {server: "10.0.0.1"}}]\nusers: [{name: u, user: {}}]\n'),
      'the server of cluster c: it is not a valid URL',
    ],
    [
      'with a file that is not there',
      context(
        'clusters: [{name: c, cluster: {server: "https://a", certificate-authority: ca.pem}}]\nusers: [{name: u, user: {}}]\n',
      ),
      'ca.pem cannot be read: it does not exist (yet)',
    ],
  ] as const)('%s is refused with its name and what is missing', ([, text, problem]) => {
    const path = join(testFolder(), 'kubeconfig');
    writeFileSync(path, text);
    expect(() => readKubeconfig(path)).toThrow(problem);
    expect(() => readKubeconfig(path)).toThrow(path);
  });

  it('asks its credential plugin for a token, and shows nothing of what that prints', async () => {
    const folder = testFolder();
    const path = join(folder, 'kubeconfig');
    const write = (command: string, args: string[]) =>
      writeFileSync(
        path,
        JSON.stringify({
          'current-context': 'x',
          contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
          clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
          users: [{ name: 'u', user: { exec: { command, args } } }],
        }),
      );
    write('echo', ['{"status": {"token": "from-the-plugin"}}']);
    expect(await readKubeconfig(path).token()).toBe('from-the-plugin');
    write('sh', ['-c', 'echo secret-token >&2; exit 1']);
    const failing = Promise.resolve(readKubeconfig(path).token());
    await expect(failing).rejects.toThrow('the credential plugin sh failed');
    await expect(failing).rejects.not.toThrow('secret-token');
    write('no-such-plugin', []);
    const missing = Promise.resolve(readKubeconfig(path).token());
    await expect(missing).rejects.toThrow('the credential plugin no-such-plugin does not exist');
  });
});
